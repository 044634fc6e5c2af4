-- The same checks for less (docs/performance.md has the figures). Counted
-- repetition in a regular expression took a seventh of the time of copying
-- operations, more than any index does; an index whose first column tells rows
-- apart is compared once and not twice; and the lock of the rules in force is
-- taken by an expression instead of a query. Locks operations for some two
-- seconds for each million rows.
-- +goose Up
ALTER TABLE operations
    DROP CONSTRAINT operations_biz_id_form,
    ADD CONSTRAINT operations_biz_id_form CHECK (octet_length(biz_id) = 28 AND biz_id COLLATE "C" ~ '^[a-z0-9]*$');

DROP INDEX operations_member_idx;
CREATE INDEX operations_member_idx ON operations (member_id, target) WHERE member_id IS NOT NULL;

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION points_ledger_rules_in_force() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    ended text;
BEGIN
    IF pg_advisory_xact_lock_shared(hashtextextended('points-ledger rules', 0)) IS NULL THEN
        RETURN NULL; -- never: the lock is granted or waited for
    END IF;
    SELECT r.mapping_version INTO ended
      FROM (SELECT mapping_version, max(broker_time) AS newest FROM recorded GROUP BY mapping_version) r
      JOIN mapping_ends e ON e.version = r.mapping_version AND r.newest >= e.ends_at
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'rules % have ended for these events: others are registered', ended
            USING ERRCODE = 'PLR01', HINT = 'worker rules';
    END IF;
    RETURN NULL;
END
$$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION points_ledger_rules_in_force() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    ended text;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('points-ledger rules', 0));
    SELECT r.mapping_version INTO ended
      FROM (SELECT mapping_version, max(broker_time) AS newest FROM recorded GROUP BY mapping_version) r
      JOIN mapping_ends e ON e.version = r.mapping_version AND r.newest >= e.ends_at
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'rules % have ended for these events: others are registered', ended
            USING ERRCODE = 'PLR01', HINT = 'worker rules';
    END IF;
    RETURN NULL;
END
$$;
-- +goose StatementEnd

ALTER TABLE operations
    DROP CONSTRAINT operations_biz_id_form,
    ADD CONSTRAINT operations_biz_id_form CHECK (biz_id ~ '^[a-z0-9]{28}$');

DROP INDEX operations_member_idx;
CREATE INDEX operations_member_idx ON operations (target, member_id) WHERE member_id IS NOT NULL;
