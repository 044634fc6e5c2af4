package desk

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"pointsledger/ledger"
)

// PlanStart begins to carry a plan out.
type PlanStart struct {
	Plan Plan
	// Act is what ops_actions calls it: "replay", "void" and so on. The end
	// is recorded as the same with "_end".
	Act string
	// Actor and Reason are recorded; neither may be empty.
	Actor, Reason string
}

// PlanRun carries out a plan. It holds one database connection, and on it the
// lock that keeps a second operator out; both end with the process, however
// that dies. What must never be done twice does not rest on that lock: each
// batch locks its rows of the plan and writes their outcome in the transaction
// that acts on them (TestPlanTwoRunnersWithoutTheLock). Not safe for concurrent
// use.
type PlanRun struct {
	// Plan is as it was when the run began.
	Plan Plan
	// Act is the id of the row of ops_actions that says that it began.
	Act int64

	start PlanStart
	pool  *pgxpool.Pool
	conn  *pgxpool.Conn
	// after is the last operation of this pass over the plan, and decided
	// counts those of the pass that got an outcome.
	after   int64
	decided int
}

// planLockClass tells the locks of plans from other advisory locks: "plan".
const planLockClass = 0x706c616e

// sqlLockPlan asks for the lock of a plan, for as long as the connection lives.
// It never waits.
const sqlLockPlan = `SELECT pg_try_advisory_lock($1::integer, ($2::bigint % 2147483648)::integer)`

// sqlRunnerSettings make the connection a runner's. Postgres notices within a
// minute that the runner's machine is gone, and does not end a session that
// waits for a canary. All that a run does it does by key, so that it plans for
// look-ups: the plan's operations were stored a moment ago, and the planner does
// not know yet how many there are.
const sqlRunnerSettings = `
SELECT set_config('tcp_keepalives_idle', '30', false), set_config('tcp_keepalives_interval', '10', false),
       set_config('tcp_keepalives_count', '3', false), set_config('idle_session_timeout', '0', false),
       set_config('enable_seqscan', 'off', false), set_config('enable_hashjoin', 'off', false),
       set_config('enable_mergejoin', 'off', false), set_config('enable_bitmapscan', 'off', false)`

const sqlUnlockPlan = `SELECT pg_advisory_unlock($1::integer, ($2::bigint % 2147483648)::integer)`

// sqlPlanRunner says who holds the lock of a plan: the newest act on it that
// names the session. No row means that the lock was given back meanwhile.
const sqlPlanRunner = `
SELECT l.pid, COALESCE(b.actor, ''), b.at
  FROM pg_locks l
  LEFT JOIN LATERAL (SELECT actor, at
                       FROM ops_actions
                      WHERE starts_with(filter, $3) AND result = 'begun, database session ' || l.pid
                      ORDER BY id DESC
                      LIMIT 1) AS b ON true
 WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND l.classid = $1::bigint::oid AND l.objid = ($2::bigint % 2147483648)::oid`

// BeginPlan begins to carry a plan out: it keeps others out and records the
// beginning before anything is done. The error is a *PlanBusyError when
// somebody else runs the plan, and a *PlanCancelledError when it was cancelled;
// then nothing is recorded. The caller closes the run.
func (d *Desk) BeginPlan(ctx context.Context, start PlanStart) (*PlanRun, error) {
	return d.beginPlan(ctx, start, true)
}

// beginPlan is BeginPlan; a test leaves the lock out.
func (d *Desk) beginPlan(ctx context.Context, start PlanStart, lock bool) (_ *PlanRun, err error) {
	if strings.TrimSpace(start.Actor) == "" || strings.TrimSpace(start.Reason) == "" {
		return nil, fmt.Errorf("begin plan: %w", ErrNoReason)
	}
	conn, err := d.pool.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("begin plan: %w", err)
	}
	r := &PlanRun{Plan: start.Plan, start: start, pool: d.pool, conn: conn}
	defer func() {
		if err != nil {
			r.Close()
		}
	}()
	if _, err := conn.Exec(ctx, sqlRunnerSettings); err != nil {
		return nil, fmt.Errorf("begin plan: %w", err)
	}
	if lock {
		if err := r.lock(ctx); err != nil {
			return nil, err
		}
	}
	if r.Plan, err = readPlan(ctx, conn, start.Plan.Name); err != nil {
		return nil, fmt.Errorf("begin plan: %w", err)
	}
	if r.Plan.CancelledAt != nil {
		return nil, &PlanCancelledError{Plan: r.Plan.Name, By: r.Plan.CancelledBy, At: *r.Plan.CancelledAt}
	}
	size := r.Plan.Size
	if r.Plan.Kind.OfOperations() {
		size = r.Plan.Left
	}
	r.Act, err = ledger.RecordActOn(ctx, conn, ledger.Act{Actor: start.Actor, Name: start.Act, Filter: r.Plan.filterText(), Reason: start.Reason,
		SetSize: size, Result: fmt.Sprintf("begun, database session %d", conn.Conn().PgConn().PID())})
	if err != nil {
		return nil, fmt.Errorf("begin plan: %w", err)
	}
	return r, nil
}

func (r *PlanRun) lock(ctx context.Context) error {
	var got bool
	err := r.conn.QueryRow(ctx, sqlLockPlan, planLockClass, r.Plan.ID).Scan(&got)
	if err != nil {
		return fmt.Errorf("lock plan: %w", err)
	}
	if got {
		return nil
	}
	busy := &PlanBusyError{Plan: r.Plan.Name}
	var since *time.Time
	err = r.conn.QueryRow(ctx, sqlPlanRunner, planLockClass, r.Plan.ID, r.Plan.planMark()).Scan(&busy.Session, &busy.Actor, &since)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("see who runs the plan: %w", err)
	}
	if since != nil {
		busy.Since = *since
	}
	return busy
}

// planUnlockPatience bounds giving the lock back. A connection that does not
// answer is closed, which gives it back, too.
const planUnlockPatience = 5 * time.Second

// Close lets others run the plan. It may be called twice.
func (r *PlanRun) Close() {
	if r.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), planUnlockPatience)
	defer cancel()
	var held bool
	err := r.conn.QueryRow(ctx, sqlUnlockPlan, planLockClass, r.Plan.ID).Scan(&held)
	if err == nil {
		_, err = r.conn.Exec(ctx, `RESET ALL`) // to what the pool asked for
	}
	if err != nil {
		_ = r.conn.Conn().Close(ctx) // the pool throws it away
	}
	r.conn.Release()
	r.conn = nil
}

// reader is what can be asked when a batch may have broken the connection.
func (r *PlanRun) reader() interface {
	QueryRow(context.Context, string, ...any) pgx.Row
} {
	if r.conn.Conn().IsClosed() {
		return r.pool
	}
	return r.conn
}

// End records how the run ended, in words. It does not close it. A run that was
// killed has no end in ops_actions.
func (r *PlanRun) End(ctx context.Context, setSize int64, result string) (act int64, err error) {
	act, err = ledger.RecordActOn(ctx, r.reader(), ledger.Act{Actor: r.start.Actor, Name: r.start.Act + "_end", Filter: r.Plan.filterText(),
		Reason: r.start.Reason, SetSize: setSize, Result: fmt.Sprintf("of action %d: %s", r.Act, result)})
	if err != nil {
		return 0, fmt.Errorf("record end of plan: %w", err)
	}
	return act, nil
}

// planDecision says what became of the operations of a batch. An operation that
// is in none of the lists stays to be done: somebody else was changing it.
type planDecision struct {
	done, skipped, refused []ledger.OperationID
}

// sqlTakePlan takes the next operations of a plan that are still to be done, in
// order (replay_plan_operations_left_idx). It skips those that another runner
// has in hand. No rows means that there are none after $2.
const sqlTakePlan = `
SELECT operation_id
  FROM replay_plan_operations
 WHERE plan_id = $1 AND operation_id > $2 AND outcome IS NULL
 ORDER BY operation_id
 LIMIT $3
   FOR UPDATE SKIP LOCKED`

// sqlDecidePlan keeps what became of operations that sqlTakePlan locked. The
// bounds keep the scan to the batch (replay_plan_operations_left_idx or _pkey)
// whatever the planner believes of a plan that was just stored.
const sqlDecidePlan = `
UPDATE replay_plan_operations
   SET outcome = $3, action_id = $4
 WHERE plan_id = $1 AND operation_id = ANY ($2::bigint[]) AND outcome IS NULL
   AND operation_id BETWEEN (SELECT min(id) FROM unnest($2::bigint[]) AS id) AND (SELECT max(id) FROM unnest($2::bigint[]) AS id)`

// planBatchPatience bounds one batch, which waits for nobody but a person who
// cancels the plan at this moment.
const planBatchPatience = time.Minute

// step takes the next batch of the plan, has act do it, and keeps the outcomes
// and the operations that were changed (action_operations), all in one
// transaction: after a kill at any moment a batch is done and known to be done,
// or neither. act gets the ids in order and locks rows of the outbox in that
// order. more is false when nothing is left to be done, or only what others
// have in hand. It holds no more than the batch. A batch that has begun is
// finished, also when ctx ends meanwhile.
func (r *PlanRun) step(ctx context.Context, limit int, act func(context.Context, pgx.Tx, []int64) (planDecision, error)) (more bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, fmt.Errorf("carry out plan %s: %w", r.Plan.Name, err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), planBatchPatience)
	defer cancel()
	var ids []int64
	decided := 0
	err = pgx.BeginFunc(ctx, r.conn, func(tx pgx.Tx) error {
		if err := r.runnable(ctx, tx); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, sqlTakePlan, r.Plan.ID, r.after, limit)
		if err != nil {
			return fmt.Errorf("take batch: %w", err)
		}
		if ids, err = pgx.CollectRows(rows, pgx.RowTo[int64]); err != nil {
			return fmt.Errorf("take batch: %w", err)
		}
		if len(ids) == 0 {
			return nil
		}
		d, err := act(ctx, tx, ids)
		if err != nil {
			return err
		}
		decided = len(d.done) + len(d.skipped) + len(d.refused)
		return r.decideTx(ctx, tx, d)
	})
	if err != nil {
		return false, fmt.Errorf("carry out plan %s: %w", r.Plan.Name, err)
	}
	if len(ids) > 0 {
		r.after = ids[len(ids)-1]
		r.decided += decided
		return true, nil
	}
	// The end of a pass. Another one looks at what others had in hand, unless
	// this one found nothing that it could decide.
	more = r.after > 0 && r.decided > 0
	r.after, r.decided = 0, 0
	return more, nil
}

func (r *PlanRun) decideTx(ctx context.Context, tx pgx.Tx, d planDecision) error {
	for _, part := range []struct {
		outcome string
		ids     []ledger.OperationID
	}{{"done", d.done}, {"skipped", d.skipped}, {"refused", d.refused}} {
		if len(part.ids) == 0 {
			continue
		}
		tag, err := tx.Exec(ctx, sqlDecidePlan, r.Plan.ID, part.ids, part.outcome, r.Act)
		if err != nil {
			return fmt.Errorf("keep outcomes: %w", err)
		}
		if tag.RowsAffected() != int64(len(part.ids)) {
			return fmt.Errorf("keep outcomes: %d of %d operations were this batch's", tag.RowsAffected(), len(part.ids))
		}
	}
	return ledger.RecordActedTx(ctx, tx, r.Act, d.done)
}

// sqlPlanCounts counts what is left of a plan's operations, and those that one
// action decided, with the points of those that it did
// (replay_plan_operations_pkey, operations_pkey, outbox_pkey, postings_pkey): what was left
// of them after refunds.
const sqlPlanCounts = `
SELECT count(*) FILTER (WHERE po.outcome IS NULL), count(*) FILTER (WHERE po.outcome = 'done'),
       count(*) FILTER (WHERE po.outcome = 'skipped'), count(*) FILTER (WHERE po.outcome = 'refused'),
       COALESCE(sum(COALESCE(p.points, x.points, o.points)) FILTER (WHERE po.outcome = 'done'), 0)::bigint
  FROM replay_plan_operations po
  JOIN operations o ON o.id = po.operation_id
  LEFT JOIN outbox x ON x.operation_id = po.operation_id
  LEFT JOIN postings p ON p.operation_id = po.operation_id
 WHERE po.plan_id = $1 AND (po.outcome IS NULL OR po.action_id = $2)`

// Counts reads what this run has decided, what is left of the plan, and the
// points of what was done.
func (r *PlanRun) Counts(ctx context.Context) (c PlanCounts, points ledger.Points, err error) {
	err = r.reader().QueryRow(ctx, sqlPlanCounts, r.Plan.ID, r.Act).Scan(&c.Left, &c.Done, &c.Skipped, &c.Refused, &points)
	if err != nil {
		return c, 0, fmt.Errorf("count outcomes: %w", err)
	}
	return c, points, nil
}
