package desk_test

import (
	"fmt"
	"testing"
	"time"

	"pointsledger/desk"
	"pointsledger/internal/testkit/orders"
	"pointsledger/ledger"
)

// about is an event that takes back, or makes spent, what an order gave.
func (f *fixture) about(typ, order string, consumes bool) ledger.Entry {
	e := f.event(order)
	e.Event.Type, e.Event.Operations, e.Event.FactKey = typ, nil, ledger.NewFactKey("shop-sh", typ, order)
	e.Event.Content = fmt.Sprintf(`{"orderId":%q}`, order)
	e.Event.Refers = &ledger.Referral{Origins: []ledger.FactKey{ledger.NewFactKey("shop-sh", "order.paid", order)}, Origin: "order.paid " + order,
		Consumes: consumes, BusinessKey: order, BusinessDate: "2026-11-20", MappingVersion: "test"}
	return e
}

// A cancellation of an order whose freeze was made spent is for a person. Whoever puts
// back all that is parked after an outage does not release the freeze as well.
func TestRunLeavesOutWhatIsForAPerson(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	sale := f.event("SO-1")
	sale.Event.Operations = []ledger.Operation{orders.Operation("kylin", "SO-1", 30)}
	f.record(sale)
	claimed, err := f.Claim(t.Context(), ledger.Claim{Account: "kylin", Token: 1, Limit: 1, Lease: time.Minute, KeyMemory: time.Hour})
	if err != nil || len(claimed) != 1 {
		t.Fatalf("%d claimed (%v), want the freeze", len(claimed), err)
	}
	if _, err := f.Confirm(t.Context(), []ledger.Confirmation{{ID: claimed[0].ID, Evidence: ledger.Answered, MemberID: claimed[0].MemberID}}); err != nil {
		t.Fatal(err)
	}
	f.record(f.about("order.completed", "SO-1", true), f.about("order.cancelled", "SO-1", false))
	var forPerson ledger.BizID
	if err := f.pool.QueryRow(t.Context(), `SELECT o.biz_id FROM outbox x JOIN operations o ON o.id = x.operation_id
		WHERE o.kind = 'unfreeze_point' AND x.state = 'parked' AND x.cause = 'no_vendor_call'`).Scan(&forPerson); err != nil {
		t.Fatalf("the second ending of the freeze: %v", err)
	}

	for by, filter := range map[string]desk.OpenFilter{"all": {}, "an account": {Account: "kylin"}, "an order": {BusinessKey: "SO-1"},
		"the cause": {Cause: ledger.CauseNoVendorCall}, "its key": {BizID: forPerson}} {
		if p := f.planOf(desk.PlanOfRun, filter); p.Size != 0 || p.Work != 1 {
			t.Errorf("a run of %s holds %d operations and leaves %d out, want 0 and 1", by, p.Size, p.Work)
		}
	}
	// Nor from a plan that was made when it could be named.
	plan := f.planOf(desk.PlanOfVoid, desk.OpenFilter{})
	if _, err := f.pool.Exec(t.Context(), `UPDATE replay_plans SET kind = 'run'`); err != nil {
		t.Fatal(err)
	}
	plan.Kind = desk.PlanOfRun
	if done := f.putBack(plan); done.Reopened != 0 || done.WorkItems != 1 || done.Refused() != 1 {
		t.Errorf("put back from an older plan: %+v", done)
	}
	if p := f.planOf(desk.PlanOfVoid, desk.OpenFilter{}); p.Size != 1 {
		t.Errorf("a void holds %d operations, want 1", p.Size)
	}
}

func (f *fixture) planOf(kind desk.PlanKind, filter desk.OpenFilter) desk.Plan {
	f.t.Helper()
	p, err := f.CreatePlan(f.t.Context(), desk.NewPlan{Kind: kind, Actor: "lin", FilterText: "by hand", Choose: &filter})
	if err != nil {
		f.t.Fatal(err)
	}
	return p
}

// putBack carries a plan out.
func (f *fixture) putBack(p desk.Plan) (done desk.Reopened) {
	f.t.Helper()
	run, err := f.BeginPlan(f.t.Context(), desk.PlanStart{Plan: p, Act: desk.ActReplay, Actor: "lin", Reason: "again"})
	if err != nil {
		f.t.Fatal(err)
	}
	defer run.Close()
	for more := true; more; {
		if more, err = run.PutBack(f.t.Context(), 0, nil, &done); err != nil {
			f.t.Fatal(err)
		}
	}
	return done
}

// What was refunded or cancelled since, so that nothing of it is kept, is left out of a
// run and stays parked also when that came after the plan; a plan of nothing else puts it
// back. What was refunded in part goes.
func TestRefundedIsNotPutBack(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	amount, part := int64(10_000), int64(2500)
	for _, order := range []string{"SO-all", "SO-part", "SO-late", "SO-kept"} {
		sale := f.event(order)
		sale.Event.Operations[0].AmountFen = &amount
		f.record(sale)
	}
	f.exec(`UPDATE outbox SET state = 'parked', cause = 'refused', attempts = 1, first_sent_at = now()`)
	refund := func(order string, share *int64) {
		f.seq++
		f.record(orders.Refunded(f.seq, order, "R-"+order, share))
	}
	refund("SO-all", nil)
	refund("SO-part", &part)
	plan := f.planOf(desk.PlanOfRun, desk.OpenFilter{Cause: ledger.CauseRefused})
	if plan.Size != 3 || plan.Refunded != 1 {
		t.Fatalf("the plan holds %d and leaves %d out, want 3 and 1", plan.Size, plan.Refunded)
	}
	if p := f.planOf(desk.PlanOfRun, desk.OpenFilter{BusinessKey: "SO-all"}); p.Size != 0 || p.Refunded != 1 {
		t.Errorf("by its order: %d, %d left out", p.Size, p.Refunded)
	}
	refund("SO-late", &amount)
	preview, err := f.PreviewPlan(t.Context(), plan, nil, nil)
	if err != nil || preview.Total.Refunded != 1 || preview.Total.TakenBack != 1 || preview.Total.TakenPoints != 25 || preview.Total.Blocked() != 1 {
		t.Errorf("preview %+v, %v", preview.Total, err)
	}
	if done := f.putBack(plan); done.Reopened != 2 || done.Points != 200 || done.Refunded != 1 || done.Refused() != 1 {
		t.Errorf("put back %+v", done)
	}
	stays := func(want string) {
		t.Helper()
		var parked string
		if err := f.pool.QueryRow(t.Context(), `SELECT COALESCE(string_agg(o.business_key, ' ' ORDER BY o.id), '') FROM outbox x JOIN operations o ON o.id = x.operation_id
			WHERE x.state = 'parked'`).Scan(&parked); err != nil || parked != want {
			t.Errorf("parked: %s (%v), want %s", parked, err, want)
		}
	}
	stays("SO-all SO-late")
	asked := f.planOf(desk.PlanOfRun, desk.OpenFilter{Refunded: true})
	if done := f.putBack(asked); asked.Size != 2 || done.Reopened != 2 {
		t.Errorf("asked for: %d, put back %+v", asked.Size, done)
	}
	stays("")
}
