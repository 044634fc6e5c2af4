package desk

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"pointsledger/ledger"
)

// PlanKind is what a plan is for.
type PlanKind string

// The kinds of plan. Run and void plans have operations; the others say in
// their details what they are about.
const (
	PlanOfRun     PlanKind = "run"     // put parked operations back
	PlanOfVoid    PlanKind = "void"    // give parked operations up
	PlanOfStream  PlanKind = "stream"  // add what the stream has and the ledger misses
	PlanOfRejects PlanKind = "rejects" // map rejected events again
)

// OfOperations tells whether plans of this kind have operations, which are
// counted one by one.
func (k PlanKind) OfOperations() bool { return k == PlanOfRun || k == PlanOfVoid }

// MaxUnexpected is the largest set of operations that a person may act on
// without having looked at it, or having said its size. It keeps a slip in a
// filter from becoming thousands of calls.
const MaxUnexpected = 100

// Plan is what an operator means to do, stored before it is done.
type Plan struct {
	ID   int64    `json:"-"`
	Name string   `json:"plan"`
	Kind PlanKind `json:"kind"`
	// Filter is the filter as it was typed.
	Filter string    `json:"filter"`
	MadeAt time.Time `json:"made_at"`
	MadeBy string    `json:"made_by"`
	// Size is how many operations, or other things, the plan was made of.
	Size int64 `json:"size"`
	// Details is a JSON object: what a plan of this kind needs besides.
	Details json.RawMessage `json:"details"`
	// CancelledAt is nil and CancelledBy empty unless somebody cancelled it.
	CancelledAt *time.Time `json:"cancelled_at"`
	CancelledBy string     `json:"cancelled_by"`
	// OverBudget, Work and Refunded count what a new run plan left out: above a budget,
	// for a person to do without a call, and refunded or cancelled since; 0 for one that
	// is read again.
	OverBudget int64 `json:"-"`
	Work       int64 `json:"-"`
	Refunded   int64 `json:"-"`
	PlanCounts
}

// PlanFinished is the state of a plan of which nothing is left.
const PlanFinished = "finished"

// State is new, begun, finished or cancelled; empty for a plan whose operations
// are not counted.
func (p *Plan) State() string {
	switch {
	case p.CancelledAt != nil:
		return "cancelled"
	case p.Left+p.Done+p.Skipped+p.Refused == 0:
		return ""
	case p.Left == 0:
		return PlanFinished
	case p.Left < p.Size:
		return "begun"
	}
	return "new"
}

// PlanCounts says what became of the operations of a plan. All are 0 for a
// plan without operations.
type PlanCounts struct {
	Left int64 `json:"left"`
	Done int64 `json:"done"`
	// Skipped were no longer parked; Refused may not be sent or voided: in doubt, work for
	// a person, or refunded since.
	Skipped int64 `json:"skipped"`
	Refused int64 `json:"refused"`
}

// NewPlan is a plan to be stored.
type NewPlan struct {
	Kind PlanKind
	// Actor is who makes it; not empty.
	Actor string
	// FilterText is the filter as it was typed.
	FilterText string
	// Details is a JSON object; nil is an empty one.
	Details json.RawMessage
	// Choose picks the operations of a run or void plan, from the parked ones. What
	// is above a budget a run plan holds only when the filter names it, by its cause,
	// order or key: nobody should release it among others after an outage. What is for a
	// person to do without a call it never holds. Nor, unless the filter chooses nothing
	// else, that of which nothing is kept, as its order was refunded or cancelled since.
	// It is nil for the other kinds, whose Size is given.
	Choose   *OpenFilter
	Memories []KeyMemory
	Size     int64
	// Expect is the number that the plan must have; 0 means not said. MaxSize
	// is the largest number that is stored without Expect; 0 is no limit.
	Expect, MaxSize int64
}

func (p *NewPlan) checkSize(found int64) error {
	if p.Expect != 0 && found != p.Expect || p.Expect == 0 && p.MaxSize != 0 && found > p.MaxSize {
		return &SetSizeError{Found: found, Expect: p.Expect}
	}
	return nil
}

// sqlInsertPlan stores a plan. No row means that the name is taken.
const sqlInsertPlan = `
INSERT INTO replay_plans (name, kind, made_by, filter, size, details)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (name) DO NOTHING
RETURNING id, made_at`

// sqlChoosePlan stores the operations of a plan. Locks nothing of the outbox:
// whoever acts on the plan looks at each row again.
const sqlChoosePlan = `
INSERT INTO replay_plan_operations (plan_id, operation_id)
SELECT @plan::bigint, x.operation_id` + openFrom + openWhere

// sqlPlanSize keeps how many operations were found.
const sqlPlanSize = `UPDATE replay_plans SET size = $2 WHERE id = $1`

// CreatePlan stores a plan under a new name. The operations go from table to
// table in one statement, so that memory does not grow with their number. A run
// or void plan that finds nothing is not stored: its Size and ID are 0, and
// it has no name.
func (d *Desk) CreatePlan(ctx context.Context, n NewPlan) (Plan, error) {
	return d.createPlan(ctx, n, newPlanName)
}

// createPlan is CreatePlan with a source of names, which is asked for a longer
// one each time that a name is taken.
func (d *Desk) createPlan(ctx context.Context, n NewPlan, name func(chars int) string) (p Plan, err error) {
	withOperations := n.Kind.OfOperations()
	switch {
	case strings.TrimSpace(n.Actor) == "":
		return Plan{}, errors.New("create plan: want an actor")
	case withOperations != (n.Choose != nil):
		return Plan{}, fmt.Errorf("create plan: a plan of kind %s with and without a filter of operations do not go together", n.Kind)
	case n.Details == nil && n.Kind == PlanOfRun && n.Choose.Refunded:
		n.Details = json.RawMessage(ofRefunded)
	case n.Details == nil:
		n.Details = json.RawMessage("{}")
	case !json.Valid(n.Details):
		return Plan{}, errors.New("create plan: the details are not JSON")
	}
	p = Plan{Kind: n.Kind, Filter: ledger.Storable(n.FilterText), MadeBy: ledger.Storable(n.Actor), Size: n.Size, Details: n.Details}
	err = pgx.BeginFunc(ctx, d.pool, func(tx pgx.Tx) error {
		if err := insertPlanTx(ctx, tx, &p, name); err != nil {
			return err
		}
		if withOperations {
			if err := choosePlanTx(ctx, tx, &p, n); err != nil {
				return err
			}
		}
		return n.checkSize(p.Size)
	})
	switch {
	case errors.Is(err, errNothingChosen):
		return Plan{OverBudget: p.OverBudget, Work: p.Work, Refunded: p.Refunded}, n.checkSize(0)
	case err != nil:
		return Plan{}, fmt.Errorf("create plan: %w", err)
	}
	return p, nil
}

// errNothingChosen ends the transaction of a plan that would be empty.
var errNothingChosen = errors.New("no operation fits")

func insertPlanTx(ctx context.Context, tx pgx.Tx, p *Plan, name func(chars int) string) error {
	for chars := planNameChars; chars <= maxPlanNameChars; chars++ {
		p.Name = name(chars)
		err := tx.QueryRow(ctx, sqlInsertPlan, p.Name, string(p.Kind), p.MadeBy, p.Filter, p.Size, string(p.Details)).Scan(&p.ID, &p.MadeAt)
		if !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
	}
	return fmt.Errorf("every name up to %s is taken", p.Name)
}

func choosePlanTx(ctx context.Context, tx pgx.Tx, p *Plan, n NewPlan) error {
	filter := *n.Choose
	filter.State = ledger.Parked
	if n.Kind == PlanOfRun {
		if err := leaveOutTx(ctx, tx, p, &filter, n.Memories); err != nil {
			return err
		}
	}
	args := filter.args(n.Memories)
	args["plan"] = p.ID
	tag, err := tx.Exec(ctx, sqlChoosePlan, args)
	if err != nil {
		return fmt.Errorf("choose operations: %w", err)
	}
	p.Size, p.Left = tag.RowsAffected(), tag.RowsAffected()
	if p.Size == 0 {
		return errNothingChosen
	}
	if _, err := tx.Exec(ctx, sqlPlanSize, p.ID, p.Size); err != nil {
		return fmt.Errorf("keep size: %w", err)
	}
	return nil
}

// planColumns are what scanPlan reads. The counts read the plan's operations
// by replay_plan_operations_pkey.
const planColumns = `
SELECT p.id, p.name, p.kind, p.filter, p.made_at, p.made_by, p.size, p.details, p.cancelled_at,
       COALESCE(p.cancelled_by, ''), c.remaining, c.done, c.skipped, c.refused
  FROM replay_plans p
 CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE outcome IS NULL) AS remaining,
                            count(*) FILTER (WHERE outcome = 'done') AS done,
                            count(*) FILTER (WHERE outcome = 'skipped') AS skipped,
                            count(*) FILTER (WHERE outcome = 'refused') AS refused
                       FROM replay_plan_operations
                      WHERE plan_id = p.id) AS c`

// sqlReadPlan reads a plan by name (replay_plans_name_unique), and
// sqlRecentPlans the newest ones (replay_plans_pkey).
const (
	sqlReadPlan    = planColumns + ` WHERE p.name = $1`
	sqlRecentPlans = planColumns + ` ORDER BY p.id DESC LIMIT $1`
)

func scanPlan(row pgx.CollectableRow) (p Plan, err error) {
	var details string
	err = row.Scan(&p.ID, &p.Name, &p.Kind, &p.Filter, &p.MadeAt, &p.MadeBy, &p.Size, &details, &p.CancelledAt,
		&p.CancelledBy, &p.Left, &p.Done, &p.Skipped, &p.Refused)
	p.Details = json.RawMessage(details)
	return p, err
}

// ReadPlan finds a plan by its name, as a person types it. The error is
// ErrNoPlan when there is none.
func (d *Desk) ReadPlan(ctx context.Context, typed string) (Plan, error) {
	name, ok := canonicalPlanName(typed)
	if !ok {
		return Plan{}, ErrNoPlan
	}
	p, err := readPlan(ctx, d.pool, name)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return Plan{}, ErrNoPlan
	case err != nil:
		return Plan{}, fmt.Errorf("read plan: %w", err)
	}
	return p, nil
}

// readPlan reads a plan by its name as it is stored.
func readPlan(ctx context.Context, from interface {
	Query(context.Context, string, ...any) (pgx.Rows, error)
}, name string) (Plan, error) {
	rows, err := from.Query(ctx, sqlReadPlan, name)
	if err != nil {
		return Plan{}, err
	}
	return pgx.CollectExactlyOneRow(rows, scanPlan)
}

// RecentPlans returns up to limit plans, the newest first.
func (d *Desk) RecentPlans(ctx context.Context, limit int) ([]Plan, error) {
	rows, err := d.pool.Query(ctx, sqlRecentPlans, limit)
	if err != nil {
		return nil, fmt.Errorf("list plans: %w", err)
	}
	plans, err := pgx.CollectRows(rows, scanPlan)
	if err != nil {
		return nil, fmt.Errorf("list plans: %w", err)
	}
	return plans, nil
}

// sqlCancelPlan makes a plan refuse to run. It waits for the batch that a
// runner has in hand, whatever the kind of the plan: that holds the row in share
// mode until it is committed (sqlPlanRunnable), and each batch begins with a look
// at the row. So after it nothing more is done. No row means that the plan was
// cancelled before.
const sqlCancelPlan = `
UPDATE replay_plans SET cancelled_at = now(), cancelled_by = $2 WHERE id = $1 AND cancelled_at IS NULL`

// CancelPlan makes a plan refuse to run, for ever, and records who did it and
// why, with what was left when the batch in hand had ended. What it did before
// stays. ok is false when it was cancelled before: then nothing is recorded.
func (d *Desk) CancelPlan(ctx context.Context, p Plan, actor, reason string) (ok bool, err error) {
	if strings.TrimSpace(actor) == "" || strings.TrimSpace(reason) == "" {
		return false, fmt.Errorf("cancel plan: %w", ErrNoReason)
	}
	err = pgx.BeginFunc(ctx, d.pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, sqlCancelPlan, p.ID, ledger.Storable(actor))
		if ok = tag.RowsAffected() == 1; err != nil || !ok {
			return err
		}
		// Only now: the statement may have waited for a batch.
		if p, err = readPlan(ctx, tx, p.Name); err != nil {
			return fmt.Errorf("read plan: %w", err)
		}
		size, result := p.Size, "cancelled"
		if p.Kind.OfOperations() {
			size, result = p.Left, fmt.Sprintf("cancelled with %d of %d left", p.Left, p.Size)
		}
		_, err = ledger.RecordActOn(ctx, tx, ledger.Act{Actor: actor, Name: ActCancel, Filter: p.filterText(), Reason: reason, SetSize: size, Result: result})
		return err
	})
	if err != nil {
		return false, fmt.Errorf("cancel plan: %w", err)
	}
	return ok, nil
}

// planMark is how the filter of an act in ops_actions begins that was about
// the plan.
func (p *Plan) planMark() string { return "plan " + p.Name + ": " }

// filterText is the plan and its filter as ops_actions has them.
func (p *Plan) filterText() string { return p.planMark() + p.Filter }

// planNameChars is the length of a plan's name without its P-: one in a
// million is enough for what is typed within the hour. A name that is taken is
// followed by a longer one, up to maxPlanNameChars.
const (
	planNameChars    = 4
	maxPlanNameChars = 10
)

const planNamePrefix = "P-"

// newPlanName makes a name such as P-7K2M: Crockford's characters, which a
// person tells apart by eye and over the telephone. It is random, so that a
// slip of the fingers does not name the plan of a colleague.
func newPlanName(chars int) string {
	random := make([]byte, chars)
	_, _ = rand.Read(random) // never fails: it ends the process instead
	name := []byte(planNamePrefix)
	for _, b := range random {
		name = append(name, ledger.Crockford[b%32])
	}
	return string(name)
}

// canonicalPlanName is a typed name as newPlanName writes it: in either case,
// with or without the hyphen, with i and l for 1 and o for 0. False when no
// plan can have it.
func canonicalPlanName(typed string) (string, bool) {
	rest, ok := strings.CutPrefix(strings.ToUpper(strings.TrimSpace(typed)), "P")
	rest = strings.TrimPrefix(rest, "-")
	if !ok || len(rest) < planNameChars || len(rest) > maxPlanNameChars {
		return "", false
	}
	name := []byte(planNamePrefix)
	for i := range len(rest) {
		c := ledger.CanonicalCharacter(rest[i])
		if strings.IndexByte(ledger.Crockford, c) < 0 {
			return "", false
		}
		name = append(name, c)
	}
	return string(name), true
}
