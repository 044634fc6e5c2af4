package desk_test

import (
	"testing"
	"time"

	"pointsledger/desk"
	"pointsledger/internal/testkit/orders"
	"pointsledger/ledger"
	"pointsledger/ledger/waiting"
)

// What takes back and was read from the stream again waits for its grant when it is put
// back, as any other: put back beside it, or alone, it is not sent before the grant has
// arrived, and not at all when that was given up.
func TestPutBackTakeBackWaitsForItsGrant(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	amount, part := int64(10_000), int64(2500)
	var lost []ledger.Entry
	for _, order := range []string{"SO-1", "SO-2"} {
		sale := f.event(order)
		sale.Event.Operations[0].AmountFen = &amount
		f.seq++
		lost = append(lost, sale, orders.Refunded(f.seq, order, "R-"+order, &part))
	}
	if _, err := f.RecordRebuilt(t.Context(), lost, ledger.Rebuilt{}); err != nil {
		t.Fatal(err)
	}
	f.exec(`UPDATE outbox SET first_sent_at = now()`)
	f.putBackKnown(f.planOf(desk.PlanOfRun, desk.OpenFilter{}), 4)
	f.exec(`UPDATE outbox SET next_attempt_at = now()`)
	grants := f.claim(1, 10)
	if len(grants) != 2 || grants[0].Kind != ledger.PointsAdd || grants[1].Kind != ledger.PointsAdd {
		t.Fatalf("%d claimed, want the two grants and no take-back before them: %+v", len(grants), grants)
	}

	// One arrives; the other is given up.
	if _, err := f.Confirm(t.Context(), []ledger.Confirmation{{ID: grants[0].ID, Evidence: ledger.Answered, MemberID: grants[0].MemberID}}); err != nil {
		t.Fatal(err)
	}
	f.exec(`WITH gone AS (DELETE FROM outbox WHERE operation_id = $1)
		INSERT INTO postings (operation_id, kind, evidence, attempts) VALUES ($1, 'voided', 'manual', 0)`, int64(grants[1].ID))
	if _, err := waiting.New(f.pool, f.Store).ReleaseTakeBacks(t.Context(), "zhimai", []ledger.Kind{ledger.PointsAdd, ledger.PointsDeduct}); err != nil {
		t.Fatal(err)
	}
	backs, err := f.Claim(t.Context(), ledger.Claim{Account: "zhimai", Token: 2, Limit: 10, Lease: time.Minute, KeyMemory: time.Hour})
	if err != nil || len(backs) != 1 || backs[0].BusinessKey != grants[0].BusinessKey || backs[0].Points != 25 {
		t.Errorf("claimed %+v (%v), want the take-back of what has arrived", backs, err)
	}
	// Whether it was taken back once nobody knows, so it does not end by itself.
	want(t, "of what was given up", one[string](f, `SELECT s.state FROM operation_status s WHERE kind = 'points_deduct' AND business_key = $1`, grants[1].BusinessKey), "waiting in doubt")
}

// A held operation whose code nobody was found behind is asked for again when it is put
// back, and stays held; one that names its member, or has one by now, is not.
func TestPutBackAsksForTheCodeOfWhatIsHeld(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, e := range []ledger.Entry{f.codedEvent("SO-1", "C1"), f.codedEvent("SO-2", "C2"), f.event("SO-3")} {
		e.Event.Operations[0].HeldUntil = time.Now().Add(time.Hour)
		f.record(e)
	}
	f.exec(`UPDATE outbox SET state = 'parked', cause = 'member_unresolved', code_due_at = NULL`)
	f.exec(`UPDATE outbox SET resolved_member_id = '42' WHERE operation_id = (SELECT id FROM operations WHERE business_key = 'SO-2')`)
	f.putBackKnown(f.planOf(desk.PlanOfRun, desk.OpenFilter{}), 3)
	want(t, "held", one[int](f, `SELECT count(*) FROM operation_status WHERE state = 'held'`), 3)
	want(t, "asked for", one[string](f, `SELECT string_agg(o.business_key, ',') FROM outbox x JOIN operations o ON o.id = x.operation_id WHERE x.code_due_at IS NOT NULL`), "SO-1")
}

// putBackKnown carries a plan out at accounts whose keys are remembered.
func (f *fixture) putBackKnown(p desk.Plan, size int64) {
	f.t.Helper()
	run, err := f.BeginPlan(f.t.Context(), desk.PlanStart{Plan: p, Act: desk.ActReplay, Actor: "lin", Reason: "again"})
	if err != nil {
		f.t.Fatal(err)
	}
	defer run.Close()
	var done desk.Reopened
	for more := true; more; {
		if more, err = run.PutBack(f.t.Context(), 0, hourAtZhimai(), &done); err != nil {
			f.t.Fatal(err)
		}
	}
	want(f.t, "put back", done.Reopened, size)
}
