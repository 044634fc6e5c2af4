package desk

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"pointsledger/ledger"
)

// SampledOperation is an operation of a plan whose member's records are to be
// looked at.
type SampledOperation struct {
	ID       ledger.OperationID
	Account  string
	MemberID string
	Points   ledger.Points
	// Reference stands at the end of Reason.
	Reference, Reason string
	InDoubt           bool
	// FirstSentAt is when its first call began, or earlier; QuietSince when the
	// last had surely ended. A row that was never sent may have been, before the
	// ledger was rebuilt: since its event was stored, until it was recorded.
	FirstSentAt, QuietSince time.Time
}

// PlanSample is a sample of a plan's operations.
type PlanSample struct {
	Operations []SampledOperation
	// InDoubt and Others count what the sample was taken from: operations that
	// are still to be done and parked, of the accounts asked for, with a known
	// member.
	InDoubt, Others int64
}

// sqlSamplePlan picks $3 operations of a plan evenly over it, those in doubt
// first. It reads what is left of the plan (replay_plan_operations_left_idx),
// and each operation by primary key: as much as a preview reads. Locks nothing;
// no rows means that nothing of these accounts is left and parked.
const sqlSamplePlan = `
WITH open AS (
    SELECT x.operation_id, x.in_doubt,
           row_number() OVER (PARTITION BY x.in_doubt ORDER BY x.operation_id) AS n,
           count(*) OVER (PARTITION BY x.in_doubt) AS found
      FROM replay_plan_operations p
      JOIN outbox x ON x.operation_id = p.operation_id
      JOIN operations o ON o.id = x.operation_id
     WHERE p.plan_id = $1 AND p.outcome IS NULL AND x.state = 'parked' AND x.target = ANY ($2::text[])
       AND COALESCE(x.resolved_member_id, o.member_id) IS NOT NULL),
size AS (
    SELECT COALESCE(max(found) FILTER (WHERE in_doubt), 0) AS doubts,
           COALESCE(max(found) FILTER (WHERE NOT in_doubt), 0) AS others
      FROM open),
share AS (
    SELECT doubts, others, LEAST(doubts, $3::bigint) AS of_doubts, LEAST(others, $3 - LEAST(doubts, $3)) AS of_others
      FROM size)
SELECT x.operation_id, x.target, COALESCE(x.resolved_member_id, o.member_id), COALESCE(x.points, o.points), o.reference, o.reason, x.in_doubt,
       COALESCE(x.first_sent_at, LEAST(o.broker_time, o.recorded_at)), COALESCE(x.quiet_since, x.first_sent_at, o.recorded_at),
       s.doubts, s.others
  FROM share s
  JOIN open ON open.n * CASE WHEN open.in_doubt THEN s.of_doubts ELSE s.of_others END / open.found
            <> (open.n - 1) * CASE WHEN open.in_doubt THEN s.of_doubts ELSE s.of_others END / open.found
  JOIN outbox x ON x.operation_id = open.operation_id
  JOIN operations o ON o.id = open.operation_id
 ORDER BY x.operation_id`

// SamplePlan picks up to most operations of a plan that are still to be done,
// evenly over it: of those in doubt, and of the others when these do not fill
// it. Only operations of the given accounts whose member is known count.
func (d *Desk) SamplePlan(ctx context.Context, p Plan, accounts []string, most int) (sample PlanSample, err error) {
	rows, err := d.pool.Query(ctx, sqlSamplePlan, p.ID, accounts, most)
	if err != nil {
		return sample, fmt.Errorf("sample plan: %w", err)
	}
	sample.Operations, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (o SampledOperation, err error) {
		err = row.Scan(&o.ID, &o.Account, &o.MemberID, &o.Points, &o.Reference, &o.Reason, &o.InDoubt, &o.FirstSentAt,
			&o.QuietSince, &sample.InDoubt, &sample.Others)
		return o, err
	})
	if err != nil {
		return sample, fmt.Errorf("sample plan: %w", err)
	}
	return sample, nil
}
