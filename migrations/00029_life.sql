-- The whole life of points: an operation may be held until a time, taken back by a
-- later event before or after it was sent, and an event may wait for the one that
-- it is about.
-- +goose Up
INSERT INTO operation_kinds (kind, leaves, enters) VALUES
    ('points_deduct', 'credited', 'issued'),
    ('unfreeze_point', 'frozen', 'vendor_balance'),
    ('consume_frozen', 'frozen', 'spent');

ALTER TABLE outbox
    ADD COLUMN held_until timestamptz,
    ADD COLUMN points bigint,
    ADD COLUMN waits_for bigint,
    -- One expression: each CHECK is read anew for every statement.
    ADD CONSTRAINT outbox_life CHECK ((points IS NULL OR points > 0) AND (waits_for IS NULL OR state <> 'sending'));
-- What waits for another operation is not due, whatever its time.
DROP INDEX outbox_due_idx;
CREATE INDEX outbox_due_idx ON outbox (target, next_attempt_at, operation_id) WHERE state = 'pending' AND waits_for IS NULL;
CREATE INDEX outbox_waits_idx ON outbox (target, waits_for) WHERE waits_for IS NOT NULL;

COMMENT ON COLUMN outbox.held_until IS 'Not sent before, whatever is done to it; null: at once.';
COMMENT ON COLUMN outbox.points IS 'What will be sent, where something was taken from it before it was sent; null: the operation''s points.';
COMMENT ON COLUMN outbox.waits_for IS 'The operation that must have ended before this one is sent: what it takes back. Null: none.';

-- The new conditions admit all that the old ones did, so older rows need not be read.
ALTER TABLE postings
    ADD COLUMN points bigint,
    DROP CONSTRAINT postings_evidence_known,
    DROP CONSTRAINT postings_void_is_manual,
    DROP CONSTRAINT postings_posted_has_member,
    ADD CONSTRAINT postings_evidence_known CHECK (evidence IN
        ('answered', 'already_applied', 'verified', 'manual', 'netted', 'reversed', 'nothing_to_take_back',
         'no_call_needed')) NOT VALID,
    -- Only a person voids, or what took all of it back.
    ADD CONSTRAINT postings_evidence_fits
        CHECK (evidence = 'manual' OR (kind = 'voided') = (evidence IN ('reversed', 'nothing_to_take_back', 'no_call_needed'))) NOT VALID,
    -- Points that arrived, arrived at somebody.
    ADD CONSTRAINT postings_posted_has_member
        CHECK (kind <> 'posted' OR evidence = 'netted' OR (member_id IS NOT NULL AND member_id <> '')) NOT VALID;

COMMENT ON COLUMN postings.evidence IS 'How we know: answered, already_applied, verified (seen in the vendor''s records), manual. netted: taken from the origin before that was sent. reversed: taken back whole before it was sent. nothing_to_take_back: its origin was given up. no_call_needed: the vendor needs no call for it.';
COMMENT ON COLUMN postings.points IS 'What was sent or given up, where something was taken from it before it was sent; null: the operation''s points.';

CREATE TABLE reversals (
    operation_id bigint  NOT NULL,
    origin_id    bigint  NOT NULL,
    amount_fen   bigint,
    kept_before  bigint  NOT NULL,
    kept_after   bigint  NOT NULL,
    netted       boolean NOT NULL,
    ends         boolean NOT NULL,

    CONSTRAINT reversals_pkey PRIMARY KEY (operation_id),
    CONSTRAINT reversals_operation_id_fkey FOREIGN KEY (operation_id) REFERENCES operations (id),
    CONSTRAINT reversals_origin_id_fkey FOREIGN KEY (origin_id) REFERENCES operations (id),
    CONSTRAINT reversals_keep_less CHECK (kept_after BETWEEN 0 AND kept_before),
    CONSTRAINT reversals_amount_not_negative CHECK (amount_fen >= 0)
);
CREATE INDEX reversals_origin_idx ON reversals (origin_id);
-- A freeze has one ending.
CREATE UNIQUE INDEX reversals_one_ending ON reversals (origin_id) WHERE ends;
CREATE TRIGGER reversals_insert_only BEFORE UPDATE OR DELETE ON reversals
    FOR EACH ROW EXECUTE FUNCTION points_ledger_refuse_change();
CREATE TRIGGER reversals_no_truncate BEFORE TRUNCATE ON reversals
    FOR EACH STATEMENT EXECUTE FUNCTION points_ledger_refuse_change();

COMMENT ON TABLE reversals IS 'What takes back from which operation, or ends which freeze. Insert-only.';
COMMENT ON COLUMN reversals.amount_fen IS 'The part of the origin''s amount, in fen; null: all of it.';
COMMENT ON COLUMN reversals.kept_before IS 'Points of the origin that the member keeps, before it and after it.';
COMMENT ON COLUMN reversals.netted IS 'Taken from the origin before that was sent: no call is made.';
COMMENT ON COLUMN reversals.ends IS 'The origin is a freeze, and this its only ending.';

CREATE TABLE waiting (
    fact_key       uuid        NOT NULL,
    origin_keys    uuid[]      NOT NULL,
    referral       jsonb       NOT NULL,
    stream         text        NOT NULL,
    stream_created timestamptz NOT NULL,
    stream_seq     bigint      NOT NULL,
    subject        text        NOT NULL,
    broker_time    timestamptz NOT NULL,
    headers        bytea       NOT NULL,
    payload        bytea       NOT NULL,
    event_source   text        NOT NULL,
    event_id       text        NOT NULL,
    event_type     text        NOT NULL,
    event_time     timestamptz NOT NULL,
    data           text        NOT NULL,
    business_key   text        NOT NULL,
    waits_since    timestamptz NOT NULL DEFAULT now(),

    CONSTRAINT waiting_pkey PRIMARY KEY (fact_key)
);
CREATE INDEX waiting_business_key_idx ON waiting (business_key);

COMMENT ON TABLE waiting IS 'Accepted events about a fact that is not recorded yet, as a refund that came before its sale. A row goes when its operations are recorded.';
COMMENT ON COLUMN waiting.origin_keys IS 'The fact keys that the origin may have.';

ALTER TABLE rejects
    DROP CONSTRAINT rejects_reason_code_known,
    ADD CONSTRAINT rejects_reason_code_known CHECK (reason_code IN
        ('not_json', 'not_utf8', 'not_cloudevent', 'missing_field', 'bad_type', 'out_of_range', 'unknown_type',
         'unknown_channel', 'subject_mismatch', 'conflict', 'over_limit', 'clock', 'too_large', 'no_vendor_call',
         'vendor_not_configured', 'over_refunded', 'origin_unknown')) NOT VALID;

-- Rows that came where triggers do not fire may have a kind that is not here: they
-- are in the books all the same.
CREATE OR REPLACE VIEW entries AS
WITH movements AS NOT MATERIALIZED (
    -- Acceptance: the points are promised, and pending. What was taken from a grant
    -- before it was sent was the grant's pending points from the first.
    SELECT o.id AS operation_id, 'accepted' AS movement, o.recorded_at AS at, o.business_date, o.target, o.points,
           CASE k.leaves WHEN 'issued' THEN o.target || ':issued:' || o.source_type
                         ELSE o.target || ':member:' || COALESCE(o.member_id, 'unresolved') || ':' || COALESCE(k.leaves, 'unknown_kind') END AS from_account,
           o.target || ':member:' || COALESCE(o.member_id, 'unresolved') || ':pending' AS to_account
      FROM operations o
      LEFT JOIN operation_kinds k ON k.kind = o.kind
     WHERE o.points > 0 AND NOT EXISTS (SELECT 1 FROM reversals r WHERE r.operation_id = o.id AND r.netted)
    UNION ALL
    -- Posting: what was pending arrives, or goes back when voided; what was taken
    -- from a grant before it was sent has gone back already.
    SELECT o.id, p.kind, p.posted_at, o.business_date, o.target, COALESCE(p.points, o.points),
           o.target || ':member:' || COALESCE(o.member_id, 'unresolved') || ':pending',
           CASE CASE p.kind WHEN 'posted' THEN k.enters ELSE k.leaves END
               WHEN 'issued' THEN o.target || ':issued:' || o.source_type
               ELSE o.target || ':member:' || CASE p.kind WHEN 'posted' THEN p.member_id ELSE COALESCE(o.member_id, 'unresolved') END
                    || ':' || COALESCE(CASE p.kind WHEN 'posted' THEN k.enters ELSE k.leaves END, 'unknown_kind') END
      FROM postings p
      JOIN operations o ON o.id = p.operation_id
      LEFT JOIN operation_kinds k ON k.kind = o.kind
     WHERE COALESCE(p.points, o.points) > 0
    UNION ALL
    -- Correction: the void is undone, then the points arrived all the same.
    SELECT o.id, 'void_undone', c.corrected_at, o.business_date, o.target, COALESCE(p.points, o.points),
           CASE k.leaves WHEN 'issued' THEN o.target || ':issued:' || o.source_type
                         ELSE o.target || ':member:' || COALESCE(o.member_id, 'unresolved') || ':' || COALESCE(k.leaves, 'unknown_kind') END,
           o.target || ':member:' || COALESCE(o.member_id, 'unresolved') || ':pending'
      FROM corrections c
      JOIN operations o ON o.id = c.operation_id
      JOIN postings p ON p.operation_id = c.operation_id
      LEFT JOIN operation_kinds k ON k.kind = o.kind
     WHERE COALESCE(p.points, o.points) > 0
    UNION ALL
    SELECT o.id, c.kind, c.corrected_at, o.business_date, o.target, COALESCE(p.points, o.points),
           o.target || ':member:' || COALESCE(o.member_id, 'unresolved') || ':pending',
           CASE k.enters WHEN 'issued' THEN o.target || ':issued:' || o.source_type
                         ELSE o.target || ':member:' || c.member_id || ':' || COALESCE(k.enters, 'unknown_kind') END
      FROM corrections c
      JOIN operations o ON o.id = c.operation_id
      JOIN postings p ON p.operation_id = c.operation_id
      LEFT JOIN operation_kinds k ON k.kind = o.kind
     WHERE COALESCE(p.points, o.points) > 0
)
SELECT operation_id, movement, at, business_date, target, from_account AS account, -points AS points FROM movements
UNION ALL
SELECT operation_id, movement, at, business_date, target, to_account, points FROM movements;


CREATE OR REPLACE VIEW operation_status AS
SELECT o.id, o.target, o.kind, o.biz_id, o.reference, o.business_key,
       COALESCE(c.member_id, p.member_id, x.resolved_member_id, o.member_id) AS member_id,
       COALESCE(p.points, x.points, o.points) AS points, o.source_type, o.points_channel, o.business_date, o.event_type, o.event_source, o.event_id,
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
           WHEN x.waits_for IS NOT NULL THEN 'waiting for its origin'
           WHEN x.held_until > now() THEN 'held'
           WHEN x.attempts > 0 THEN 'waiting to retry'
           ELSE 'waiting'
       END AS state,
       x.cause, COALESCE(x.in_doubt, false) AS in_doubt,
       COALESCE(p.attempts, x.attempts, 0) AS attempts,
       x.next_attempt_at, COALESCE(c.evidence, p.evidence) AS evidence, p.posted_at,
       o.points AS recorded_points, x.waits_for, x.held_until, r.origin_id
  FROM operations o
  LEFT JOIN outbox x ON x.operation_id = o.id
  LEFT JOIN postings p ON p.operation_id = o.id
  LEFT JOIN corrections c ON c.operation_id = o.id
  LEFT JOIN reversals r ON r.operation_id = o.id;

-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'points_ledger_finance') THEN
        GRANT SELECT ON reversals, waiting TO points_ledger_finance;
    END IF;
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP VIEW operation_status;
CREATE OR REPLACE VIEW entries AS
WITH movements AS NOT MATERIALIZED (
    -- Acceptance: the points are promised, and pending.
    SELECT o.id AS operation_id, 'accepted' AS movement, o.recorded_at AS at, o.business_date, o.target, o.points,
           CASE k.leaves WHEN 'issued' THEN o.target || ':issued:' || o.source_type
                         ELSE o.target || ':member:' || COALESCE(o.member_id, 'unresolved') || ':' || COALESCE(k.leaves, 'unknown_kind') END AS from_account,
           o.target || ':member:' || COALESCE(o.member_id, 'unresolved') || ':pending' AS to_account
      FROM operations o
      LEFT JOIN operation_kinds k ON k.kind = o.kind
     WHERE o.points > 0
    UNION ALL
    -- Posting: what was pending arrives, or goes back when voided.
    SELECT o.id, p.kind, p.posted_at, o.business_date, o.target, o.points,
           o.target || ':member:' || COALESCE(o.member_id, 'unresolved') || ':pending',
           CASE CASE p.kind WHEN 'posted' THEN k.enters ELSE k.leaves END
               WHEN 'issued' THEN o.target || ':issued:' || o.source_type
               ELSE o.target || ':member:' || CASE p.kind WHEN 'posted' THEN p.member_id ELSE COALESCE(o.member_id, 'unresolved') END
                    || ':' || COALESCE(CASE p.kind WHEN 'posted' THEN k.enters ELSE k.leaves END, 'unknown_kind') END
      FROM postings p
      JOIN operations o ON o.id = p.operation_id
      LEFT JOIN operation_kinds k ON k.kind = o.kind
     WHERE o.points > 0
    UNION ALL
    -- Correction: the void is undone, then the points arrived all the same.
    SELECT o.id, 'void_undone', c.corrected_at, o.business_date, o.target, o.points,
           CASE k.leaves WHEN 'issued' THEN o.target || ':issued:' || o.source_type
                         ELSE o.target || ':member:' || COALESCE(o.member_id, 'unresolved') || ':' || COALESCE(k.leaves, 'unknown_kind') END,
           o.target || ':member:' || COALESCE(o.member_id, 'unresolved') || ':pending'
      FROM corrections c
      JOIN operations o ON o.id = c.operation_id
      LEFT JOIN operation_kinds k ON k.kind = o.kind
     WHERE o.points > 0
    UNION ALL
    SELECT o.id, c.kind, c.corrected_at, o.business_date, o.target, o.points,
           o.target || ':member:' || COALESCE(o.member_id, 'unresolved') || ':pending',
           CASE k.enters WHEN 'issued' THEN o.target || ':issued:' || o.source_type
                         ELSE o.target || ':member:' || c.member_id || ':' || COALESCE(k.enters, 'unknown_kind') END
      FROM corrections c
      JOIN operations o ON o.id = c.operation_id
      LEFT JOIN operation_kinds k ON k.kind = o.kind
     WHERE o.points > 0
)
SELECT operation_id, movement, at, business_date, target, from_account AS account, -points AS points FROM movements
UNION ALL
SELECT operation_id, movement, at, business_date, target, to_account, points FROM movements;


CREATE VIEW operation_status AS
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
        GRANT SELECT ON operation_status TO points_ledger_finance;
    END IF;
END
$$;
-- +goose StatementEnd

ALTER TABLE rejects
    DROP CONSTRAINT rejects_reason_code_known,
    ADD CONSTRAINT rejects_reason_code_known CHECK (reason_code IN
        ('not_json', 'not_utf8', 'not_cloudevent', 'missing_field', 'bad_type', 'out_of_range', 'unknown_type',
         'unknown_channel', 'subject_mismatch', 'conflict', 'over_limit', 'clock', 'too_large', 'no_vendor_call',
         'vendor_not_configured'));
DROP TABLE waiting;
DROP TABLE reversals;
ALTER TABLE postings
    DROP CONSTRAINT postings_posted_has_member,
    DROP CONSTRAINT postings_evidence_fits,
    DROP CONSTRAINT postings_evidence_known,
    ADD CONSTRAINT postings_evidence_known CHECK (evidence IN ('answered', 'already_applied', 'verified', 'manual')),
    ADD CONSTRAINT postings_void_is_manual CHECK (kind <> 'voided' OR evidence = 'manual'),
    ADD CONSTRAINT postings_posted_has_member CHECK (kind <> 'posted' OR (member_id IS NOT NULL AND member_id <> '')),
    DROP COLUMN points;
DROP INDEX outbox_waits_idx;
DROP INDEX outbox_due_idx;
CREATE INDEX outbox_due_idx ON outbox (target, next_attempt_at, operation_id) WHERE state = 'pending';
ALTER TABLE outbox DROP CONSTRAINT outbox_life, DROP COLUMN waits_for, DROP COLUMN points, DROP COLUMN held_until;
ALTER TABLE operation_kinds DISABLE TRIGGER operation_kinds_insert_only;
DELETE FROM operation_kinds WHERE kind IN ('points_deduct', 'unfreeze_point', 'consume_frozen');
ALTER TABLE operation_kinds ENABLE TRIGGER operation_kinds_insert_only;
