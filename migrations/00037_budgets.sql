-- Budgets: what a day may grant to one member, and what one source may grant.
-- Each transaction that records adds to a row of its own writer and reads the sum
-- of all, so nobody waits for another; what was granted too much is then bounded
-- by what is recorded at the same moment. What is above a budget is parked when it
-- is recorded, with what it was measured by.
-- +goose Up
CREATE TABLE budget_counters (
    day     date   NOT NULL,
    bound   text   NOT NULL,
    subject text   NOT NULL,
    writer  bigint NOT NULL,
    points  bigint NOT NULL,

    CONSTRAINT budget_counters_pkey PRIMARY KEY (day, bound, subject, writer),
    CONSTRAINT budget_counters_bound_known CHECK (bound IN ('member', 'source')),
    CONSTRAINT budget_counters_points_positive CHECK (points > 0)
) WITH (fillfactor = 70);
COMMENT ON TABLE budget_counters IS 'Points that were granted within the budgets of a day. Not evidence: rows of old days are deleted.';
COMMENT ON COLUMN budget_counters.day IS 'The broker''s day of the events, in the programme''s time zone.';
COMMENT ON COLUMN budget_counters.subject IS 'The account and the member, or the source.';
COMMENT ON COLUMN budget_counters.writer IS 'Who adds to this row: no two transactions at a time have the same.';

CREATE TABLE budget_excesses (
    operation_id bigint NOT NULL,
    bound        text   NOT NULL,
    day          date   NOT NULL,
    limit_points bigint NOT NULL,
    spent_points bigint NOT NULL,

    CONSTRAINT budget_excesses_pkey PRIMARY KEY (operation_id),
    CONSTRAINT budget_excesses_operation_id_fkey FOREIGN KEY (operation_id) REFERENCES operations (id),
    CONSTRAINT budget_excesses_bound_known CHECK (bound IN ('member', 'source')),
    CONSTRAINT budget_excesses_limit_positive CHECK (limit_points > 0),
    CONSTRAINT budget_excesses_spent_not_negative CHECK (spent_points >= 0)
);
CREATE TRIGGER budget_excesses_insert_only BEFORE UPDATE OR DELETE ON budget_excesses
    FOR EACH ROW EXECUTE FUNCTION points_ledger_refuse_change();
CREATE TRIGGER budget_excesses_no_truncate BEFORE TRUNCATE ON budget_excesses
    FOR EACH STATEMENT EXECUTE FUNCTION points_ledger_refuse_change();
COMMENT ON TABLE budget_excesses IS 'Operations that were parked when they were recorded, because they were above a budget. Insert-only.';
COMMENT ON COLUMN budget_excesses.spent_points IS 'What had been granted within the budget that day, as far as its recorder knew.';

-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'points_ledger_finance') THEN
        GRANT SELECT ON budget_counters, budget_excesses TO points_ledger_finance;
    END IF;
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP TABLE budget_excesses;
DROP TABLE budget_counters;
