-- What the ledger has learned about a vendor account. The first confirmed
-- call lifts the "one call at a time" rule for a new account, for all workers.
-- +goose Up
CREATE TABLE accounts (
    target             text        NOT NULL,
    first_confirmed_at timestamptz NOT NULL DEFAULT now(),

    CONSTRAINT accounts_pkey PRIMARY KEY (target)
);

COMMENT ON TABLE accounts IS 'What was learned about each vendor account. A row appears with its first confirmed call.';

-- +goose Down
DROP TABLE accounts;
