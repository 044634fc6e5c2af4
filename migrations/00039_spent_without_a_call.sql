-- What a completed order makes spent left its frozen points where they were, as long as the
-- vendor needs no call for it: the double entry showed them as frozen for ever.
-- +goose Up
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
    -- from a grant before it was sent has gone back already. Frozen points that are
    -- spent without a call of the vendor's are spent all the same.
    SELECT o.id, CASE p.evidence WHEN 'no_call_needed' THEN 'spent' ELSE p.kind END, p.posted_at, o.business_date, o.target, COALESCE(p.points, o.points),
           o.target || ':member:' || COALESCE(o.member_id, 'unresolved') || ':pending',
           CASE CASE WHEN p.kind = 'posted' OR p.evidence = 'no_call_needed' THEN k.enters ELSE k.leaves END
               WHEN 'issued' THEN o.target || ':issued:' || o.source_type
               ELSE o.target || ':member:' || CASE p.kind WHEN 'posted' THEN p.member_id ELSE COALESCE(o.member_id, 'unresolved') END
                    || ':' || COALESCE(CASE WHEN p.kind = 'posted' OR p.evidence = 'no_call_needed' THEN k.enters ELSE k.leaves END, 'unknown_kind') END
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

-- +goose Down
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
