-- Which rules are in force is a matter of the ledger, not of each worker. A
-- registered rule file can be taken back by a person (mapping_withdrawals), and
-- each file has a time from which it may not be used any more, because a file
-- that was registered later, or its withdrawal, says something else
-- (mapping_ends). The ledger itself refuses what was mapped by a file beyond its
-- end, so that a worker which has not heard of it yet cannot grant by old rules.
-- What shapes the parameters of a vendor call beside the operation itself is
-- registered too, and a row that was tried keeps its shape.
-- +goose Up
ALTER TABLE mappings ADD COLUMN registered_by text;
COMMENT ON COLUMN mappings.registered_by IS 'Who registered it: a worker (host and process) or the action of a person.';

-- A worker asks for the newest file every few seconds.
CREATE INDEX mappings_newest_idx ON mappings (first_used_at DESC, version);

CREATE TABLE mapping_withdrawals (
    version   text        NOT NULL,
    at        timestamptz NOT NULL DEFAULT now(),
    actor     text        NOT NULL,
    reason    text        NOT NULL,
    action_id bigint      NOT NULL,

    CONSTRAINT mapping_withdrawals_pkey PRIMARY KEY (version),
    CONSTRAINT mapping_withdrawals_version_fkey FOREIGN KEY (version) REFERENCES mappings (version),
    CONSTRAINT mapping_withdrawals_reason_given CHECK (reason <> '')
);
CREATE TRIGGER mapping_withdrawals_insert_only BEFORE UPDATE OR DELETE ON mapping_withdrawals
    FOR EACH ROW EXECUTE FUNCTION points_ledger_refuse_change();
CREATE TRIGGER mapping_withdrawals_no_truncate BEFORE TRUNCATE ON mapping_withdrawals
    FOR EACH STATEMENT EXECUTE FUNCTION points_ledger_refuse_change();
COMMENT ON TABLE mapping_withdrawals IS 'Rule files that a person took back before anything was recorded under them. Insert-only.';

-- Worked out anew from mappings and mapping_withdrawals whenever one of them
-- gains a row; it is no evidence.
CREATE TABLE mapping_ends (
    version text        NOT NULL,
    ends_at timestamptz NOT NULL,
    newest  text        NOT NULL,

    CONSTRAINT mapping_ends_pkey PRIMARY KEY (version)
);
COMMENT ON TABLE mapping_ends IS 'The broker''s time from which a rule file may not be used any more; infinity: it has no end, -infinity: withdrawn.';
COMMENT ON COLUMN mapping_ends.newest IS 'The newest registered file when the ends were worked out.';

ALTER TABLE rejects ADD COLUMN mapping_version text;
COMMENT ON COLUMN rejects.mapping_version IS 'The rule file by which it was rejected; null: not known.';

CREATE TABLE request_shapes (
    hash          text        NOT NULL,
    shape         text        NOT NULL,
    first_used_at timestamptz NOT NULL DEFAULT now(),

    CONSTRAINT request_shapes_pkey PRIMARY KEY (hash)
);
CREATE TRIGGER request_shapes_insert_only BEFORE UPDATE OR DELETE ON request_shapes
    FOR EACH ROW EXECUTE FUNCTION points_ledger_refuse_change();
CREATE TRIGGER request_shapes_no_truncate BEFORE TRUNCATE ON request_shapes
    FOR EACH STATEMENT EXECUTE FUNCTION points_ledger_refuse_change();
COMMENT ON TABLE request_shapes IS 'What shaped business parameters of vendor calls beside the operation: hash and text. Insert-only.';

ALTER TABLE outbox ADD COLUMN shape text;
COMMENT ON COLUMN outbox.shape IS 'The request shape of the attempts so far (request_shapes.hash); null: not sent yet, or the account has none.';

-- The lock makes registering and recording follow each other: once a file is
-- registered, no commit brings anything that was mapped by an older one beyond
-- its end. The function is volatile, so its query sees what was committed before
-- the lock was granted.
-- +goose StatementBegin
CREATE FUNCTION points_ledger_rules_in_force() RETURNS trigger LANGUAGE plpgsql AS $$
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

CREATE TRIGGER operations_rules_in_force AFTER INSERT ON operations
    REFERENCING NEW TABLE AS recorded
    FOR EACH STATEMENT EXECUTE FUNCTION points_ledger_rules_in_force();
CREATE TRIGGER rejects_rules_in_force AFTER INSERT ON rejects
    REFERENCING NEW TABLE AS recorded
    FOR EACH STATEMENT EXECUTE FUNCTION points_ledger_rules_in_force();

-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'points_ledger_finance') THEN
        GRANT SELECT ON mapping_withdrawals, mapping_ends, request_shapes TO points_ledger_finance;
    END IF;
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER rejects_rules_in_force ON rejects;
DROP TRIGGER operations_rules_in_force ON operations;
DROP FUNCTION points_ledger_rules_in_force();
ALTER TABLE outbox DROP COLUMN shape;
DROP TABLE request_shapes;
ALTER TABLE rejects DROP COLUMN mapping_version;
DROP TABLE mapping_ends;
DROP TABLE mapping_withdrawals;
DROP INDEX mappings_newest_idx;
ALTER TABLE mappings DROP COLUMN registered_by;
