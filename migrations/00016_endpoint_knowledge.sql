-- What is known of each account at the endpoint that it calls (URL and key id),
-- learned by reading the records of postings that the vendor confirmed. What was
-- learned at one endpoint says nothing about another: the simulator's habits are
-- not the vendor's. None of it is ledger: it is made again by sampling, and a
-- person may have it forgotten.
-- +goose Up
CREATE TABLE endpoints (
    target              text        NOT NULL,
    endpoint            text        NOT NULL,
    first_used_at       timestamptz NOT NULL DEFAULT now(),
    reference_state     text        NOT NULL DEFAULT 'unknown',
    state_since         timestamptz NOT NULL DEFAULT now(),
    shown_since         timestamptz,
    zone_offset_minutes smallint,
    keys_seen_at        timestamptz,
    newest_operation_id bigint,
    newest_sent_at      timestamptz,
    wanted_at           timestamptz,
    sampled_at          timestamptz,
    lease_token         bigint,
    lease_until         timestamptz,

    CONSTRAINT endpoints_pkey PRIMARY KEY (target, endpoint),
    CONSTRAINT endpoints_named CHECK (target <> '' AND endpoint <> ''),
    CONSTRAINT endpoints_reference_state_known CHECK (reference_state IN ('unknown', 'shown', 'hidden')),
    CONSTRAINT endpoints_shown_has_since CHECK ((reference_state = 'shown') = (shown_since IS NOT NULL)),
    CONSTRAINT endpoints_newest_whole CHECK ((newest_operation_id IS NULL) = (newest_sent_at IS NULL)),
    CONSTRAINT endpoints_lease_whole CHECK ((lease_token IS NULL) = (lease_until IS NULL))
) WITH (fillfactor = 50);

CREATE TABLE endpoint_samples (
    id             bigint GENERATED ALWAYS AS IDENTITY,
    target         text        NOT NULL,
    endpoint       text        NOT NULL,
    operation_id   bigint      NOT NULL,
    member_id      text        NOT NULL,
    sent_at        timestamptz NOT NULL,
    confirmed_at   timestamptz NOT NULL,
    state          text        NOT NULL DEFAULT 'waiting',
    reads          integer     NOT NULL DEFAULT 0,
    due_at         timestamptz,
    ended_at       timestamptz,
    shown_began_at timestamptz,
    shown_at       timestamptz,
    last_began_at  timestamptz,
    last_shown_at  timestamptz,
    unshown_ms     bigint,
    lag_ms         bigint,
    read_late      boolean     NOT NULL DEFAULT false,
    offset_minutes smallint,

    CONSTRAINT endpoint_samples_pkey PRIMARY KEY (id),
    CONSTRAINT endpoint_samples_endpoint_fkey FOREIGN KEY (target, endpoint) REFERENCES endpoints (target, endpoint) ON DELETE CASCADE,
    -- An operation is sampled once at an endpoint, whoever samples.
    CONSTRAINT endpoint_samples_one_per_operation UNIQUE (target, endpoint, operation_id),
    CONSTRAINT endpoint_samples_state_known CHECK (state IN ('waiting', 'shown', 'failed')),
    CONSTRAINT endpoint_samples_waiting_is_due CHECK ((state = 'waiting') = (due_at IS NOT NULL)),
    CONSTRAINT endpoint_samples_ended_whole CHECK ((state = 'waiting') = (ended_at IS NULL)),
    CONSTRAINT endpoint_samples_shown_whole CHECK ((state = 'shown') = (shown_at IS NOT NULL)),
    CONSTRAINT endpoint_samples_readings_whole
        CHECK ((shown_at IS NULL) = (shown_began_at IS NULL) AND (shown_at IS NULL) = (last_shown_at IS NULL)
               AND (shown_at IS NULL) = (last_began_at IS NULL)),
    CONSTRAINT endpoint_samples_lag_of_shown CHECK ((shown_at IS NULL) = (lag_ms IS NULL) AND lag_ms >= 0)
);
-- The re-reading that is due, and the newest that have ended.
CREATE INDEX endpoint_samples_due_idx ON endpoint_samples (target, endpoint, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX endpoint_samples_ended_idx ON endpoint_samples (target, endpoint, ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE endpoint_extents (
    id       bigint GENERATED ALWAYS AS IDENTITY,
    target   text        NOT NULL,
    endpoint text        NOT NULL,
    records  integer     NOT NULL,
    depth    interval    NOT NULL,
    seen_at  timestamptz NOT NULL DEFAULT now(),

    CONSTRAINT endpoint_extents_pkey PRIMARY KEY (id),
    CONSTRAINT endpoint_extents_endpoint_fkey FOREIGN KEY (target, endpoint) REFERENCES endpoints (target, endpoint) ON DELETE CASCADE,
    CONSTRAINT endpoint_extents_records_positive CHECK (records > 0)
);
CREATE INDEX endpoint_extents_endpoint_idx ON endpoint_extents (target, endpoint, seen_at);

COMMENT ON TABLE endpoints IS 'What is known of each account at the endpoint it calls (URL and key id). Learned by sampling; not ledger.';
COMMENT ON COLUMN endpoints.endpoint IS 'Short text of URL and key id; it holds no secret.';
COMMENT ON COLUMN endpoints.first_used_at IS 'Since when a worker calls it. Nothing that was confirmed before counts here.';
COMMENT ON COLUMN endpoints.reference_state IS 'Whether members'' records show our references here: unknown, shown, hidden; since state_since.';
COMMENT ON COLUMN endpoints.shown_since IS 'What was confirmed from then on must show.';
COMMENT ON COLUMN endpoints.zone_offset_minutes IS 'What a record''s time, read as China''s, must be moved by; null: not known.';
COMMENT ON COLUMN endpoints.keys_seen_at IS 'When a repeated call was last answered "already applied"; null: never.';
COMMENT ON COLUMN endpoints.newest_operation_id IS 'The newest posting that the vendor confirmed here, with the begin of its call in newest_sent_at.';
COMMENT ON COLUMN endpoints.wanted_at IS 'Somebody wants a sample at once: a row in doubt lacks its control.';
COMMENT ON COLUMN endpoints.lease_until IS 'The worker that samples, until then.';
COMMENT ON TABLE endpoint_samples IS 'Confirmed postings whose member''s records were read. The last few hundred of each endpoint.';
COMMENT ON COLUMN endpoint_samples.shown_began_at IS 'When the first reading that shows it began; shown_at: had ended. last_began_at, last_shown_at: the newest such reading.';
COMMENT ON COLUMN endpoint_samples.unshown_ms IS 'From the confirmation to the begin of the last reading that did not show it.';
COMMENT ON COLUMN endpoint_samples.lag_ms IS 'From the confirmation to the end of the first reading that shows it; with read_late it is an upper bound only.';
COMMENT ON COLUMN endpoint_samples.offset_minutes IS 'Call''s time less record''s time, in quarters of an hour; null when they do not fit one.';
COMMENT ON TABLE endpoint_extents IS 'Complete lists of records that were seen: how many, and how far back they went. A few of each endpoint.';

-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'points_ledger_finance') THEN
        GRANT SELECT ON endpoints, endpoint_samples, endpoint_extents TO points_ledger_finance;
    END IF;
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP TABLE endpoint_extents;
DROP TABLE endpoint_samples;
DROP TABLE endpoints;
