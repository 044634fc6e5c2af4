package desk

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"pointsledger/ledger"
)

// RetryTally counts what became, or would become, of rejects that are mapped
// again: Found = Accepted + Duplicates + Ignored + Failing + Skipped + Refunded.
type RetryTally struct {
	Found int64 `json:"found"`
	// Accepted events have Operations and Points; NothingToSend of the
	// operations have none.
	Accepted      int64         `json:"accepted"`
	Operations    int64         `json:"operations"`
	NothingToSend int64         `json:"operations_without_points"`
	Points        ledger.Points `json:"points"`
	// Referring of the accepted events are about earlier ones: what each takes back
	// or makes spent the ledger works out as it records it, so Operations and Points
	// have none of it.
	Referring int64 `json:"referring_events"`
	// InDoubt of the operations are parked in doubt, cause rebuilt: the ledger
	// was rebuilt since their events, and they may have been granted before.
	InDoubt int64 `json:"in_doubt"`
	// OverBudget of the operations are parked, because they are above what a day may
	// grant; always 0 in a preview. OverBudgetOrders are some of them.
	OverBudget       int64         `json:"over_budget"`
	OverBudgetPoints ledger.Points `json:"over_budget_points"`
	OverBudgetOrders []string      `json:"over_budget_orders,omitempty"`
	// Refunded were refunded or cancelled whole since, so that nothing of them would be
	// kept: they stay open, unless they are asked for.
	Refunded int64 `json:"refunded_since"`
	// Duplicates are in the ledger already, with the same content.
	Duplicates int64 `json:"duplicates"`
	// Ignored are of a type that the rules ignore now.
	Ignored int64 `json:"ignored"`
	// Failing stay open.
	Failing int64 `json:"failing"`
	// Skipped were resolved by somebody else.
	Skipped int64 `json:"skipped_already_resolved"`
	// Accounts splits the accepted operations, Codes the failing events.
	Accounts []RetryAccount `json:"accounts"`
	Codes    []RetryCode    `json:"failing_by_code"`
	// Oldest and Newest are broker times; nil when nothing was looked at.
	Oldest *time.Time `json:"oldest"`
	Newest *time.Time `json:"newest"`
}

// RetryAccount counts accepted operations of one account and kind.
type RetryAccount struct {
	Account    string        `json:"account"`
	Kind       ledger.Kind   `json:"kind"`
	Operations int64         `json:"operations"`
	Points     ledger.Points `json:"points"`
}

// RetryCode counts events that still fail with one code; Reason is that of one
// of them, Example.
type RetryCode struct {
	Code    ledger.RejectCode `json:"code"`
	Count   int64             `json:"events"`
	Example ledger.RejectID   `json:"example_id"`
	Reason  string            `json:"example_reason"`
}

func (t *RetryTally) saw(at time.Time) {
	if t.Oldest == nil || at.Before(*t.Oldest) {
		t.Oldest = &at
	}
	if t.Newest == nil || at.After(*t.Newest) {
		t.Newest = &at
	}
}

func (t *RetryTally) fail(id ledger.RejectID, why *ledger.Rejection) {
	t.failCode(RetryCode{why.Code, 1, id, why.Reason})
}

func (t *RetryTally) failCode(c RetryCode) {
	t.Failing += c.Count
	for i := range t.Codes {
		if t.Codes[i].Code == c.Code {
			t.Codes[i].Count += c.Count
			return
		}
	}
	t.Codes = append(t.Codes, c)
}

// accept counts an event that is recorded; inDoubt: in doubt, because the ledger
// was rebuilt since.
func (t *RetryTally) accept(e *ledger.Event, inDoubt bool) {
	t.Accepted++
	if e.Refers != nil {
		t.Referring++
	}
	for i := range e.Operations {
		o := &e.Operations[i]
		t.Operations++
		switch {
		case o.Points == 0:
			t.NothingToSend++
		case inDoubt:
			t.InDoubt++
		}
		t.Points += o.Points
		t.account(RetryAccount{o.Account, o.Kind, 1, o.Points})
	}
}

func (t *RetryTally) account(a RetryAccount) {
	for i := range t.Accounts {
		if t.Accounts[i].Account == a.Account && t.Accounts[i].Kind == a.Kind {
			t.Accounts[i].Operations += a.Operations
			t.Accounts[i].Points += a.Points
			return
		}
	}
	t.Accounts = append(t.Accounts, a)
}

// add adds what a part of the set came to. Found is the caller's.
func (t *RetryTally) add(part *RetryTally) {
	t.Accepted += part.Accepted
	t.Operations += part.Operations
	t.NothingToSend += part.NothingToSend
	t.Points += part.Points
	t.Referring += part.Referring
	t.InDoubt += part.InDoubt
	t.OverBudget += part.OverBudget
	t.OverBudgetPoints += part.OverBudgetPoints
	t.OverBudgetOrders = append(t.OverBudgetOrders, part.OverBudgetOrders[:min(len(part.OverBudgetOrders), maxOverBudgetOrders-len(t.OverBudgetOrders))]...)
	t.Refunded += part.Refunded
	t.Duplicates += part.Duplicates
	t.Ignored += part.Ignored
	t.Skipped += part.Skipped
	for _, a := range part.Accounts {
		t.account(a)
	}
	for _, c := range part.Codes {
		t.failCode(c)
	}
	for _, at := range []*time.Time{part.Oldest, part.Newest} {
		if at != nil {
			t.saw(*at)
		}
	}
}

// sort puts accounts in order of their names, and codes by their number.
func (t *RetryTally) sort() {
	slices.SortFunc(t.Accounts, func(a, b RetryAccount) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Kind, b.Kind))
	})
	slices.SortFunc(t.Codes, func(a, b RetryCode) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Code, b.Code))
	})
}

// resultReason is the most characters of an example's reason in ops_actions.
const resultReason = 200

// text is the result as ops_actions keeps it. It holds the new reasons, which
// the rejects' rows cannot.
func (t *RetryTally) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "of %d rejects: accepted %d (%d operations, %d points), duplicate %d, ignored %d, skipped %d already resolved, still failing %d",
		t.Found, t.Accepted, t.Operations, t.Points, t.Duplicates, t.Ignored, t.Skipped, t.Failing)
	if t.Referring > 0 {
		fmt.Fprintf(&b, "; %d of the accepted are about earlier events", t.Referring)
	}
	if t.InDoubt > 0 {
		fmt.Fprintf(&b, "; %d operations parked in doubt: the ledger was rebuilt, they may have been granted before", t.InDoubt)
	}
	if t.OverBudget > 0 {
		fmt.Fprintf(&b, "; %d operations (%d points) parked above the budget of a day", t.OverBudget, t.OverBudgetPoints)
	}
	if t.Refunded > 0 {
		fmt.Fprintf(&b, "; %d refunded or cancelled since, left open", t.Refunded)
	}
	for _, c := range t.Codes {
		reason := []rune(c.Reason)
		if len(reason) > resultReason {
			reason = append(reason[:resultReason], '…')
		}
		fmt.Fprintf(&b, "; %s %d (reject %d: %s)", c.Code, c.Count, c.Example, string(reason))
	}
	return b.String()
}

// maxOverBudgetOrders is how many operations above a budget are named.
const maxOverBudgetOrders = 10

// sqlParkedOverBudget reads which operations were parked above a budget
// (budget_excesses_pkey, outbox_pkey). One row always.
const sqlParkedOverBudget = `
SELECT count(*), COALESCE(sum(COALESCE(x.points, o.points)), 0)::bigint, COALESCE((array_agg(o.business_key ORDER BY o.id))[:$2], '{}')
  FROM budget_excesses b
  JOIN outbox x ON x.operation_id = ANY (ARRAY[b.operation_id]) AND x.cause = 'over_budget'
  JOIN operations o ON o.id = ANY (ARRAY[b.operation_id])
 WHERE b.operation_id = ANY ($1::bigint[])`

// overBudgetTx counts what was parked above a budget in the transaction that did so.
func (t *RetryTally) overBudgetTx(ctx context.Context, tx pgx.Tx, ids []ledger.OperationID) error {
	err := tx.QueryRow(ctx, sqlParkedOverBudget, ids, maxOverBudgetOrders).Scan(&t.OverBudget, &t.OverBudgetPoints, &t.OverBudgetOrders)
	if err != nil {
		return fmt.Errorf("count what is above a budget: %w", err)
	}
	return nil
}
