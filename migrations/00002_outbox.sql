-- What is still to be sent: the only rows of the ledger that move. The table
-- stays as small as the backlog, whatever the history; a row leaves in the
-- statement that writes its posting.
-- +goose Up
CREATE TABLE outbox (
    operation_id       bigint      NOT NULL,
    target             text        NOT NULL,
    state              text        NOT NULL DEFAULT 'pending',
    cause              text,
    in_doubt           boolean     NOT NULL DEFAULT false,
    attempts           integer     NOT NULL DEFAULT 0,
    first_sent_at      timestamptz,
    next_attempt_at    timestamptz NOT NULL DEFAULT now(),
    lease_token        bigint,
    lease_until        timestamptz,
    resolved_member_id text,

    CONSTRAINT outbox_pkey PRIMARY KEY (operation_id),
    CONSTRAINT outbox_operation_id_fkey FOREIGN KEY (operation_id) REFERENCES operations (id),
    CONSTRAINT outbox_state_known CHECK (state IN ('pending', 'sending', 'parked')),
    -- A row is leased exactly while it is being sent.
    CONSTRAINT outbox_lease_while_sending
        CHECK ((state = 'sending') = (lease_token IS NOT NULL)
           AND (state = 'sending') = (lease_until IS NOT NULL)),
    CONSTRAINT outbox_parked_has_cause CHECK (state <> 'parked' OR cause IS NOT NULL),
    -- Doubt comes from a send; its age is what the key memory is measured by.
    CONSTRAINT outbox_doubt_has_first_send CHECK (NOT in_doubt OR first_sent_at IS NOT NULL),
    CONSTRAINT outbox_sending_has_first_send CHECK (state <> 'sending' OR first_sent_at IS NOT NULL),
    CONSTRAINT outbox_attempts_not_negative CHECK (attempts >= 0)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 500);

-- The claim reads this one, in order of due time.
CREATE INDEX outbox_due_idx ON outbox (target, next_attempt_at, operation_id) WHERE state = 'pending';
-- The rescue of expired leases reads this one.
CREATE INDEX outbox_lease_idx ON outbox (target, lease_until) WHERE state = 'sending';
-- Doubt that outlived the vendor's memory of the key is found by this one.
CREATE INDEX outbox_doubt_idx ON outbox (target, first_sent_at) WHERE in_doubt AND state = 'pending';

COMMENT ON TABLE outbox IS 'What is still to be sent. A row is gone when its posting is written.';
COMMENT ON COLUMN outbox.state IS 'pending: due at next_attempt_at. sending: leased by a worker. parked: waits for a person.';
COMMENT ON COLUMN outbox.cause IS 'Why it is parked, or why it waits for another attempt.';
COMMENT ON COLUMN outbox.in_doubt IS 'The vendor may have applied it and there is no proof.';
COMMENT ON COLUMN outbox.first_sent_at IS 'When the first send that may have reached the vendor was claimed; null means never sent.';

-- +goose Down
DROP TABLE outbox;
