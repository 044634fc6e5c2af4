package workitems_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pointsledger/desk"
	"pointsledger/desk/workitems"
	"pointsledger/internal/testkit/orders"
	"pointsledger/ledger"
)

// outcomes are what became of rows, a word for each.
func outcomes(s workitems.Settlement) string {
	words := make([]string, len(s.Rows))
	for i, r := range s.Rows {
		words[i] = string(r.Outcome)
	}
	return strings.Join(words, " ")
}

func (f *fixture) settle(file string) workitems.Settlement {
	f.t.Helper()
	answers, err := workitems.Read(strings.NewReader(file))
	if err != nil {
		f.t.Fatal(err)
	}
	s, err := f.Settle(f.t.Context(), answers, who, "work.csv")
	if err != nil {
		f.t.Fatal(err)
	}
	return s
}

// Each row settles its operation or nothing, the others are named; a second time
// changes nothing.
func TestSettle(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.items("SO-1", "SO-2", "SO-3", "SO-4", "SO-5", "SO-6", "SO-7", "SO-8")
	f.sales("SO-early")
	if _, err := f.book.Claim(t.Context(), ledger.Claim{Account: "zhimai", Token: 6, Limit: 1, Lease: 60e9, KeyMemory: 3600e9}); err != nil {
		t.Fatal(err)
	}
	f.refund("SO-early", 1000)
	key := func(order string) string { return string(f.key(order)) }
	grant := one[string](f, `SELECT biz_id FROM operations WHERE business_key = 'SO-1' AND kind = 'points_add'`)
	file := "biz_id,points,result,note\n" +
		key("SO-1") + ",10,done,by Wu\n" + // settled
		key("SO-2") + ",10,not_possible,she left\n" + // settled
		key("SO-3") + ",10,,\n" + // open
		key("SO-4") + ",10,not possible,\n" + // no note
		key("SO-5") + ",10,erledigt,\n" + // another word
		key("SO-6") + ",11,done,\n" + // mixed up
		key("SO-7") + ",10,done,\n" + key("SO-7") + ",10,not_possible,x\n" + // contradicts itself
		key("SO-8") + ",10,done,\n" + key("SO-8") + ",10,done,\n" + // twice the same
		"pdnobody,10,done,\n" + ",10,done,\n" + // unknown
		grant + ",100,done,\n" + // it was answered
		key("SO-early") + ",10,done,\n" // waits
	answers, err := workitems.Read(strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	const others = "open bad_note bad_result changed_since_export contradicted contradicted %s already_settled unknown_biz_id unknown_biz_id ended_otherwise no_work_item"
	judged, err := f.Judge(t.Context(), answers)
	if err != nil {
		t.Fatal(err)
	}
	want(t, "preview", outcomes(workitems.Tally(judged)), "would_settle would_settle "+fmt.Sprintf(others, "would_settle"))
	want(t, "postings of the preview", one[int](f, `SELECT count(*) FROM postings WHERE evidence = 'manual'`), 0)

	done := f.settle(file)
	want(t, "settled", outcomes(done), "settled settled "+fmt.Sprintf(others, "settled"))
	want(t, "sums", fmt.Sprint(done.Operations, done.Points, done.Members, len(done.Acts), len(done.Look())), "3 30 1 1 9")
	want(t, "postings", one[string](f, `SELECT string_agg(o.business_key || ' ' || p.kind || ' ' || p.evidence || ' ' || p.vendor_message, ', ' ORDER BY o.id)
		FROM postings p JOIN operations o ON o.id = p.operation_id WHERE o.kind = 'points_deduct'`),
		"SO-1 posted manual by Wu, SO-2 voided manual she left, SO-8 posted manual in the list work.csv")
	want(t, "the act", one[string](f, `SELECT actor || ': ' || reason || ': ' || filter || ': ' || result FROM ops_actions WHERE action = 'settle_work' AND set_size = 3`),
		"lin: ticket 81: work items of file work.csv: 2 done (20 points); 1 not possible (10 points)")
	want(t, "its operations", one[int](f, `SELECT count(*) FROM action_operations`), 3)
	want(t, "trial balance", one[int](f, `SELECT COALESCE(sum(balance_points), 0)::int FROM trial_balance`), 0)

	again := f.settle(file)
	want(t, "again", outcomes(again), "already_settled already_settled "+fmt.Sprintf(others, "already_settled"))
	other := f.settle("biz_id,result,note\n" + key("SO-1") + ",not_possible,no\n" + key("SO-2") + ",done,\n")
	want(t, "said otherwise later", outcomes(other), "ended_otherwise ended_otherwise")
	want(t, "acts", one[int](f, `SELECT count(*) FROM ops_actions`), 1)
}

// After a failure amid the batches, what was settled is settled and recorded, and the same
// file goes on.
func TestSettleGoesOnAfterAFailure(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.items("SO-1", "SO-2", "SO-3", "SO-4")
	f.SetBatch(2)
	if _, err := f.pool.Exec(t.Context(), `
		CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the disk is full'; END $$;
		CREATE TRIGGER fail BEFORE INSERT ON postings FOR EACH ROW WHEN (NEW.vendor_message = 'fails') EXECUTE FUNCTION fail()`); err != nil {
		t.Fatal(err)
	}
	file := "biz_id,result,note\n"
	for i, note := range []string{"a", "b", "c", "fails"} {
		file += string(f.key(fmt.Sprint("SO-", i+1))) + ",done," + note + "\n"
	}
	answers, err := workitems.Read(strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	done, err := f.Settle(t.Context(), answers, who, "work.csv")
	if err == nil || !strings.Contains(err.Error(), "the disk is full") || outcomes(done) != "settled settled" || len(done.Acts) != 1 {
		t.Errorf("%v %v: %s", err, done.Acts, outcomes(done))
	}
	want(t, "settled and recorded", one[int](f, `SELECT count(*) FROM postings p JOIN action_operations a USING (operation_id)`), 2)
	if _, err := f.pool.Exec(t.Context(), `DROP TRIGGER fail ON postings`); err != nil {
		t.Fatal(err)
	}
	want(t, "the same file", outcomes(f.settle(file)), "already_settled already_settled settled settled")
}

// Two people settle one file at once: each item once.
func TestSettleByTwo(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var names []string
	for i := range 40 {
		names = append(names, fmt.Sprintf("SO-%02d", i))
	}
	f.items(names...)
	file := "biz_id,result\n"
	for _, order := range names {
		file += string(f.key(order)) + ",done\n"
	}
	answers, err := workitems.Read(strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan workitems.Settlement)
	for range 2 {
		go func() {
			s, err := f.Settle(t.Context(), answers, who, "work.csv")
			if err != nil {
				t.Error(err)
			}
			done <- s
		}()
	}
	a, b := <-done, <-done
	want(t, "settled by both", a.Operations+b.Operations, int64(len(names)))
	want(t, "rows to look at", len(a.Look())+len(b.Look()), 0)
	want(t, "rows settled by the other", a.Counts[workitems.Already]+b.Counts[workitems.Already], len(names))
	want(t, "operations of the acts", one[int64](f, `SELECT sum(set_size)::bigint FROM ops_actions`), int64(len(names)))
}

// A second ending of a freeze is no work item before the freeze has arrived, and counts
// from then on.
func TestNoWorkBeforeItsOriginEnded(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.seq++
	sale := orders.Paid(f.seq, "SO-1")
	sale.Event.Operations = []ledger.Operation{orders.Operation("kylin", "SO-1", 30)}
	f.record(sale)
	claimed, err := f.book.Claim(t.Context(), ledger.Claim{Account: "kylin", Token: 1, Limit: 1, Lease: time.Minute, KeyMemory: time.Hour})
	if err != nil || len(claimed) != 1 {
		t.Fatalf("%d claimed, %v", len(claimed), err)
	}
	f.seq++
	completed := orders.Refunded(f.seq, "SO-1", "C-1", nil)
	completed.Event.Type, completed.Event.FactKey, completed.Event.Refers.Consumes = "order.completed", ledger.NewFactKey("shop-sh", "order.completed", "C-1"), true
	f.seq++
	f.record(completed, orders.Refunded(f.seq, "SO-1", "R-1", nil))
	key := one[string](f, `SELECT o.biz_id FROM operations o JOIN outbox x ON x.operation_id = o.id WHERE o.kind = 'unfreeze_point' AND x.cause = 'no_vendor_call'`)
	list := func() workitems.Listing {
		l, err := f.List(t.Context(), workitems.Filter{}, 10)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	want(t, "listed while the freeze is being sent", len(list().Items), 0)
	file := "biz_id,result\n" + key + ",done\n"
	refused := f.settle(file)
	want(t, "settled", outcomes(refused)+": "+refused.Rows[0].Words, "no_work_item: what it takes from has not arrived, so there is nothing to do yet")
	byHand := desk.HandSettlement{Decision: who, ID: one[ledger.OperationID](f, `SELECT id FROM operations WHERE biz_id = $1`, key), Evidence: "Ms Wu"}
	var early *desk.NotParkedError
	if _, err := desk.New(f.pool, f.book).SettleByHand(t.Context(), byHand); !errors.As(err, &early) || !strings.Contains(early.Why, "has not arrived") {
		t.Errorf("settled by hand: %v", err)
	}
	if _, err := f.book.Confirm(t.Context(), []ledger.Confirmation{{ID: claimed[0].ID, Evidence: ledger.Answered, MemberID: claimed[0].MemberID}}); err != nil {
		t.Fatal(err)
	}
	arrived := list()
	if len(arrived.Items) != 1 || arrived.Sums[0].Points != 30 || !arrived.Items[0].Since.Equal(arrived.Items[0].OriginPostedAt) {
		t.Fatalf("%+v", arrived)
	}
	want(t, "what to do", arrived.Sums[0].Words(), "to be released from a freeze: 1 operation, 30 points, 1 member")
	want(t, "settled then", outcomes(f.settle(file)), "settled")
}
