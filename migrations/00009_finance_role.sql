-- A role that can read everything and change nothing, for finance: grant it to
-- a login role (GRANT points_ledger_finance TO alice). Where the migrating
-- role may not create roles, an administrator creates it first, and this
-- migration grants to it if it is there.
-- +goose Up
-- +goose StatementBegin
DO $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'points_ledger_finance') THEN
        BEGIN
            CREATE ROLE points_ledger_finance NOLOGIN;
        EXCEPTION
            WHEN insufficient_privilege THEN
                RAISE NOTICE 'role points_ledger_finance not created: % may not create roles', current_user;
            WHEN duplicate_object OR unique_violation THEN
                NULL; -- created meanwhile in another database of the cluster
        END;
    END IF;
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'points_ledger_finance') THEN
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO points_ledger_finance', current_schema());
        GRANT SELECT ON operations, outbox, postings, attempts, rejects, mappings, ops_actions, accounts,
            entries, trial_balance, operation_status TO points_ledger_finance;
    END IF;
END
$$;
-- +goose StatementEnd

-- +goose Down
-- The role belongs to the cluster and may serve another database: it stays.
-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'points_ledger_finance') THEN
        REVOKE SELECT ON operations, outbox, postings, attempts, rejects, mappings, ops_actions, accounts,
            entries, trial_balance, operation_status FROM points_ledger_finance;
        EXECUTE format('REVOKE USAGE ON SCHEMA %I FROM points_ledger_finance', current_schema());
    END IF;
END
$$;
-- +goose StatementEnd
