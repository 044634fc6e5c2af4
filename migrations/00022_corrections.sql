-- What a person had given up and the vendor applied all the same stayed "voided"
-- for everybody who reads the ledger. It is corrected by a further row: the views
-- undo the void and credit the points.
-- +goose Up
CREATE TABLE corrections (
    operation_id   bigint      NOT NULL,
    kind           text        NOT NULL,
    evidence       text        NOT NULL,
    member_id      text        NOT NULL,
    http_status    smallint,
    vendor_code    text,
    vendor_message text,
    corrected_at   timestamptz NOT NULL DEFAULT now(),

    CONSTRAINT corrections_pkey PRIMARY KEY (operation_id),
    -- Only what has ended is corrected.
    CONSTRAINT corrections_operation_id_fkey FOREIGN KEY (operation_id) REFERENCES postings (operation_id),
    CONSTRAINT corrections_kind_known CHECK (kind IN ('applied_after_void')),
    CONSTRAINT corrections_evidence_known CHECK (evidence IN ('answered', 'already_applied', 'verified')),
    CONSTRAINT corrections_has_member CHECK (member_id <> '')
);

CREATE TRIGGER corrections_insert_only BEFORE UPDATE OR DELETE ON corrections
    FOR EACH ROW EXECUTE FUNCTION points_ledger_refuse_change();
CREATE TRIGGER corrections_no_truncate BEFORE TRUNCATE ON corrections
    FOR EACH STATEMENT EXECUTE FUNCTION points_ledger_refuse_change();

COMMENT ON TABLE corrections IS 'What the ledger said and was not so: applied_after_void, the vendor applied what a person had given up. Insert-only.';
COMMENT ON COLUMN corrections.evidence IS 'How we know that it was applied, as in postings.';

-- What was heard before this table is in attempts. The member is the one that the
-- operation named; one of a scanned code is left to a person.
INSERT INTO corrections (operation_id, kind, evidence, member_id, http_status, vendor_code, vendor_message, corrected_at)
SELECT DISTINCT ON (p.operation_id) p.operation_id, 'applied_after_void',
       CASE a.outcome WHEN 'applied' THEN 'answered' ELSE 'already_applied' END, COALESCE(p.member_id, o.member_id),
       a.http_status, a.vendor_code, a.vendor_message, a.at
  FROM postings p
  JOIN operations o ON o.id = p.operation_id
  JOIN attempts a ON a.operation_id = p.operation_id AND a.outcome IN ('applied', 'already_applied') AND a.at >= p.posted_at
 WHERE p.kind = 'voided' AND COALESCE(p.member_id, o.member_id, '') <> ''
 ORDER BY p.operation_id, a.id;

CREATE OR REPLACE VIEW entries AS
WITH movements AS NOT MATERIALIZED (
    -- Acceptance: a grant is owed to the member, a freeze is taken from the
    -- vendor's balance of the member; both are pending.
    SELECT o.id AS operation_id, 'accepted' AS movement, o.recorded_at AS at, o.business_date, o.target, o.points,
           CASE o.kind WHEN 'points_add' THEN o.target || ':issued:' || o.source_type
                       ELSE o.target || ':member:' || COALESCE(o.member_id, 'unresolved') || ':vendor_balance' END AS from_account,
           o.target || ':member:' || COALESCE(o.member_id, 'unresolved') || ':pending' AS to_account
      FROM operations o
     WHERE o.points > 0
    UNION ALL
    -- Posting: pending becomes credited or frozen, or goes back when voided.
    SELECT o.id, p.kind, p.posted_at, o.business_date, o.target, o.points,
           o.target || ':member:' || COALESCE(o.member_id, 'unresolved') || ':pending',
           CASE WHEN p.kind = 'posted' AND o.kind = 'points_add' THEN o.target || ':member:' || p.member_id || ':credited'
                WHEN p.kind = 'posted' THEN o.target || ':member:' || p.member_id || ':frozen'
                WHEN o.kind = 'points_add' THEN o.target || ':issued:' || o.source_type
                ELSE o.target || ':member:' || COALESCE(o.member_id, 'unresolved') || ':vendor_balance' END
      FROM postings p
      JOIN operations o ON o.id = p.operation_id
     WHERE o.points > 0
    UNION ALL
    -- Correction: the void is undone, then the points arrived all the same.
    SELECT o.id, 'void_undone', c.corrected_at, o.business_date, o.target, o.points,
           CASE WHEN o.kind = 'points_add' THEN o.target || ':issued:' || o.source_type
                ELSE o.target || ':member:' || COALESCE(o.member_id, 'unresolved') || ':vendor_balance' END,
           o.target || ':member:' || COALESCE(o.member_id, 'unresolved') || ':pending'
      FROM corrections c
      JOIN operations o ON o.id = c.operation_id
     WHERE o.points > 0
    UNION ALL
    SELECT o.id, c.kind, c.corrected_at, o.business_date, o.target, o.points,
           o.target || ':member:' || COALESCE(o.member_id, 'unresolved') || ':pending',
           o.target || ':member:' || c.member_id || CASE WHEN o.kind = 'points_add' THEN ':credited' ELSE ':frozen' END
      FROM corrections c
      JOIN operations o ON o.id = c.operation_id
     WHERE o.points > 0
)
SELECT operation_id, movement, at, business_date, target, from_account AS account, -points AS points FROM movements
UNION ALL
SELECT operation_id, movement, at, business_date, target, to_account, points FROM movements;

CREATE OR REPLACE VIEW operation_status AS
SELECT o.id, o.target, o.kind, o.biz_id, o.reference, o.business_key,
       COALESCE(c.member_id, p.member_id, x.resolved_member_id, o.member_id) AS member_id,
       o.points, o.source_type, o.points_channel, o.business_date, o.event_type, o.event_source, o.event_id,
       o.stream_seq, o.recorded_at,
       CASE
           WHEN p.kind = 'posted' THEN 'posted'
           WHEN c.operation_id IS NOT NULL THEN 'voided but applied'
           WHEN p.kind = 'voided' THEN 'voided'
           WHEN o.points = 0 THEN 'nothing to send'
           WHEN x.operation_id IS NULL THEN 'lost'
           WHEN x.state = 'parked' AND x.in_doubt THEN 'parked in doubt'
           WHEN x.state = 'parked' THEN 'parked'
           WHEN x.state = 'sending' THEN 'sending'
           WHEN x.in_doubt THEN 'waiting in doubt'
           WHEN x.attempts > 0 THEN 'waiting to retry'
           ELSE 'waiting'
       END AS state,
       x.cause, COALESCE(x.in_doubt, false) AS in_doubt,
       COALESCE(p.attempts, x.attempts, 0) AS attempts,
       x.next_attempt_at, COALESCE(c.evidence, p.evidence) AS evidence, p.posted_at
  FROM operations o
  LEFT JOIN outbox x ON x.operation_id = o.id
  LEFT JOIN postings p ON p.operation_id = o.id
  LEFT JOIN corrections c ON c.operation_id = o.id;

-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'points_ledger_finance') THEN
        GRANT SELECT ON corrections TO points_ledger_finance;
    END IF;
END
$$;
-- +goose StatementEnd

-- +goose Down
CREATE OR REPLACE VIEW entries AS
WITH movements AS NOT MATERIALIZED (
    -- Acceptance: a grant is owed to the member, a freeze is taken from the
    -- vendor's balance of the member; both are pending.
    SELECT o.id AS operation_id, 'accepted' AS movement, o.recorded_at AS at, o.business_date, o.target, o.points,
           CASE o.kind WHEN 'points_add' THEN o.target || ':issued:' || o.source_type
                       ELSE o.target || ':member:' || COALESCE(o.member_id, 'unresolved') || ':vendor_balance' END AS from_account,
           o.target || ':member:' || COALESCE(o.member_id, 'unresolved') || ':pending' AS to_account
      FROM operations o
     WHERE o.points > 0
    UNION ALL
    -- Posting: pending becomes credited or frozen, or goes back when voided.
    SELECT o.id, p.kind, p.posted_at, o.business_date, o.target, o.points,
           o.target || ':member:' || COALESCE(o.member_id, 'unresolved') || ':pending',
           CASE WHEN p.kind = 'posted' AND o.kind = 'points_add' THEN o.target || ':member:' || p.member_id || ':credited'
                WHEN p.kind = 'posted' THEN o.target || ':member:' || p.member_id || ':frozen'
                WHEN o.kind = 'points_add' THEN o.target || ':issued:' || o.source_type
                ELSE o.target || ':member:' || COALESCE(o.member_id, 'unresolved') || ':vendor_balance' END
      FROM postings p
      JOIN operations o ON o.id = p.operation_id
     WHERE o.points > 0
)
SELECT operation_id, movement, at, business_date, target, from_account AS account, -points AS points FROM movements
UNION ALL
SELECT operation_id, movement, at, business_date, target, to_account, points FROM movements;

CREATE OR REPLACE VIEW operation_status AS
SELECT o.id, o.target, o.kind, o.biz_id, o.reference, o.business_key,
       COALESCE(p.member_id, x.resolved_member_id, o.member_id) AS member_id,
       o.points, o.source_type, o.points_channel, o.business_date, o.event_type, o.event_source, o.event_id,
       o.stream_seq, o.recorded_at,
       CASE
           WHEN p.kind = 'posted' THEN 'posted'
           WHEN p.kind = 'voided' THEN 'voided'
           WHEN o.points = 0 THEN 'nothing to send'
           WHEN x.operation_id IS NULL THEN 'lost'
           WHEN x.state = 'parked' AND x.in_doubt THEN 'parked in doubt'
           WHEN x.state = 'parked' THEN 'parked'
           WHEN x.state = 'sending' THEN 'sending'
           WHEN x.in_doubt THEN 'waiting in doubt'
           WHEN x.attempts > 0 THEN 'waiting to retry'
           ELSE 'waiting'
       END AS state,
       x.cause, COALESCE(x.in_doubt, false) AS in_doubt,
       COALESCE(p.attempts, x.attempts, 0) AS attempts,
       x.next_attempt_at, p.evidence, p.posted_at
  FROM operations o
  LEFT JOIN outbox x ON x.operation_id = o.id
  LEFT JOIN postings p ON p.operation_id = o.id;

DROP TABLE corrections;
