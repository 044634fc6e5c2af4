package ledger_test

import (
	"testing"

	"pointsledger/internal/testkit/orders"
	"pointsledger/ledger"
)

// What a person gave up and the vendor applied all the same is corrected by a
// further row, once: the views, the double entry and the operation's detail show
// that the points arrived, and the void stays as it was written.
func TestAppliedAfterVoidIsCorrected(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	freeze := f.event("SO-2")
	freeze.Event.Operations = []ledger.Operation{orders.Operation("kylin", "SO-2", 30)}
	f.record(f.event("SO-1"))
	f.record(freeze)
	f.exec(`WITH gone AS (DELETE FROM outbox RETURNING operation_id)
	        INSERT INTO postings (operation_id, kind, evidence, member_id, attempts) SELECT operation_id, 'voided', 'manual', '42', 0 FROM gone`)
	want(t, "issued when voided", one[int](f, `SELECT sum(balance_points)::int FROM trial_balance WHERE account ~ 'issued'`), 0)
	for _, evidence := range []ledger.Evidence{ledger.Answered, ledger.AlreadyApplied} {
		done, err := f.Confirm(t.Context(), []ledger.Confirmation{
			{ID: 1, Evidence: evidence, MemberID: "42", HTTPStatus: 200, VendorCode: "0", VendorWords: "操作成功"}, {ID: 2, Evidence: evidence, MemberID: "K7"}})
		if err != nil {
			t.Fatal(err)
		}
		want(t, "alerted", len(done.AfterVoid), 2)
	}
	want(t, "corrections", one[string](f, `SELECT string_agg(kind || ' ' || evidence || ' ' || member_id, ', ' ORDER BY operation_id) FROM corrections`),
		"applied_after_void answered 42, applied_after_void answered K7")
	want(t, "attempts keep each", one[int](f, `SELECT count(*) FROM attempts`), 4)
	want(t, "states", one[int](f, `SELECT count(*) FROM operation_status WHERE state = 'voided but applied' AND evidence = 'answered'`), 2)
	want(t, "the void stays", one[int](f, `SELECT count(*) FROM postings WHERE kind = 'voided'`), 2)
	balance := func(account string) int {
		return one[int](f, `SELECT COALESCE(sum(balance_points), 0)::int FROM trial_balance WHERE account = $1`, account)
	}
	want(t, "issued", balance("zhimai:issued:1"), -100)
	want(t, "credited", balance("zhimai:member:42:credited"), 100)
	want(t, "frozen", balance("kylin:member:K7:frozen"), 30)
	want(t, "vendor balance", balance("kylin:member:383933091455959041:vendor_balance"), -30)
	want(t, "pending", one[int](f, `SELECT sum(balance_points)::int FROM trial_balance WHERE account ~ 'pending'`), 0)
	want(t, "trial balance", one[int](f, `SELECT sum(balance_points)::int FROM trial_balance`), 0)
	found, _, err := f.Find(t.Context(), "SO-1", nil)
	if err != nil || len(found) != 1 || found[0].Posting.Correction == nil || found[0].Posting.Correction.VendorWords != "操作成功" {
		t.Errorf("found %+v, %v", found, err)
	}
}

// A grant that was given up and refunded, and that the vendor applied all the same, is
// taken back by further operations, one for each refund that found nothing, once.
func TestAppliedAfterVoidIsTakenBack(t *testing.T) {
	t.Parallel()
	for name, offered := range map[string][]ledger.Kind{"by a call": {ledger.PointsAdd, ledger.PointsDeduct}, "by hand": {ledger.PointsAdd}} {
		f := newFixture(t)
		f.offered = offered
		f.record(f.sale("SO", 0))
		f.exec(`WITH gone AS (DELETE FROM outbox RETURNING operation_id)
		        INSERT INTO postings (operation_id, kind, evidence, member_id, attempts) SELECT operation_id, 'voided', 'manual', '42', 0 FROM gone`)
		f.record(f.refund("SO", "R1", 6000), f.refund("SO", "R2", 1000))
		f.sweep()
		nothing := "points_add 100 voided manual, points_deduct 60 voided nothing_to_take_back, points_deduct 10 voided nothing_to_take_back"
		want(t, name+": before", f.life("SO"), nothing)
		want(t, name+": nothing was applied", must(f.waiting().TakeBackCorrected(t.Context())), 0)
		must(f.Confirm(t.Context(), []ledger.Confirmation{{ID: 1, Evidence: ledger.Answered, MemberID: "42"}}))
		want(t, name+": further", must(f.waiting().TakeBackCorrected(t.Context())), 2)
		want(t, name+": further, once", must(f.waiting().TakeBackCorrected(t.Context())), 0)
		f.sweep()
		state := "parked no_vendor_call"
		if len(offered) == 2 {
			f.post("zhimai")
			state = "posted answered"
		}
		want(t, name+": after", one[string](f, `SELECT string_agg(s.points || ' ' || state || COALESCE(' ' || evidence, COALESCE(' ' || cause, '')) || ' ' || (reason LIKE '%#' || o.reference), ', ' ORDER BY id)
			FROM operation_status s JOIN operations o USING (id) WHERE id > 3`), "60 "+state+" true, 10 "+state+" true")
		// A further refund takes what is left of it, and no more.
		f.record(f.refund("SO", "R3", 3000))
		want(t, name+": the rest", one[int](f, `SELECT points::int FROM operations ORDER BY id DESC LIMIT 1`), 30)
		want(t, name+": trial balance", one[int](f, `SELECT sum(balance_points)::int FROM trial_balance`), 0)
	}
}

// Frozen points that a completed order makes spent are spent in the books as well where
// the vendor needs no call for it.
func TestSpentWithoutACallIsSpent(t *testing.T) {
	t.Parallel()
	for name, offered := range map[string][]ledger.Kind{"by a call": {ledger.PointsAdd, ledger.FreezePoint, ledger.ConsumeFrozen}, "without": {ledger.PointsAdd, ledger.FreezePoint}} {
		f := newFixture(t)
		f.offered = offered
		f.record(f.sale("SO", 30))
		f.post("kylin")
		f.record(f.complete("SO"))
		f.sweep()
		f.post("kylin")
		want(t, name, one[string](f, `SELECT string_agg(regexp_replace(account, '.*:', '') || ' ' || balance_points, ', ' ORDER BY account) FROM trial_balance
			WHERE account LIKE 'kylin:member:%' AND balance_points <> 0`), "spent 30, vendor_balance -30")
	}
}
