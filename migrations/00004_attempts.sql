-- Every attempt that did not end in a posting, with the vendor's own words.
-- Also a confirmation that came after a person had voided the operation.
-- +goose Up
CREATE TABLE attempts (
    id             bigint GENERATED ALWAYS AS IDENTITY,
    operation_id   bigint      NOT NULL,
    outcome        text        NOT NULL,
    http_status    smallint,
    vendor_code    text,
    vendor_message text,
    error          text,
    duration_ms    integer     NOT NULL,
    at             timestamptz NOT NULL DEFAULT now(),

    CONSTRAINT attempts_pkey PRIMARY KEY (id),
    CONSTRAINT attempts_operation_id_fkey FOREIGN KEY (operation_id) REFERENCES operations (id),
    CONSTRAINT attempts_outcome_known CHECK (outcome IN
        ('applied', 'already_applied', 'refused', 'unauthorised', 'throttled', 'not_sent', 'retryable', 'unknown', 'lease_expired')),
    CONSTRAINT attempts_duration_not_negative CHECK (duration_ms >= 0)
);

CREATE INDEX attempts_operation_id_idx ON attempts (operation_id);

CREATE TRIGGER attempts_insert_only BEFORE UPDATE OR DELETE ON attempts
    FOR EACH ROW EXECUTE FUNCTION points_ledger_refuse_change();
CREATE TRIGGER attempts_no_truncate BEFORE TRUNCATE ON attempts
    FOR EACH STATEMENT EXECUTE FUNCTION points_ledger_refuse_change();

COMMENT ON TABLE attempts IS 'Attempts that did not post, and confirmations heard after a void. Insert-only.';
COMMENT ON COLUMN attempts.error IS 'Our own words when there was no readable answer.';

-- +goose Down
DROP TABLE attempts;
