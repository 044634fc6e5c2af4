package ledger_test

import (
	"testing"
	"time"

	"pointsledger/ledger"
)

// stateOf is state, cause, doubt and lease of an order's row.
func (f *fixture) stateOf(order string) string {
	f.t.Helper()
	return one[string](f, `SELECT concat_ws(' ', x.state, x.cause, x.in_doubt, x.lease_token)
		FROM outbox x JOIN operations o ON o.id = x.operation_id WHERE o.business_key = $1`, order)
}

// A database that lost its newest commits may have lost whom a scanned code
// stands for, and that it was sent for them. No worker sends such a row.
func TestDoubtOpenParksWhatLacksAMember(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, order := range []string{"waits", "sending", "parked", "resolved"} {
		f.record(f.codedEvent(order, "UC-"+order))
	}
	set := func(order, columns string) {
		f.exec(`UPDATE outbox SET `+columns+` WHERE operation_id = (SELECT id FROM operations WHERE business_key = $1)`, order)
	}
	set("sending", `state = 'sending', lease_token = 7, lease_until = now() + interval '1 min', first_sent_at = now()`)
	set("parked", `state = 'parked', cause = 'member_unresolved'`)
	set("resolved", `resolved_member_id = '42'`)
	want(t, "rows", must(f.DoubtOpen(t.Context(), ledger.Doubt{SentSince: time.Now(), Rest: time.Second})), 4)
	for _, order := range []string{"waits", "sending", "parked"} {
		want(t, order, f.stateOf(order), "parked database_changed t")
	}
	want(t, "resolved", f.stateOf("resolved"), "pending database_changed t")

	// The worker that had it in hand cannot name a member any more.
	id := one[int64](f, `SELECT id FROM operations WHERE business_key = 'sending'`)
	kept, err := f.Resolve(t.Context(), ledger.OperationID(id), 7, "42")
	if err != nil || kept {
		t.Errorf("a member was named without a lease: %v %v", kept, err)
	}
}

func TestRecordRebuiltParksWhatLacksAMember(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	// Of two that contradict each other the first in the stream counts, whichever
	// of them has a code.
	other := f.event("SO-2")
	other.Event.Content = `{"amountFen":1}`
	verdicts := must(f.RecordRebuilt(t.Context(), []ledger.Entry{f.event("SO-1"), f.codedEvent("SO-2", "UC2"), other, f.event("SO-3")},
		ledger.Rebuilt{Rest: time.Hour}))
	for i, kind := range []ledger.VerdictKind{ledger.Accepted, ledger.Accepted, ledger.Rejected, ledger.Accepted} {
		want(t, "verdict", verdicts[i].Kind, kind)
	}
	want(t, "member known", f.stateOf("SO-1"), "pending rebuilt t")
	want(t, "code only", f.stateOf("SO-2"), "parked rebuilt t")
	want(t, "after it", f.stateOf("SO-3"), "pending rebuilt t")
}

// What has only a code in a rebuilt ledger is put back when a person has named
// the member, and says that it may have been sent.
func TestPutBackOfARebuiltCode(t *testing.T) {
	t.Parallel()
	f, s := replayFixture(t)
	must(f.RecordRebuilt(t.Context(), []ledger.Entry{f.event("SO-1"), f.codedEvent("SO-2", "UC2")}, ledger.Rebuilt{Parked: true}))
	f.exec(`UPDATE outbox SET first_sent_at = now()`)
	plan := f.plan(s)
	preview, err := s.PreviewPlan(t.Context(), plan, hourAtZhimai(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	want(t, "preview", preview.Total.MemberUnknown, 1)
	want(t, "blocked", preview.Total.Blocked(), 1)
	want(t, "result", f.carryOut(s, plan), ledger.Reopened{Reopened: 1, Points: 100, InDoubt: 1, MemberUnknown: 1})
	want(t, "stays", f.stateOf("SO-2"), "parked rebuilt t")

	name := ledger.HandResolution{Act: ledger.Act{Actor: "lin", Reason: "the shop knows her"}, MemberID: "42",
		ID: ledger.OperationID(one[int64](f, `SELECT id FROM operations WHERE business_key = 'SO-2'`))}
	if _, err := s.ResolveByHand(t.Context(), name); err == nil {
		t.Error("a member was named for a row in doubt without a word about it")
	}
	name.AcceptInDoubt = true
	if _, err := s.ResolveByHand(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	want(t, "put back", f.carryOut(s, f.plan(s)), ledger.Reopened{Reopened: 1, Points: 100, InDoubt: 1})
	want(t, "still in doubt", f.stateOf("SO-2"), "pending replayed t")
}

// A row in doubt keeps the rest after which a look-up proves something, but not
// a retry time that is far away.
func TestPutBackKeepsTheRestOfDoubt(t *testing.T) {
	t.Parallel()
	f, s := replayFixture(t)
	for order, in := range map[string]string{"rest": "1 min", "retry": "2 h", "past": "-1 min"} {
		f.park(order, time.Minute, true)
		f.exec(`UPDATE outbox SET next_attempt_at = now() + $2::interval
		         WHERE operation_id = (SELECT id FROM operations WHERE business_key = $1)`, order, in)
	}
	f.park("sure", 0, false)
	f.exec(`UPDATE outbox SET next_attempt_at = now() + interval '1 h' WHERE NOT in_doubt`)
	want(t, "put back", f.carryOut(s, f.plan(s)).Reopened, 4)
	for order, between := range map[string]string{"rest": "50 s|61 s", "retry": "4 min|301 s", "past": "-20 s|1 s", "sure": "-20 s|1 s"} {
		if !one[bool](f, `SELECT x.next_attempt_at - now() BETWEEN split_part($2, '|', 1)::interval AND split_part($2, '|', 2)::interval
			FROM outbox x JOIN operations o ON o.id = x.operation_id WHERE o.business_key = $1`, order, between) {
			t.Errorf("%s: due in %s, want %s", order, one[string](f, `SELECT (x.next_attempt_at - now())::text
				FROM outbox x JOIN operations o ON o.id = x.operation_id WHERE o.business_key = $1`, order), between)
		}
	}
}

// In a rebuilt ledger all is recorded late. What the broker stored before a row
// was first sent accounts for no record of its time.
func TestAccountedForInARebuiltLedger(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	nine, eleven := time.Now().Add(-3*time.Hour), time.Now().Add(-time.Hour)
	early, late := f.event("early"), f.event("late")
	early.Message.BrokerTime, late.Message.BrokerTime = nine, eleven
	must(f.RecordRebuilt(t.Context(), []ledger.Entry{early, late}, ledger.Rebuilt{Parked: true}))
	f.exec(`WITH gone AS (DELETE FROM outbox RETURNING operation_id)
	        INSERT INTO postings (operation_id, kind, evidence, member_id, attempts, posted_at)
	        SELECT g.operation_id, 'posted', 'manual', o.member_id, 0, now() - interval '1 min'
	          FROM gone g JOIN operations o ON o.id = g.operation_id`)
	member := one[string](f, `SELECT member_id FROM operations LIMIT 1`)
	count := func(since time.Time) int {
		return must(f.AccountedFor(t.Context(), "zhimai", member, 100, since, time.Second))
	}
	want(t, "since eleven", count(eleven.Add(-2*time.Minute)), 1)
	want(t, "since nine", count(nine.Add(-2*time.Minute)), 2)
	want(t, "since now", count(time.Now()), 0)
}
