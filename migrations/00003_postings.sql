-- The ledger's second half: how an operation ended. One row at most, by the
-- primary key, so that nothing can end twice.
-- +goose Up
CREATE TABLE postings (
    operation_id   bigint      NOT NULL,
    kind           text        NOT NULL,
    evidence       text        NOT NULL,
    member_id      text,
    attempts       integer     NOT NULL,
    http_status    smallint,
    vendor_code    text,
    vendor_message text,
    posted_at      timestamptz NOT NULL DEFAULT now(),

    CONSTRAINT postings_pkey PRIMARY KEY (operation_id),
    CONSTRAINT postings_operation_id_fkey FOREIGN KEY (operation_id) REFERENCES operations (id),
    CONSTRAINT postings_kind_known CHECK (kind IN ('posted', 'voided')),
    CONSTRAINT postings_evidence_known CHECK (evidence IN ('answered', 'already_applied', 'verified', 'manual')),
    -- Only a person voids.
    CONSTRAINT postings_void_is_manual CHECK (kind <> 'voided' OR evidence = 'manual'),
    -- Points that arrived, arrived at somebody.
    CONSTRAINT postings_posted_has_member CHECK (kind <> 'posted' OR (member_id IS NOT NULL AND member_id <> '')),
    CONSTRAINT postings_attempts_not_negative CHECK (attempts >= 0)
);

CREATE TRIGGER postings_insert_only BEFORE UPDATE OR DELETE ON postings
    FOR EACH ROW EXECUTE FUNCTION points_ledger_refuse_change();
CREATE TRIGGER postings_no_truncate BEFORE TRUNCATE ON postings
    FOR EACH STATEMENT EXECUTE FUNCTION points_ledger_refuse_change();

COMMENT ON TABLE postings IS 'How an operation ended: posted (the vendor applied it) or voided (a person gave it up). Insert-only.';
COMMENT ON COLUMN postings.evidence IS 'How we know: answered, already_applied, verified (seen in the vendor''s records), manual.';
COMMENT ON COLUMN postings.member_id IS 'The member the points went to, resolved from a scanned code where there was one.';

-- +goose Down
DROP TABLE postings;
