package desk

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"pointsledger/ledger"
)

// voidBatch bounds one transaction of a void: its locks are held for some ten
// milliseconds.
const voidBatch = 2000

// VoidCount says what became of some operations that a person gave up.
type VoidCount struct {
	Voided int64 `json:"voided"`
	// Points and InDoubt are those of the voided operations.
	Points  ledger.Points `json:"points"`
	InDoubt int64         `json:"in_doubt"`
	// Refused are in doubt, and stay parked.
	Refused int64 `json:"refused_in_doubt"`
	// Skipped were no longer parked.
	Skipped int64 `json:"skipped_no_longer_parked"`
}

// Add adds what became of others.
func (v *VoidCount) Add(o VoidCount) {
	v.Voided += o.Voided
	v.Points += o.Points
	v.InDoubt += o.InDoubt
	v.Refused += o.Refused
	v.Skipped += o.Skipped
}

// sqlVoid gives up the rows of a batch that are parked, and those in doubt only
// if $2 says so: the voiding posting is written by the statement that deletes
// the row. Locks the rows in order (outbox_pkey) and skips those that somebody
// is changing: they are in none of the three lists. The last list is what is
// not parked any more. One row always.
const sqlVoid = `
WITH picked AS (
    SELECT x.operation_id, x.in_doubt, x.attempts, COALESCE(x.points, o.points) AS points, x.points AS left_points, COALESCE(x.resolved_member_id, o.member_id) AS member_id
      FROM outbox x
      JOIN operations o ON o.id = x.operation_id
     WHERE x.operation_id = ANY ($1::bigint[]) AND x.state = 'parked'
     ORDER BY x.operation_id
       FOR UPDATE OF x SKIP LOCKED
), gone AS (
    DELETE FROM outbox x
     USING picked p
     WHERE x.operation_id = p.operation_id AND x.state = 'parked' AND (NOT p.in_doubt OR $2)
    RETURNING x.operation_id, p.in_doubt, p.attempts, p.points, p.left_points, p.member_id
), voided AS (
    INSERT INTO postings (operation_id, kind, evidence, member_id, attempts, points)
    SELECT operation_id, 'voided', 'manual', member_id, attempts, left_points FROM gone
)
SELECT (SELECT COALESCE(array_agg(operation_id), '{}') FROM gone), (SELECT COALESCE(sum(points), 0)::bigint FROM gone),
       (SELECT count(*) FROM gone WHERE in_doubt),
       (SELECT COALESCE(array_agg(operation_id), '{}') FROM picked WHERE in_doubt AND NOT $2),
       (SELECT COALESCE(array_agg(b.operation_id), '{}')
          FROM unnest($1::bigint[]) AS b (operation_id)
          LEFT JOIN outbox x ON x.operation_id = b.operation_id
         WHERE x.state IS DISTINCT FROM 'parked')`

// VoidBatch gives up the next operations of the plan: each gets a voiding
// posting, and is never sent again. Only what is still parked goes; what is in
// doubt (the vendor may have applied it) goes only with acceptInDoubt, and is
// refused for this plan otherwise. more is false at the end of the plan.
func (r *PlanRun) VoidBatch(ctx context.Context, acceptInDoubt bool) (v VoidCount, more bool, err error) {
	more, err = r.step(ctx, voidBatch, func(ctx context.Context, tx pgx.Tx, ids []int64) (d planDecision, err error) {
		v = VoidCount{}
		if err := tx.QueryRow(ctx, sqlVoid, ids, acceptInDoubt).Scan(&d.done, &v.Points, &v.InDoubt, &d.refused, &d.skipped); err != nil {
			return d, fmt.Errorf("void batch: %w", err)
		}
		v.Voided, v.Refused, v.Skipped = int64(len(d.done)), int64(len(d.refused)), int64(len(d.skipped))
		return d, nil
	})
	if err != nil {
		return VoidCount{}, false, err
	}
	return v, more, nil
}

// VoidGroup is what a void would give up of one account, cause and kind. In the
// group that sums up all, these are empty.
type VoidGroup struct {
	Account    string        `json:"account,omitempty"`
	Cause      ledger.Cause  `json:"cause,omitempty"`
	Kind       ledger.Kind   `json:"kind,omitempty"`
	Operations int64         `json:"operations"`
	Members    int64         `json:"members"`
	Points     ledger.Points `json:"points"`
	// InDoubt counts those that the vendor may have applied.
	InDoubt int64     `json:"in_doubt"`
	Oldest  time.Time `json:"oldest"`
	Newest  time.Time `json:"newest"`
}

// sqlPreviewVoid sums up what is still to be done of a plan and still parked
// (replay_plan_operations_left_idx, outbox_pkey), by account, cause and kind,
// and in all (the row with a null account, absent when nothing is left). Locks
// nothing.
const sqlPreviewVoid = `
SELECT x.target, x.cause, o.kind, count(*),
       count(DISTINCT COALESCE(x.resolved_member_id, o.member_id, o.member_code)), sum(COALESCE(x.points, o.points))::bigint,
       count(*) FILTER (WHERE x.in_doubt), min(o.recorded_at), max(o.recorded_at)
  FROM replay_plan_operations po
  JOIN outbox x ON x.operation_id = po.operation_id
  JOIN operations o ON o.id = x.operation_id
 WHERE po.plan_id = $1 AND po.outcome IS NULL AND x.state = 'parked'
 GROUP BY GROUPING SETS ((x.target, x.cause, o.kind), ())
HAVING count(*) > 0
 ORDER BY x.target NULLS FIRST, count(*) DESC, x.cause, o.kind`

// PreviewVoid says what VoidBatch would do with a plan, in all and by group,
// and changes nothing.
func (d *Desk) PreviewVoid(ctx context.Context, p Plan) (total VoidGroup, groups []VoidGroup, err error) {
	rows, err := d.pool.Query(ctx, sqlPreviewVoid, p.ID)
	if err != nil {
		return total, nil, fmt.Errorf("preview void: %w", err)
	}
	var account, cause, kind *string
	var g VoidGroup
	_, err = pgx.ForEachRow(rows, []any{&account, &cause, &kind, &g.Operations, &g.Members, &g.Points, &g.InDoubt, &g.Oldest, &g.Newest}, func() error {
		if account == nil {
			total = g
			return nil
		}
		group := g
		group.Account, group.Cause, group.Kind = *account, ledger.Cause(*cause), ledger.Kind(*kind)
		groups = append(groups, group)
		return nil
	})
	if err != nil {
		return VoidGroup{}, nil, fmt.Errorf("preview void: %w", err)
	}
	return total, groups, nil
}
