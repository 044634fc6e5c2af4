-- An operation that is posted is closed: no row of the outbox may open it again,
-- none may leave without a posting, and no posting may be written beside an open
-- row. Whoever wrote by hand could do all three, and one such row stopped the
-- settling of its account. Held by one look-up for a whole statement, as the
-- references are.
-- +goose Up

-- A row that is open though its operation is posted would be sent again, or
-- hold up others. It goes, and attempts names it.
WITH stray AS (
    DELETE FROM outbox x USING postings p WHERE p.operation_id = x.operation_id
    RETURNING x.operation_id
)
INSERT INTO attempts (operation_id, outcome, error, duration_ms)
SELECT operation_id, 'not_sent', 'stray outbox row removed: the operation had ended before', 0 FROM stray;

-- +goose StatementBegin
CREATE FUNCTION points_ledger_outbox_opens() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    bad bigint;
BEGIN
    SELECT n.operation_id INTO bad
      FROM fresh n
     -- OFFSET 0 keeps each a look-up for a row, whatever the planner believes.
     WHERE NOT EXISTS (SELECT 1 FROM operations o WHERE o.id = n.operation_id OFFSET 0)
        OR EXISTS (SELECT 1 FROM postings p WHERE p.operation_id = n.operation_id OFFSET 0)
     LIMIT 1;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF EXISTS (SELECT 1 FROM postings p WHERE p.operation_id = bad) THEN
        RAISE EXCEPTION 'table outbox: operation % has ended, it is never sent again', bad
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'outbox_not_posted';
    END IF;
    RAISE EXCEPTION 'table %: there is no operation %', TG_TABLE_NAME, bad
        USING ERRCODE = 'foreign_key_violation', CONSTRAINT = TG_NAME;
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION points_ledger_posting_closes() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    bad bigint;
BEGIN
    SELECT n.operation_id INTO bad
      FROM fresh n
     WHERE NOT EXISTS (SELECT 1 FROM operations o WHERE o.id = n.operation_id OFFSET 0)
        OR EXISTS (SELECT 1 FROM outbox x WHERE x.operation_id = n.operation_id OFFSET 0)
     LIMIT 1;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF EXISTS (SELECT 1 FROM outbox x WHERE x.operation_id = bad) THEN
        RAISE EXCEPTION 'table postings: operation % is still open in outbox; the statement that posts it takes it out', bad
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'postings_closes';
    END IF;
    RAISE EXCEPTION 'table %: there is no operation %', TG_TABLE_NAME, bad
        USING ERRCODE = 'foreign_key_violation', CONSTRAINT = TG_NAME;
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION points_ledger_outbox_leaves() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    bad bigint;
BEGIN
    SELECT g.operation_id INTO bad
      FROM gone g
     WHERE NOT EXISTS (SELECT 1 FROM postings p WHERE p.operation_id = g.operation_id OFFSET 0)
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'table outbox: operation % has no posting, so it does not leave', bad
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'outbox_leaves_posted',
                  HINT = 'Give it up with replay void, or settle it with replay settle.';
    END IF;
    RETURN NULL;
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION points_ledger_outbox_truncate_refused() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'table outbox: no row leaves without its posting, TRUNCATE refused'
        USING ERRCODE = 'integrity_constraint_violation';
END
$$;
-- +goose StatementEnd

DROP TRIGGER outbox_operation_exists ON outbox;
DROP TRIGGER postings_operation_exists ON postings;
DROP FUNCTION points_ledger_operation_exists();

CREATE TRIGGER outbox_operation_exists AFTER INSERT ON outbox
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION points_ledger_outbox_opens();
CREATE TRIGGER postings_operation_exists AFTER INSERT ON postings
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION points_ledger_posting_closes();
CREATE TRIGGER outbox_leaves_posted AFTER DELETE ON outbox
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION points_ledger_outbox_leaves();
CREATE TRIGGER outbox_truncate_refused BEFORE TRUNCATE ON outbox
    FOR EACH STATEMENT EXECUTE FUNCTION points_ledger_outbox_truncate_refused();

-- +goose Down
DROP TRIGGER outbox_truncate_refused ON outbox;
DROP TRIGGER outbox_leaves_posted ON outbox;
DROP TRIGGER postings_operation_exists ON postings;
DROP TRIGGER outbox_operation_exists ON outbox;
DROP FUNCTION points_ledger_outbox_truncate_refused();
DROP FUNCTION points_ledger_outbox_leaves();
DROP FUNCTION points_ledger_posting_closes();
DROP FUNCTION points_ledger_outbox_opens();

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

CREATE TRIGGER outbox_operation_exists AFTER INSERT ON outbox
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION points_ledger_operation_exists();
CREATE TRIGGER postings_operation_exists AFTER INSERT ON postings
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION points_ledger_operation_exists();
