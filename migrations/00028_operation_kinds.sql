-- What a kind of operation does to points is data: which account of the books
-- they leave and which they enter. A further kind is a row here, and no change of
-- a view or a CHECK. That the kind is known is held by the trigger that looks at
-- every statement's rows anyway; a foreign key would look each row up by itself.
-- +goose Up
CREATE TABLE operation_kinds (
    kind   text NOT NULL,
    leaves text NOT NULL,
    enters text NOT NULL,

    CONSTRAINT operation_kinds_pkey PRIMARY KEY (kind),
    CONSTRAINT operation_kinds_accounts_known
        CHECK (leaves IN ('issued', 'vendor_balance', 'credited', 'frozen', 'spent')
           AND enters IN ('issued', 'vendor_balance', 'credited', 'frozen', 'spent'))
);
CREATE TRIGGER operation_kinds_insert_only BEFORE UPDATE OR DELETE ON operation_kinds
    FOR EACH ROW EXECUTE FUNCTION points_ledger_refuse_change();
CREATE TRIGGER operation_kinds_no_truncate BEFORE TRUNCATE ON operation_kinds
    FOR EACH STATEMENT EXECUTE FUNCTION points_ledger_refuse_change();

COMMENT ON TABLE operation_kinds IS 'The kinds of operations, and the accounts of the double entry that their points leave and enter. Insert-only.';
COMMENT ON COLUMN operation_kinds.leaves IS 'issued is the account''s, by source type; every other is a member''s.';

INSERT INTO operation_kinds (kind, leaves, enters) VALUES
    ('points_add', 'issued', 'credited'),
    ('freeze_point', 'vendor_balance', 'frozen');

-- +goose StatementBegin
CREATE FUNCTION points_ledger_operations_stand() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    bad record;
BEGIN
    IF pg_advisory_xact_lock_shared(hashtextextended('points-ledger rules', 0)) IS NULL THEN
        RETURN NULL; -- never: the lock is granted or waited for
    END IF;
    SELECT r.mapping_version, r.kind, k.kind IS NULL AS unknown INTO bad
      FROM (SELECT mapping_version, kind, max(broker_time) AS newest FROM recorded GROUP BY mapping_version, kind) r
      LEFT JOIN mapping_ends e ON e.version = r.mapping_version AND r.newest >= e.ends_at
      LEFT JOIN operation_kinds k ON k.kind = r.kind
     WHERE e.version IS NOT NULL OR k.kind IS NULL
     LIMIT 1;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF bad.unknown THEN
        RAISE EXCEPTION 'table operations: there is no kind % of operations', bad.kind
            USING ERRCODE = 'check_violation', CONSTRAINT = 'operations_kind_known', TABLE = 'operations';
    END IF;
    RAISE EXCEPTION 'rules % have ended for these events: others are registered', bad.mapping_version
        USING ERRCODE = 'PLR01', HINT = 'worker rules';
END
$$;
-- +goose StatementEnd

DROP TRIGGER operations_rules_in_force ON operations;
CREATE TRIGGER operations_stand AFTER INSERT ON operations
    REFERENCING NEW TABLE AS recorded
    FOR EACH STATEMENT EXECUTE FUNCTION points_ledger_operations_stand();
ALTER TABLE operations DROP CONSTRAINT operations_kind_known;

-- Rows that came where triggers do not fire may have a kind that is not here: they
-- are in the books all the same.
CREATE OR REPLACE VIEW entries AS
WITH movements AS NOT MATERIALIZED (
    -- Acceptance: the points are promised, and pending.
    SELECT o.id AS operation_id, 'accepted' AS movement, o.recorded_at AS at, o.business_date, o.target, o.points,
           CASE k.leaves WHEN 'issued' THEN o.target || ':issued:' || o.source_type
                         ELSE o.target || ':member:' || COALESCE(o.member_id, 'unresolved') || ':' || COALESCE(k.leaves, 'unknown_kind') END AS from_account,
           o.target || ':member:' || COALESCE(o.member_id, 'unresolved') || ':pending' AS to_account
      FROM operations o
      LEFT JOIN operation_kinds k ON k.kind = o.kind
     WHERE o.points > 0
    UNION ALL
    -- Posting: what was pending arrives, or goes back when voided.
    SELECT o.id, p.kind, p.posted_at, o.business_date, o.target, o.points,
           o.target || ':member:' || COALESCE(o.member_id, 'unresolved') || ':pending',
           CASE CASE p.kind WHEN 'posted' THEN k.enters ELSE k.leaves END
               WHEN 'issued' THEN o.target || ':issued:' || o.source_type
               ELSE o.target || ':member:' || CASE p.kind WHEN 'posted' THEN p.member_id ELSE COALESCE(o.member_id, 'unresolved') END
                    || ':' || COALESCE(CASE p.kind WHEN 'posted' THEN k.enters ELSE k.leaves END, 'unknown_kind') END
      FROM postings p
      JOIN operations o ON o.id = p.operation_id
      LEFT JOIN operation_kinds k ON k.kind = o.kind
     WHERE o.points > 0
    UNION ALL
    -- Correction: the void is undone, then the points arrived all the same.
    SELECT o.id, 'void_undone', c.corrected_at, o.business_date, o.target, o.points,
           CASE k.leaves WHEN 'issued' THEN o.target || ':issued:' || o.source_type
                         ELSE o.target || ':member:' || COALESCE(o.member_id, 'unresolved') || ':' || COALESCE(k.leaves, 'unknown_kind') END,
           o.target || ':member:' || COALESCE(o.member_id, 'unresolved') || ':pending'
      FROM corrections c
      JOIN operations o ON o.id = c.operation_id
      LEFT JOIN operation_kinds k ON k.kind = o.kind
     WHERE o.points > 0
    UNION ALL
    SELECT o.id, c.kind, c.corrected_at, o.business_date, o.target, o.points,
           o.target || ':member:' || COALESCE(o.member_id, 'unresolved') || ':pending',
           CASE k.enters WHEN 'issued' THEN o.target || ':issued:' || o.source_type
                         ELSE o.target || ':member:' || c.member_id || ':' || COALESCE(k.enters, 'unknown_kind') END
      FROM corrections c
      JOIN operations o ON o.id = c.operation_id
      LEFT JOIN operation_kinds k ON k.kind = o.kind
     WHERE o.points > 0
)
SELECT operation_id, movement, at, business_date, target, from_account AS account, -points AS points FROM movements
UNION ALL
SELECT operation_id, movement, at, business_date, target, to_account, points FROM movements;

-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'points_ledger_finance') THEN
        GRANT SELECT ON operation_kinds TO points_ledger_finance;
    END IF;
END
$$;
-- +goose StatementEnd

-- +goose Down
CREATE OR REPLACE VIEW entries AS
WITH movements AS NOT MATERIALIZED (
    -- Acceptance: a grant is owed to the member, a freeze is taken from the
    -- vendor's balance of the member; both are pending.
    SELECT o.id AS operation_id, 'accepted' AS movement, o.recorded_at AS at, o.business_date, o.target, o.points,
           CASE o.kind WHEN 'points_add' THEN o.target || ':issued:' || o.source_type
                       ELSE o.target || ':member:' || COALESCE(o.member_id, 'unresolved') || ':vendor_balance' END AS from_account,
           o.target || ':member:' || COALESCE(o.member_id, 'unresolved') || ':pending' AS to_account
      FROM operations o
     WHERE o.points > 0
    UNION ALL
    -- Posting: pending becomes credited or frozen, or goes back when voided.
    SELECT o.id, p.kind, p.posted_at, o.business_date, o.target, o.points,
           o.target || ':member:' || COALESCE(o.member_id, 'unresolved') || ':pending',
           CASE WHEN p.kind = 'posted' AND o.kind = 'points_add' THEN o.target || ':member:' || p.member_id || ':credited'
                WHEN p.kind = 'posted' THEN o.target || ':member:' || p.member_id || ':frozen'
                WHEN o.kind = 'points_add' THEN o.target || ':issued:' || o.source_type
                ELSE o.target || ':member:' || COALESCE(o.member_id, 'unresolved') || ':vendor_balance' END
      FROM postings p
      JOIN operations o ON o.id = p.operation_id
     WHERE o.points > 0
    UNION ALL
    -- Correction: the void is undone, then the points arrived all the same.
    SELECT o.id, 'void_undone', c.corrected_at, o.business_date, o.target, o.points,
           CASE WHEN o.kind = 'points_add' THEN o.target || ':issued:' || o.source_type
                ELSE o.target || ':member:' || COALESCE(o.member_id, 'unresolved') || ':vendor_balance' END,
           o.target || ':member:' || COALESCE(o.member_id, 'unresolved') || ':pending'
      FROM corrections c
      JOIN operations o ON o.id = c.operation_id
     WHERE o.points > 0
    UNION ALL
    SELECT o.id, c.kind, c.corrected_at, o.business_date, o.target, o.points,
           o.target || ':member:' || COALESCE(o.member_id, 'unresolved') || ':pending',
           o.target || ':member:' || c.member_id || CASE WHEN o.kind = 'points_add' THEN ':credited' ELSE ':frozen' END
      FROM corrections c
      JOIN operations o ON o.id = c.operation_id
     WHERE o.points > 0
)
SELECT operation_id, movement, at, business_date, target, from_account AS account, -points AS points FROM movements
UNION ALL
SELECT operation_id, movement, at, business_date, target, to_account, points FROM movements;

ALTER TABLE operations ADD CONSTRAINT operations_kind_known CHECK (kind IN ('points_add', 'freeze_point'));
DROP TRIGGER operations_stand ON operations;
CREATE TRIGGER operations_rules_in_force AFTER INSERT ON operations
    REFERENCING NEW TABLE AS recorded
    FOR EACH STATEMENT EXECUTE FUNCTION points_ledger_rules_in_force();
DROP FUNCTION points_ledger_operations_stand();
DROP TABLE operation_kinds;
