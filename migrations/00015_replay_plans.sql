-- What an operator means to do, kept before it is done: a replay then takes
-- exactly the operations that were looked at, and goes on where it stopped. A
-- plan is no evidence (ops_actions is), so its rows change.
-- +goose Up
CREATE TABLE replay_plans (
    id           bigint GENERATED ALWAYS AS IDENTITY,
    name         text        NOT NULL,
    kind         text        NOT NULL,
    made_at      timestamptz NOT NULL DEFAULT now(),
    made_by      text        NOT NULL,
    filter       text        NOT NULL,
    size         bigint      NOT NULL,
    details      text        NOT NULL DEFAULT '{}',
    cancelled_at timestamptz,
    cancelled_by text,

    CONSTRAINT replay_plans_pkey PRIMARY KEY (id),
    CONSTRAINT replay_plans_name_unique UNIQUE (name),
    CONSTRAINT replay_plans_kind_known CHECK (kind IN ('run', 'void', 'stream', 'rejects')),
    CONSTRAINT replay_plans_size_not_negative CHECK (size >= 0),
    CONSTRAINT replay_plans_cancelled_whole CHECK ((cancelled_at IS NULL) = (cancelled_by IS NULL))
);

CREATE TABLE replay_plan_operations (
    plan_id      bigint NOT NULL,
    operation_id bigint NOT NULL,
    outcome      text,
    action_id    bigint,

    CONSTRAINT replay_plan_operations_pkey PRIMARY KEY (plan_id, operation_id),
    CONSTRAINT replay_plan_operations_plan_id_fkey FOREIGN KEY (plan_id) REFERENCES replay_plans (id),
    CONSTRAINT replay_plan_operations_action_id_fkey FOREIGN KEY (action_id) REFERENCES ops_actions (id),
    CONSTRAINT replay_plan_operations_outcome_known CHECK (outcome IN ('done', 'skipped', 'refused')),
    CONSTRAINT replay_plan_operations_outcome_whole CHECK ((outcome IS NULL) = (action_id IS NULL))
) WITH (fillfactor = 80);

-- What is still to be done is found by this one, in order.
CREATE INDEX replay_plan_operations_left_idx ON replay_plan_operations (plan_id, operation_id) WHERE outcome IS NULL;

COMMENT ON TABLE replay_plans IS 'Sets of operations, or parts of the stream, that an operator looked at and may act on.';
COMMENT ON COLUMN replay_plans.name IS 'What a person types: P- and characters that are told apart by eye.';
COMMENT ON COLUMN replay_plans.kind IS 'run: put back. void: give up. stream: add what is missing. rejects: map again.';
COMMENT ON COLUMN replay_plans.filter IS 'The filter as it was typed.';
COMMENT ON COLUMN replay_plans.details IS 'JSON: what a plan of this kind needs besides its operations.';
COMMENT ON TABLE replay_plan_operations IS 'The operations of a plan. outcome null: still to be done.';
COMMENT ON COLUMN replay_plan_operations.outcome IS 'done, skipped (no longer parked), or refused (in doubt, and it may not be sent or voided).';
COMMENT ON COLUMN replay_plan_operations.action_id IS 'The act in ops_actions that decided it.';

-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'points_ledger_finance') THEN
        GRANT SELECT ON replay_plans, replay_plan_operations TO points_ledger_finance;
    END IF;
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP TABLE replay_plan_operations;
DROP TABLE replay_plans;
