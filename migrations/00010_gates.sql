-- The gate of each vendor account, shared by all workers: when one of them
-- learns that calling makes no sense, all of them stop, and one probes for all.
-- Also the account's place in time, for the rate limit over all workers.
-- +goose Up
CREATE TABLE gates (
    target        text        NOT NULL,
    reason        text,
    vendor_says   text,
    closed_at     timestamptz,
    probe_at      timestamptz,
    closings      integer     NOT NULL DEFAULT 0,
    probing_until timestamptz,
    next_slot_at  timestamptz NOT NULL DEFAULT now(),

    CONSTRAINT gates_pkey PRIMARY KEY (target),
    CONSTRAINT gates_reason_known CHECK (reason IN ('unauthorised', 'throttled', 'suspicious_refusals', 'failing', 'paused')),
    -- A gate is closed exactly when it has a reason, a time since and a time to probe at.
    CONSTRAINT gates_closed_whole
        CHECK ((reason IS NULL) = (closed_at IS NULL) AND (reason IS NULL) = (probe_at IS NULL)),
    CONSTRAINT gates_probe_while_closed CHECK (probing_until IS NULL OR reason IS NOT NULL)
);

COMMENT ON TABLE gates IS 'Gate and rate of each vendor account, shared by all workers. reason null: open.';
COMMENT ON COLUMN gates.probe_at IS 'No call before this time; then one call probes.';
COMMENT ON COLUMN gates.probing_until IS 'A worker''s probe is under way until then at the latest.';
COMMENT ON COLUMN gates.next_slot_at IS 'The next call over all workers may start at this time (rate limit).';

-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'points_ledger_finance') THEN
        GRANT SELECT ON gates TO points_ledger_finance;
    END IF;
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP TABLE gates;
