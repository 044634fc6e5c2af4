package ledger_test

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"pgregory.net/rapid"

	"pointsledger/internal/testkit/orders"
	"pointsledger/ledger"
)

// enough is when a run that was not asked for more begins no new case.
const enough = 5 * time.Second

// casesPerDatabase keeps the views quick to read: they look at whole tables.
const casesPerDatabase = 200

// The store follows its model through random interleavings of several workers,
// and holds the invariants after every step. All the cases that are asked for,
// some ten a second: -rapid.checks=5000 -timeout=1h.
func TestStoreFollowsModel(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	observer := openObserver(f)
	checks := flag.Lookup("rapid.checks")
	all := checks.Value.String() != checks.DefValue
	cases, begun, failed := 0, time.Now(), false
	rapid.Check(t, func(rt *rapid.T) {
		if !all && !failed && time.Since(begun) > enough {
			return
		}
		defer func() { failed = failed || rt.Failed() }() // then it is repeated, to make it shorter
		if cases++; cases%casesPerDatabase == 0 {
			f.pool.Close()
			observer.Close()
			f = newFixture(t)
			observer = openObserver(f)
		}
		m := newMachine(t.Context(), rt, f, observer, newPart(cases))
		m.record(rt)
		rt.Repeat(map[string]func(*rapid.T){
			"record": m.record,
			"claim":  m.claim, "claim too": m.claim,
			"settle": m.settle, "settle too": m.settle,
			"confirm": m.confirm, "resolve": m.resolve, "verify": m.verify, "renew": m.renew,
			"lose lease": m.loseLease, "rescue": m.rescue,
			"age": m.age, "make due": m.makeDue, "park forgotten": m.parkForgotten,
			"reopen": m.reopen, "void": m.void, "next due": m.nextDue,
		})
		broken, err := totals(t.Context(), observer)
		if err != nil || len(broken) > 0 {
			rt.Fatal(broken, err)
		}
	})
	t.Logf("%d cases", cases)
}

// machine runs the same actions on the store and on the model, and compares.
type machine struct {
	*fixture
	part
	ctx      context.Context
	observer *pgxpool.Pool
	model    model
	last     *snapshot
	token    ledger.LeaseToken
	// orders are the entries that were recorded first for each order number.
	orders map[string]ledger.Entry
	// holds are all claims ever, also those whose lease was lost: a worker
	// that was stopped wakes up with them.
	holds []*holding
}

// holding is a claimed row in a worker's memory.
type holding struct {
	ledger.Claimed
	worker int
}

func newMachine(ctx context.Context, rt *rapid.T, f *fixture, observer *pgxpool.Pool, p part) *machine {
	m := &machine{fixture: f, part: p, ctx: ctx, observer: observer, orders: map[string]ledger.Entry{},
		model: model{byKey: map[ledger.BizID]*modelOp{}, byFact: map[ledger.FactKey]*modelOp{}, rejects: map[uint64]ledger.RejectCode{}}}
	m.last = &snapshot{}
	m.did(rt, step{action: "record"})
	return m
}

// did looks at the ledger after a step: invariants first, then the model.
func (m *machine) did(rt *rapid.T, s step) {
	now, err := m.read(m.ctx, m.observer)
	if err != nil {
		rt.Fatal(err)
	}
	for _, broken := range slices.Concat(now.violations(), drift(m.last, now, s.verified), trespasses(m.last, now, s)) {
		rt.Errorf("after %s: %s", s.action, broken)
	}
	if rt.Failed() {
		rt.FailNow()
	}
	m.compare(rt, now, s.action)
	m.last = now
}

// compare holds the ledger against the model.
func (m *machine) compare(rt *rapid.T, now *snapshot, action string) {
	postings, attempts := map[ledger.OperationID]postingRow{}, map[ledger.OperationID][]string{}
	for _, p := range now.Postings {
		postings[p.OperationID] = p
	}
	corrections := map[ledger.OperationID]correctionRow{}
	for _, c := range now.Corrections {
		corrections[c.OperationID] = c
	}
	for _, a := range now.Attempts {
		attempts[a.OperationID] = append(attempts[a.OperationID], a.Outcome)
	}
	agree(rt, action, "operations", len(now.Operations), len(m.model.ops))
	for _, o := range now.Operations {
		want := m.model.byKey[o.BizID]
		if want == nil {
			rt.Fatalf("after %s: operation %s was not expected", action, o.BizID)
		}
		want.id = o.ID
		name := fmt.Sprintf("%s %s", o.Account, want.BusinessKey)
		row, open := now.open[o.ID]
		agree(rt, action, name+" open", open, want.open)
		if open {
			agree(rt, action, name+" row", rowSeen(row), want.row)
		}
		posting, ended := postings[o.ID]
		agree(rt, action, name+" ended", ended, want.posting != nil)
		if ended {
			agree(rt, action, name+" posting", posting, postingRow{OperationID: o.ID, Kind: want.posting.Kind,
				Evidence: want.posting.Evidence, Member: want.posting.Member, Attempts: want.posting.Attempts})
		}
		correction, isCorrected := corrections[o.ID]
		agree(rt, action, name+" corrected", isCorrected, want.correction != nil)
		if isCorrected {
			agree(rt, action, name+" correction", correction, *want.correction)
		}
		agree(rt, action, name+" attempts", fmt.Sprint(attempts[o.ID]), fmt.Sprint(want.attempts))
	}
	agree(rt, action, "rejects", len(now.Rejects), len(m.model.rejects))
	for _, r := range now.Rejects {
		agree(rt, action, fmt.Sprintf("reject of %d", r.Seq), r.Code, m.model.rejects[r.Seq])
	}
	acted := 0
	for name := range now.Kept {
		if strings.HasPrefix(name, "ops_actions") {
			acted++
		}
	}
	agree(rt, action, "ops_actions", acted, m.model.acts)
}

func agree[T comparable](rt *rapid.T, action, what string, got, want T) {
	if got != want {
		rt.Fatalf("after %s: %s: got %+v, the model has %+v", action, what, got, want)
	}
}

func (m *machine) record(rt *rapid.T) {
	var batch []ledger.Entry
	var kinds []ledger.VerdictKind
	var again []bool
	before := len(m.model.ops)
	for range rapid.IntRange(1, 4).Draw(rt, "entries") {
		e := m.entry(rt)
		kind, redelivered := m.model.record(&e)
		batch, kinds, again = append(batch, e), append(kinds, kind), append(again, redelivered)
	}
	leases := m.recordLeases(rt)
	expected := m.model.lease(m.model.ops[before:], leases)
	store := m.Store
	if rapid.Bool().Draw(rt, "copy") { // as a large batch is written
		store = store.CopyAlways()
	}
	verdicts, leased, err := store.RecordLeased(m.ctx, batch, leases)
	if err != nil {
		rt.Fatal(err)
	}
	for i, v := range verdicts {
		agree(rt, "record", fmt.Sprintf("verdict %d", i), v.Kind, kinds[i])
		agree(rt, "record", fmt.Sprintf("redelivered %d", i), v.Redelivered, again[i])
	}
	m.did(rt, step{action: "record"})
	m.keepLeased(rt, leased, expected)
}

// recordLeases asks for the new operations of some accounts, mostly of none.
func (m *machine) recordLeases(rt *rapid.T) (leases []ledger.RecordLease) {
	for _, account := range m.accounts {
		if rapid.IntRange(1, 3).Draw(rt, "leased "+account) == 1 {
			m.token++
			leases = append(leases, ledger.RecordLease{Account: account, Token: m.token, Lease: time.Hour})
		}
	}
	return leases
}

// keepLeased compares what was recorded as leased with the model, as claims.
func (m *machine) keepLeased(rt *rapid.T, leased []ledger.Claimed, expected []*modelOp) {
	agree(rt, "record", "leased", len(leased), len(expected))
	worker := rapid.IntRange(1, 3).Draw(rt, "worker")
	for i := range leased {
		r := leased[i]
		at := slices.IndexFunc(expected, func(o *modelOp) bool { return o.id == r.ID })
		if at < 0 {
			rt.Fatalf("after record: operation %d was leased, and not expected", r.ID)
		}
		agree(rt, "record", "leased row", claimSeen(&r), expected[at].claimed(expected[at].row.Token))
		m.holds = append(m.holds, &holding{Claimed: r, worker: worker})
	}
}

// entry draws a message: a new order, a repeat or a conflict of an old one, or
// one that cannot be accepted.
func (m *machine) entry(rt *rapid.T) ledger.Entry {
	order := fmt.Sprintf("SO-%d", rapid.IntRange(1, 8).Draw(rt, "order"))
	first, known := m.orders[order]
	if !known {
		e := m.newOrder(order, rapid.SampledFrom([]string{"grant", "grant by code", "both", "freeze", "nothing"}).Draw(rt, "shape"))
		m.orders[order] = e
		return e
	}
	repeat := rapid.SampledFrom([]string{"redelivered", "again", "conflict", "key alone", "grown", "moved", "garbage"}).Draw(rt, "repeat")
	if repeat == "redelivered" {
		return first
	}
	e := m.event(order)
	e.Message.Stream, e.Event.FactKey = m.stream, m.fact(order)
	content, operations := first.Event.Content, first.Event.Operations
	switch repeat {
	case "garbage":
		e.Event, e.Rejection = nil, ledger.Rejectf(ledger.NotJSON, "cut off")
		return e
	case "conflict", "key alone":
		content = `{"amountFen":1,"orderId":"` + order + `"}`
		e.Event.RepeatIsDuplicate = repeat == "key alone"
	case "grown": // the rules have one more operation now
		operations = append(slices.Clone(operations), m.operation(1, order, 3))
	case "moved": // the rules name another account now
		other := map[string]int{m.accounts[0]: 1, m.accounts[1]: 0}[operations[0].Account]
		operations = []ledger.Operation{m.operation(other, order, 100)}
	}
	e.Event.Content, e.Event.Operations = content, operations
	return e
}

func (m *machine) newOrder(order, shape string) ledger.Entry {
	e := m.event(order)
	e.Message.Stream, e.Event.FactKey = m.stream, m.fact(order)
	grant, freeze := m.operation(0, order, 100), m.operation(1, order, 7)
	switch shape {
	case "grant by code":
		grant.MemberID, grant.MemberCode = "", "UC-"+order
	case "nothing":
		grant.Points, grant.MemberID = 0, ""
	}
	e.Event.Operations = []ledger.Operation{grant, freeze}
	switch shape {
	case "freeze":
		e.Event.Operations = []ledger.Operation{freeze}
	case "grant", "grant by code", "nothing":
		e.Event.Operations = []ledger.Operation{grant}
	}
	return e
}

// fact is this case's order of that number.
func (p part) fact(order string) ledger.FactKey {
	return ledger.NewFactKey(p.accounts[0], "order.paid", order)
}

// operation is one at this case's account: 0 grants, 1 freezes.
func (p part) operation(account int, order string, points ledger.Points) ledger.Operation {
	op := orders.Operation([]string{"zhimai", "kylin"}[account], order, points)
	op.Account = p.accounts[account]
	op.BizID = ledger.NewBizID(string(op.BizID[:ledger.LegChars]), op.Account, order)
	return op
}
