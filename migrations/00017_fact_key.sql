-- One fact has one set of operations, for ever. A dedup key (biz_id) holds the
-- account's name, so rules that name another account made another key of the
-- same order, and it was granted a second time. The fact key leaves account and
-- leg out: whoever records a fact first has it, under any rule set.
-- Rows from before this column have none; nothing here is edited, and the
-- ledger looks such rows up by their dedup keys.
-- +goose Up
ALTER TABLE operations
    ADD COLUMN fact_key uuid,
    ADD COLUMN fact_leg smallint,
    -- Two workers under two rule sets: the second one looks again.
    ADD CONSTRAINT operations_one_per_fact UNIQUE (fact_key, fact_leg),
    ADD CONSTRAINT operations_fact_whole CHECK ((fact_key IS NULL) = (fact_leg IS NULL));

COMMENT ON COLUMN operations.fact_key IS 'Hash of scope, type and key values, without account and leg. Null: from before this column.';
COMMENT ON COLUMN operations.fact_leg IS 'Numbers the operations of a fact, from 0.';

-- +goose Down
ALTER TABLE operations DROP COLUMN fact_leg, DROP COLUMN fact_key;
