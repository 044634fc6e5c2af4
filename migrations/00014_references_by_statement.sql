-- outbox and postings point at operations. A foreign key looks each row up by
-- itself and locks what it finds, which took a third of all of the database's
-- time. These triggers hold the same by one look-up for a whole statement. They
-- need no lock: operations is insert-only, so what is there stays.
-- +goose Up

-- +goose StatementBegin
CREATE FUNCTION points_ledger_operation_exists() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    missing bigint;
BEGIN
    SELECT n.operation_id INTO missing
      FROM fresh n
     -- OFFSET 0 keeps it a look-up for each row: a join might read all of
     -- operations, if the planner believes that it is small.
     WHERE NOT EXISTS (SELECT 1 FROM operations o WHERE o.id = n.operation_id OFFSET 0)
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'table %: there is no operation %', TG_TABLE_NAME, missing
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NULL;
END
$$;
-- +goose StatementEnd

ALTER TABLE outbox DROP CONSTRAINT outbox_operation_id_fkey;
ALTER TABLE postings DROP CONSTRAINT postings_operation_id_fkey;

CREATE TRIGGER outbox_operation_exists AFTER INSERT ON outbox
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION points_ledger_operation_exists();
CREATE TRIGGER postings_operation_exists AFTER INSERT ON postings
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION points_ledger_operation_exists();

-- The id of an outbox row is never changed: it is the row's identity.
-- +goose StatementBegin
CREATE FUNCTION points_ledger_refuse_other_operation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'table %: operation_id is never changed', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END
$$;
-- +goose StatementEnd

CREATE TRIGGER outbox_operation_id_stays BEFORE UPDATE OF operation_id ON outbox
    FOR EACH ROW EXECUTE FUNCTION points_ledger_refuse_other_operation();

-- +goose Down
DROP TRIGGER outbox_operation_id_stays ON outbox;
DROP TRIGGER postings_operation_exists ON postings;
DROP TRIGGER outbox_operation_exists ON outbox;
DROP FUNCTION points_ledger_refuse_other_operation();
DROP FUNCTION points_ledger_operation_exists();
ALTER TABLE postings ADD CONSTRAINT postings_operation_id_fkey FOREIGN KEY (operation_id) REFERENCES operations (id);
ALTER TABLE outbox ADD CONSTRAINT outbox_operation_id_fkey FOREIGN KEY (operation_id) REFERENCES operations (id);
