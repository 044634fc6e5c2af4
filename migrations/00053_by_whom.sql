-- Who wrote what belongs to finance, and when, is the database's to say and not the writer's.
-- +goose Up
-- +goose StatementBegin
CREATE FUNCTION points_ledger_by_whom() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.db_user := session_user;
    RETURN NEW;
END
$$;
CREATE FUNCTION points_ledger_said_by_whom() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.db_user := session_user;
    NEW.said_at := now();
    RETURN NEW;
END
$$;
CREATE FUNCTION points_ledger_kept_by_whom() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.kept_by := session_user;
    NEW.kept_at := now();
    RETURN NEW;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER reconcile_runs_by_whom BEFORE INSERT ON reconcile_runs
    FOR EACH ROW EXECUTE FUNCTION points_ledger_by_whom();
CREATE TRIGGER reconcile_remarks_by_whom BEFORE INSERT ON reconcile_remarks
    FOR EACH ROW EXECUTE FUNCTION points_ledger_said_by_whom();
CREATE TRIGGER point_values_by_whom BEFORE INSERT ON point_values
    FOR EACH ROW EXECUTE FUNCTION points_ledger_kept_by_whom();
CREATE TRIGGER journal_vouchers_by_whom BEFORE INSERT ON journal_vouchers
    FOR EACH ROW EXECUTE FUNCTION points_ledger_kept_by_whom();
CREATE TRIGGER redemption_days_by_whom BEFORE INSERT ON redemption_days
    FOR EACH ROW EXECUTE FUNCTION points_ledger_kept_by_whom();

-- +goose Down
DROP TRIGGER redemption_days_by_whom ON redemption_days;
DROP TRIGGER journal_vouchers_by_whom ON journal_vouchers;
DROP TRIGGER point_values_by_whom ON point_values;
DROP TRIGGER reconcile_remarks_by_whom ON reconcile_remarks;
DROP TRIGGER reconcile_runs_by_whom ON reconcile_runs;
DROP FUNCTION points_ledger_kept_by_whom();
DROP FUNCTION points_ledger_said_by_whom();
DROP FUNCTION points_ledger_by_whom();
