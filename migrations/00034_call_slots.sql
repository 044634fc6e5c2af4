-- The place in time of each vendor call of an account that has a rate of its
-- own, for all workers together. A rate over all calls of an account keeps its
-- place in gates.
-- +goose Up
CREATE TABLE call_slots (
    target       text        NOT NULL,
    call         text        NOT NULL,
    next_slot_at timestamptz NOT NULL,

    CONSTRAINT call_slots_pkey PRIMARY KEY (target, call)
) WITH (fillfactor = 50);

COMMENT ON TABLE call_slots IS 'The rates of an account''s calls over all workers: a row for each call that has one.';
COMMENT ON COLUMN call_slots.call IS 'The kind of an operation, records (a member''s history) or member (who a code is, and a balance).';
COMMENT ON COLUMN call_slots.next_slot_at IS 'The next call over all workers may start at this time.';

-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'points_ledger_finance') THEN
        GRANT SELECT ON call_slots TO points_ledger_finance;
    END IF;
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP TABLE call_slots;
