-- The accountant's view of operations and postings: double entry, so that the
-- trial balance is zero by construction, and one row per operation with its
-- state in words. These are movements through this worker, not the vendor's
-- balances.
-- +goose Up

-- Every movement is two rows with opposite signs: what leaves an account is
-- negative, what enters it is positive.
CREATE VIEW entries AS
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

CREATE VIEW trial_balance AS
SELECT target, account, sum(points) AS balance_points, count(*) AS entries
  FROM entries
 GROUP BY target, account;

CREATE VIEW operation_status AS
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

COMMENT ON VIEW entries IS 'Double-entry movements through this worker; every movement sums to zero.';
COMMENT ON VIEW trial_balance IS 'Balance of each account over all entries; the sum over all accounts is zero.';
COMMENT ON VIEW operation_status IS 'One row per operation with its state in words. ''lost'' must never appear.';

-- +goose Down
DROP VIEW operation_status;
DROP VIEW trial_balance;
DROP VIEW entries;
