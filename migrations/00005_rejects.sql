-- Events that could not be accepted, kept whole until a person has decided.
-- Only the resolution may be written later, and only once.
-- +goose Up
CREATE TABLE rejects (
    id             bigint GENERATED ALWAYS AS IDENTITY,
    stream         text        NOT NULL,
    stream_created timestamptz NOT NULL,
    stream_seq     bigint      NOT NULL,
    subject        text        NOT NULL,
    broker_time    timestamptz NOT NULL,
    headers        bytea       NOT NULL,
    payload        bytea       NOT NULL,
    event_source   text,
    event_id       text,
    event_type     text,
    reason_code    text        NOT NULL,
    reason         text        NOT NULL,
    rejected_at    timestamptz NOT NULL DEFAULT now(),
    resolved_at    timestamptz,
    resolved_by    text,
    resolution     text,

    CONSTRAINT rejects_pkey PRIMARY KEY (id),
    -- A redelivered message is rejected once.
    -- The time tells it from a message of a stream that was made again meanwhile.
    CONSTRAINT rejects_one_per_message UNIQUE (stream, stream_created, stream_seq, broker_time),
    CONSTRAINT rejects_reason_code_known CHECK (reason_code IN
        ('not_json', 'not_utf8', 'not_cloudevent', 'missing_field', 'bad_type', 'out_of_range', 'unknown_type',
         'unknown_channel', 'subject_mismatch', 'conflict', 'over_limit', 'clock', 'too_large', 'no_vendor_call',
         'vendor_not_configured')),
    CONSTRAINT rejects_resolution_whole
        CHECK ((resolved_at IS NULL) = (resolved_by IS NULL) AND (resolved_at IS NULL) = (resolution IS NULL))
);

CREATE INDEX rejects_open_idx ON rejects (reason_code, id) WHERE resolved_at IS NULL;

-- +goose StatementBegin
CREATE FUNCTION points_ledger_rejects_resolution_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.resolved_at IS NULL AND
       (to_jsonb(NEW) - ARRAY['resolved_at', 'resolved_by', 'resolution'])
     = (to_jsonb(OLD) - ARRAY['resolved_at', 'resolved_by', 'resolution']) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'table rejects: only the resolution of an open reject can be written'
        USING ERRCODE = 'integrity_constraint_violation';
END
$$;
-- +goose StatementEnd

CREATE TRIGGER rejects_resolution_only BEFORE UPDATE ON rejects
    FOR EACH ROW EXECUTE FUNCTION points_ledger_rejects_resolution_only();
CREATE TRIGGER rejects_no_delete BEFORE DELETE ON rejects
    FOR EACH ROW EXECUTE FUNCTION points_ledger_refuse_change();
CREATE TRIGGER rejects_no_truncate BEFORE TRUNCATE ON rejects
    FOR EACH STATEMENT EXECUTE FUNCTION points_ledger_refuse_change();

COMMENT ON TABLE rejects IS 'Events that could not be accepted, whole, until a person has decided.';
COMMENT ON COLUMN rejects.headers IS 'NATS headers as they came, "Name: value" lines.';

-- +goose Down
DROP TABLE rejects;
DROP FUNCTION points_ledger_rejects_resolution_only();
