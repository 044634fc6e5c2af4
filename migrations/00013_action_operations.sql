-- Which operations a person's action changed. Without it an operation that was
-- put back and parked again hides that somebody was there before. Evidence, so
-- insert-only.
-- +goose Up
CREATE TABLE action_operations (
    operation_id bigint NOT NULL,
    action_id    bigint NOT NULL,

    -- Read by operation.
    CONSTRAINT action_operations_pkey PRIMARY KEY (operation_id, action_id),
    CONSTRAINT action_operations_operation_id_fkey FOREIGN KEY (operation_id) REFERENCES operations (id),
    CONSTRAINT action_operations_action_id_fkey FOREIGN KEY (action_id) REFERENCES ops_actions (id)
);

CREATE TRIGGER action_operations_insert_only BEFORE UPDATE OR DELETE ON action_operations
    FOR EACH ROW EXECUTE FUNCTION points_ledger_refuse_change();
CREATE TRIGGER action_operations_no_truncate BEFORE TRUNCATE ON action_operations
    FOR EACH STATEMENT EXECUTE FUNCTION points_ledger_refuse_change();

COMMENT ON TABLE action_operations IS 'Which operations an action in ops_actions changed. Insert-only.';

-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'points_ledger_finance') THEN
        GRANT SELECT ON action_operations TO points_ledger_finance;
    END IF;
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP TABLE action_operations;
