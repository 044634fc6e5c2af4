-- Lanes: what comes in bulk does not stand before what happens now, and of
-- either an event of the last minute can be found without reading a night's
-- backlog. An index for each lane, so that neither is read to get past the
-- other's rows; that of the live lane is the one that there was.
-- +goose Up
ALTER TABLE outbox
    ADD COLUMN bulk boolean NOT NULL DEFAULT false,
    ADD COLUMN fresh_until timestamptz;

DROP INDEX outbox_due_idx;
CREATE INDEX outbox_due_idx ON outbox (target, next_attempt_at, operation_id) WHERE state = 'pending' AND waits_for IS NULL AND NOT bulk;
CREATE INDEX outbox_bulk_idx ON outbox (target, next_attempt_at, operation_id) WHERE state = 'pending' AND waits_for IS NULL AND bulk;
CREATE INDEX outbox_fresh_idx ON outbox (target, fresh_until, operation_id) WHERE state = 'pending' AND waits_for IS NULL AND NOT bulk AND fresh_until IS NOT NULL;
CREATE INDEX outbox_fresh_bulk_idx ON outbox (target, fresh_until, operation_id) WHERE state = 'pending' AND waits_for IS NULL AND bulk AND fresh_until IS NOT NULL;

COMMENT ON COLUMN outbox.bulk IS 'The lane: live, or bulk (a rule says so, or a large replay put it back).';
COMMENT ON COLUMN outbox.fresh_until IS 'A minute after its event; null: it was older when it was recorded, was claimed since, or its account has no rate.';

-- +goose Down
DROP INDEX outbox_fresh_bulk_idx;
DROP INDEX outbox_fresh_idx;
DROP INDEX outbox_bulk_idx;
DROP INDEX outbox_due_idx;
CREATE INDEX outbox_due_idx ON outbox (target, next_attempt_at, operation_id) WHERE state = 'pending' AND waits_for IS NULL;
ALTER TABLE outbox DROP COLUMN fresh_until, DROP COLUMN bulk;
