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

	for by, filter := range map[string]desk.OpenFilter{"all": {}, "an account": {Account: "kylin"}, "an order": {BusinessKey: "SO-1"}} {
		if p := f.planOf(desk.PlanOfRun, filter); p.Size != 0 || p.Work != 1 {
			t.Errorf("a run of %s holds %d operations and leaves %d out, want 0 and 1", by, p.Size, p.Work)
		}
	}
	for by, filter := range map[string]desk.OpenFilter{"the cause": {Cause: ledger.CauseNoVendorCall}, "its key": {BizID: forPerson}} {
		if p := f.planOf(desk.PlanOfRun, filter); p.Size != 1 || p.Work != 0 {
			t.Errorf("a run of %s holds %d operations and leaves %d out, want 1 and 0", by, p.Size, p.Work)
		}
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
