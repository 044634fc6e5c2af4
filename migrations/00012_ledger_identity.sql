-- Which database this ledger is in, and up to where it knows the stream. A
-- worker compares it with the database that it finds: after a failover or a
-- restored backup commits are missing whose events were acknowledged, and rows
-- that look unsent may have been sent.
-- +goose Up
CREATE TABLE ledger_identity (
    only_row          boolean     NOT NULL DEFAULT true,
    ledger_id         uuid        NOT NULL DEFAULT gen_random_uuid(),
    system_identifier bigint,
    timeline          bigint,
    stream            text        NOT NULL,
    stream_created    timestamptz,
    acked_seq         bigint      NOT NULL DEFAULT 0,
    last_seq          bigint      NOT NULL DEFAULT 0,
    last_broker_time  timestamptz,
    beat_at           timestamptz NOT NULL DEFAULT now(),

    CONSTRAINT ledger_identity_pkey PRIMARY KEY (only_row),
    CONSTRAINT ledger_identity_one_row CHECK (only_row),
    CONSTRAINT ledger_identity_timeline_positive CHECK (timeline > 0),
    CONSTRAINT ledger_identity_seqs_not_negative CHECK (acked_seq >= 0 AND last_seq >= 0),
    CONSTRAINT ledger_identity_last_whole CHECK ((last_seq = 0) = (last_broker_time IS NULL))
) WITH (fillfactor = 50);

COMMENT ON TABLE ledger_identity IS 'Which database this ledger is in, and up to where it knows the stream. One row, written every few seconds.';
COMMENT ON COLUMN ledger_identity.ledger_id IS 'Made once; goes with the data into a copy or a backup.';
COMMENT ON COLUMN ledger_identity.system_identifier IS 'The cluster''s, from pg_control_system(); null when the worker may not read it.';
COMMENT ON COLUMN ledger_identity.timeline IS 'The WAL''s timeline: it changes when a standby takes over and when a backup is recovered.';
COMMENT ON COLUMN ledger_identity.stream_created IS 'Tells a stream from a later one of the same name; null while there is none.';
COMMENT ON COLUMN ledger_identity.acked_seq IS 'Every event of the stream up to this one was acknowledged, and so recorded, before beat_at.';
COMMENT ON COLUMN ledger_identity.last_seq IS 'Stream sequence of an event of the newest batch at beat_at; 0: none yet.';
COMMENT ON COLUMN ledger_identity.beat_at IS 'When a worker last wrote this row. Commits that are lost were made after it.';

-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'points_ledger_finance') THEN
        GRANT SELECT ON ledger_identity TO points_ledger_finance;
    END IF;
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP TABLE ledger_identity;
