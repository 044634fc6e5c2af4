-- Who decided what: every rule file that was ever used, and every act of a
-- person. Both are evidence, so both are insert-only.
-- +goose Up
CREATE TABLE mappings (
    version       text        NOT NULL,
    text          text        NOT NULL,
    first_used_at timestamptz NOT NULL DEFAULT now(),

    CONSTRAINT mappings_pkey PRIMARY KEY (version)
);

CREATE TRIGGER mappings_insert_only BEFORE UPDATE OR DELETE ON mappings
    FOR EACH ROW EXECUTE FUNCTION points_ledger_refuse_change();
CREATE TRIGGER mappings_no_truncate BEFORE TRUNCATE ON mappings
    FOR EACH STATEMENT EXECUTE FUNCTION points_ledger_refuse_change();

CREATE TABLE ops_actions (
    id       bigint GENERATED ALWAYS AS IDENTITY,
    at       timestamptz NOT NULL DEFAULT now(),
    actor    text        NOT NULL,
    action   text        NOT NULL,
    filter   text        NOT NULL,
    reason   text        NOT NULL,
    set_size bigint      NOT NULL,
    result   text        NOT NULL,

    CONSTRAINT ops_actions_pkey PRIMARY KEY (id),
    CONSTRAINT ops_actions_reason_given CHECK (reason <> '')
);

CREATE TRIGGER ops_actions_insert_only BEFORE UPDATE OR DELETE ON ops_actions
    FOR EACH ROW EXECUTE FUNCTION points_ledger_refuse_change();
CREATE TRIGGER ops_actions_no_truncate BEFORE TRUNCATE ON ops_actions
    FOR EACH STATEMENT EXECUTE FUNCTION points_ledger_refuse_change();

COMMENT ON TABLE mappings IS 'Each rule file ever used: version (hash), text, first use. Insert-only.';
COMMENT ON TABLE ops_actions IS 'Who replayed, voided, settled or paused what, when and why. Insert-only.';

-- +goose Down
DROP TABLE ops_actions;
DROP TABLE mappings;
