-- A witness outside the database tells a database that was rolled back from one that was not: a counter that
-- every look of a worker raises here first and then in a key-value bucket beside the stream. A database whose
-- counter is lower than the witness's has lost commits, also when timeline, system identifier and acknowledged
-- events are as before. The durable's name says under which key the witness of an earlier name is kept.

-- +goose Up
ALTER TABLE ledger_identity
    ADD COLUMN beat bigint NOT NULL DEFAULT 0,
    ADD COLUMN durable text NOT NULL DEFAULT '',
    ADD CONSTRAINT ledger_identity_beat_not_negative CHECK (beat >= 0);

COMMENT ON COLUMN ledger_identity.beat IS 'Raised by every write of this row and never lowered; the witness beside the stream keeps the highest that was seen.';
COMMENT ON COLUMN ledger_identity.durable IS 'The durable consumer that workers used at the last admission; empty: from before this column.';

-- +goose Down
ALTER TABLE ledger_identity
    DROP CONSTRAINT ledger_identity_beat_not_negative,
    DROP COLUMN durable,
    DROP COLUMN beat;
