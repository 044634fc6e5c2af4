package desk

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"pointsledger/ledger"
)

// reopenBatch is the most rows that one batch of a replay puts back: its locks
// are held for some ten milliseconds. A run allocates less than 640 kB for a
// batch and keeps nothing of it, whatever the size of the plan
// (TestPlanOfManyOperations).
const reopenBatch = 1000

// Reopened says what became of operations that a replay looked at.
type Reopened struct {
	Reopened int64 `json:"put_back"`
	// Points and InDoubt are those of the reopened operations.
	Points  ledger.Points `json:"points"`
	InDoubt int64         `json:"in_doubt"`
	// WorkItems, Refunded, KeyMemoryOver, AccountUnknown and MemberUnknown stay parked;
	// see ReplayCount.
	WorkItems      int64 `json:"refused_work_items"`
	Refunded       int64 `json:"refused_refunded"`
	KeyMemoryOver  int64 `json:"refused_key_memory_over"`
	AccountUnknown int64 `json:"refused_account_not_configured"`
	MemberUnknown  int64 `json:"refused_member_unknown"`
	// Skipped were no longer parked.
	Skipped int64 `json:"skipped_no_longer_parked"`
}

// Add adds what became of others.
func (r *Reopened) Add(b Reopened) {
	r.Reopened += b.Reopened
	r.Points += b.Points
	r.InDoubt += b.InDoubt
	r.WorkItems += b.WorkItems
	r.Refunded += b.Refunded
	r.KeyMemoryOver += b.KeyMemoryOver
	r.AccountUnknown += b.AccountUnknown
	r.MemberUnknown += b.MemberUnknown
	r.Skipped += b.Skipped
}

// Refused counts those that may not be sent again.
func (r *Reopened) Refused() int64 {
	return r.WorkItems + r.Refunded + r.KeyMemoryOver + r.AccountUnknown + r.MemberUnknown
}

// Text is the result as ops_actions keeps it.
func (r *Reopened) Text() string {
	refused := ""
	if r.WorkItems+r.Refunded > 0 {
		refused = fmt.Sprintf("%d no_vendor_call, %d refunded, ", r.WorkItems, r.Refunded)
	}
	return fmt.Sprintf("put back %d (%d points, %d in doubt); refused %s%d key_memory_over, %d account_not_configured, %d member_unknown; skipped %d no longer parked",
		r.Reopened, r.Points, r.InDoubt, refused, r.KeyMemoryOver, r.AccountUnknown, r.MemberUnknown, r.Skipped)
}

// bulkFrom is the largest replay that goes with what happens now; a larger one is
// sent in the bulk lane.
const bulkFrom = 100

// reopenBlocked is openBlocked, and why a row without doubt stays parked.
const reopenBlocked = `
       CASE WHEN x.cause = 'no_vendor_call' THEN 'no_vendor_call'
            WHEN NOT @refunded::boolean AND` + openNothingKept + ` THEN 'refunded'
            ELSE` + openBlocked + ` END`

// reopenNotArrived is what a row takes from, when that has not arrived: what was read
// from the stream again waits for nothing while it is parked (reversals_pkey,
// postings_pkey, corrections_pkey).
const reopenNotArrived = `
       (SELECT v.origin_id
          FROM reversals v
         WHERE v.operation_id = x.operation_id
           AND NOT EXISTS (SELECT 1 FROM postings p WHERE p.operation_id = v.origin_id AND p.kind = 'posted' OFFSET 0)
           AND NOT EXISTS (SELECT 1 FROM corrections c WHERE c.operation_id = v.origin_id OFFSET 0))`

// sqlReopen puts rows back that are still parked and may be sent again. The
// attempts count anew, so that the whole schedule lies ahead (table attempts
// keeps the old ones). first_sent_at, in_doubt and the resolved member stay:
// what the vendor may have seen is not changed by a decision. What takes back waits
// for its grant again, and a code of what is held is asked for again. Nor is the rest of
// a row in doubt, after which its look-up proves something (attempt that timed
// out, lease that ended, database that changed); a retry time that is further
// away than any rest is. Locks the rows in
// order (outbox_pkey) and skips those that somebody is changing, so it waits
// for nobody; they are in none of the lists that it answers with. The
// parameters are the key memories, as openFrom wants them, the batch, whether
// it goes into the bulk lane (a row that is there stays), and whether what was refunded
// or cancelled since goes as well.
const sqlReopen = `
WITH picked AS (
    SELECT x.operation_id, COALESCE(x.points, o.points) AS points, o.member_id IS NULL AND o.member_code IS NOT NULL AS by_code,` + reopenNotArrived + ` AS not_arrived,` + reopenBlocked + ` AS blocked` + openFrom + `
     WHERE x.operation_id = ANY (@batch::bigint[]) AND x.state = 'parked'
     ORDER BY x.operation_id
       FOR UPDATE OF x SKIP LOCKED
), reopened AS (
    UPDATE outbox x
       SET state = 'pending', cause = 'replayed', attempts = 0, put_back = true, lack = NULL, bulk = x.bulk OR @bulk,
           waits_for = COALESCE(x.waits_for, p.not_arrived),
           next_attempt_at = CASE WHEN x.in_doubt THEN LEAST(GREATEST(now(), x.next_attempt_at), now() + interval '5 minutes')
                                  ELSE GREATEST(now(), x.held_until) END,
           code_due_at = CASE WHEN p.by_code AND x.resolved_member_id IS NULL AND x.held_until > now() AND NOT x.in_doubt THEN now() END
      FROM picked p
     WHERE x.operation_id = p.operation_id AND p.blocked = '' AND x.state = 'parked'
    RETURNING x.operation_id, x.in_doubt, p.points
)
SELECT (SELECT COALESCE(array_agg(operation_id), '{}') FROM reopened),
       (SELECT COALESCE(sum(points), 0)::bigint FROM reopened),
       (SELECT count(*) FROM reopened WHERE in_doubt),
       (SELECT COALESCE(array_agg(operation_id), '{}') FROM picked WHERE blocked <> ''),
       (SELECT count(*) FROM picked WHERE blocked = 'no_vendor_call'),
       (SELECT count(*) FROM picked WHERE blocked = 'refunded'),
       (SELECT count(*) FROM picked WHERE blocked = 'account_not_configured'),
       (SELECT count(*) FROM picked WHERE blocked = 'member_unknown'),
       (SELECT COALESCE(array_agg(batch.id), '{}')
          FROM unnest(@batch::bigint[]) AS batch (id)
         WHERE NOT EXISTS (SELECT 1 FROM outbox x WHERE x.operation_id = batch.id AND x.state = 'parked'))`

// PutBack puts the next parked operations of the plan back into the queue, up
// to limit of them (0: as many as a batch may have), and adds what became of them to done. What is not parked
// any more is skipped, and what is in doubt beyond the account's key memory is
// refused; a row that is being sent is never touched. more is false when
// nothing is left to be done here. See PlanRun for what a kill leaves.
func (r *PlanRun) PutBack(ctx context.Context, limit int, memories []KeyMemory, done *Reopened) (more bool, err error) {
	accounts, ms := keyMemoryArgs(memories)
	if limit < 1 || limit > reopenBatch {
		limit = reopenBatch
	}
	var b Reopened
	more, err = r.step(ctx, limit, func(ctx context.Context, tx pgx.Tx, ids []int64) (d planDecision, err error) {
		err = tx.QueryRow(ctx, sqlReopen, pgx.StrictNamedArgs{"memory_accounts": accounts, "memory_ms": ms, "batch": ids, "bulk": r.Plan.Size > bulkFrom,
			"refunded": r.Plan.takesRefunded()}).Scan(&d.done, &b.Points, &b.InDoubt, &d.refused, &b.WorkItems, &b.Refunded, &b.AccountUnknown, &b.MemberUnknown, &d.skipped)
		if err != nil {
			return d, fmt.Errorf("put batch back: %w", err)
		}
		b.Reopened, b.Skipped = int64(len(d.done)), int64(len(d.skipped))
		b.KeyMemoryOver = int64(len(d.refused)) - b.WorkItems - b.Refunded - b.AccountUnknown - b.MemberUnknown
		return d, nil
	})
	if err == nil {
		done.Add(b)
	}
	return more, err
}

// PutBackProgress says how far the operations have come that one run put back.
type PutBackProgress struct {
	// Total = Posted + Voided + Parked + Failing + Sending + Waiting.
	Total, Posted, Voided, Parked int64
	// Failing were tried and wait for another attempt.
	Failing int64
	Sending int64
	// Waiting were not tried yet.
	Waiting int64
}

// sqlPutBackProgress reads the operations that a run has put back
// (replay_plan_operations_pkey), and what became of them (primary keys). $3 are
// the causes of rows that wait and were not tried.
const sqlPutBackProgress = `
SELECT count(*), count(*) FILTER (WHERE p.kind = 'posted'), count(*) FILTER (WHERE p.kind = 'voided'),
       count(*) FILTER (WHERE x.state = 'parked'),
       count(*) FILTER (WHERE x.state = 'pending' AND (x.attempts > 0 OR x.cause IS NULL OR x.cause <> ALL ($3::text[]))),
       count(*) FILTER (WHERE x.state = 'sending'),
       count(*) FILTER (WHERE x.state = 'pending' AND x.attempts = 0 AND x.cause = ANY ($3::text[]))
  FROM replay_plan_operations po
  LEFT JOIN outbox x ON x.operation_id = po.operation_id
  LEFT JOIN postings p ON p.operation_id = po.operation_id
 WHERE po.plan_id = $1 AND po.action_id = $2 AND po.outcome = 'done'`

// Progress looks at the operations that this run has put back. untried are the
// causes, besides CauseReplayed, of rows that went back to waiting untried.
func (r *PlanRun) Progress(ctx context.Context, untried ...ledger.Cause) (p PutBackProgress, err error) {
	err = r.conn.QueryRow(ctx, sqlPutBackProgress, r.Plan.ID, r.Act, append(untried, ledger.CauseReplayed)).
		Scan(&p.Total, &p.Posted, &p.Voided, &p.Parked, &p.Failing, &p.Sending, &p.Waiting)
	if err != nil {
		return p, fmt.Errorf("look at what was put back: %w", err)
	}
	return p, nil
}
