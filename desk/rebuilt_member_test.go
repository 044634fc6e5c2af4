package desk_test

import (
	"testing"
	"time"

	"pointsledger/desk"
	"pointsledger/ledger"
)

// stateOf is state, cause, doubt and lease of an order's row.
func (f *fixture) stateOf(order string) string {
	f.t.Helper()
	return one[string](f, `SELECT concat_ws(' ', x.state, x.cause, x.in_doubt, x.lease_token)
		FROM outbox x JOIN operations o ON o.id = x.operation_id WHERE o.business_key = $1`, order)
}

// What has only a code in a rebuilt ledger is put back when a person has named
// the member, and says that it may have been sent.
func TestPutBackOfARebuiltCode(t *testing.T) {
	t.Parallel()
	f, s := replayFixture(t)
	must(f.RecordRebuilt(t.Context(), []ledger.Entry{f.event("SO-1"), f.codedEvent("SO-2", "UC2")}, ledger.Rebuilt{Parked: true}))
	f.exec(`UPDATE outbox SET first_sent_at = now()`)
	plan := f.plan(s)
	preview, err := s.PreviewPlan(t.Context(), plan, hourAtZhimai(), nil)
	if err != nil {
		t.Fatal(err)
	}
	want(t, "preview", preview.Total.MemberUnknown, 1)
	want(t, "blocked", preview.Total.Blocked(), 1)
	want(t, "result", f.carryOut(s, plan), desk.Reopened{Reopened: 1, Points: 100, InDoubt: 1, MemberUnknown: 1})
	want(t, "stays", f.stateOf("SO-2"), "parked rebuilt t")

	name := desk.HandResolution{Decision: desk.Decision{Actor: "lin", Reason: "the shop knows her"}, MemberID: "42",
		ID: ledger.OperationID(one[int64](f, `SELECT id FROM operations WHERE business_key = 'SO-2'`))}
	if _, err := s.ResolveByHand(t.Context(), name); err == nil {
		t.Error("a member was named for a row in doubt without a word about it")
	}
	name.AcceptInDoubt = true
	if _, err := s.ResolveByHand(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	want(t, "put back", f.carryOut(s, f.plan(s)), desk.Reopened{Reopened: 1, Points: 100, InDoubt: 1})
	want(t, "still in doubt", f.stateOf("SO-2"), "pending replayed t")
}

// A preview counts the codes that are older than their own account allows.
func TestPreviewCountsOldCodes(t *testing.T) {
	t.Parallel()
	f, s := replayFixture(t)
	f.record(f.codedEvent("SO-1", "UC1"), f.event("SO-2"))
	f.exec(`UPDATE outbox SET state = 'parked', cause = 'refused'`)
	plan := f.plan(s)
	age := one[time.Duration](f, `SELECT now() - event_time FROM operations WHERE business_key = 'SO-1'`)
	for what, c := range map[string]struct {
		codes []desk.CodeMaxAge
		old   int64
	}{
		"too old":            {[]desk.CodeMaxAge{{Account: "kylin", MaxAge: age + time.Hour}, {Account: "zhimai", MaxAge: age - time.Hour}}, 1},
		"young enough":       {[]desk.CodeMaxAge{{Account: "kylin", MaxAge: age - time.Hour}, {Account: "zhimai", MaxAge: age + time.Hour}}, 0},
		"of another account": {[]desk.CodeMaxAge{{Account: "kylin", MaxAge: age - time.Hour}}, 0},
	} {
		preview, err := s.PreviewPlan(t.Context(), plan, nil, c.codes)
		if err != nil {
			t.Fatal(err)
		}
		want(t, what, preview.Total.CodeTooOld, c.old)
	}
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

// In a rebuilt ledger all is recorded late: a call began after the broker stored
// its event, at the earliest. Only the vendor's word is a confirmation, and a
// scanned code's operations are their member's.
func TestIssuedTo(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	nine, eleven := time.Now().Add(-3*time.Hour).Truncate(time.Microsecond), time.Now().Add(-time.Hour).Truncate(time.Microsecond)
	early, late, open, never, scanned, resolved := f.event("early"), f.event("late"), f.event("open"), f.event("never"), f.event("scanned"), f.event("resolved")
	repeat := f.event("repeat")
	early.Message.BrokerTime, late.Message.BrokerTime, open.Message.BrokerTime, repeat.Message.BrokerTime = nine, eleven, eleven, eleven
	must(f.RecordRebuilt(t.Context(), []ledger.Entry{early, late, open}, ledger.Rebuilt{Parked: true}))
	for _, e := range []*ledger.Entry{&scanned, &resolved} {
		e.Event.Operations[0].MemberID, e.Event.Operations[0].MemberCode = "", "SCAN"
	}
	must(f.Record(t.Context(), []ledger.Entry{never, scanned, resolved, repeat}))
	member := one[string](f, `SELECT member_id FROM operations WHERE business_key = 'early'`)
	f.exec(`UPDATE outbox x SET resolved_member_id = $1, first_sent_at = now() - interval '5 s' FROM operations o
	         WHERE o.id = x.operation_id AND o.member_code IS NOT NULL`, member)
	id := func(order string) ledger.OperationID {
		return ledger.OperationID(one[int64](f, `SELECT id FROM operations WHERE business_key = $1`, order))
	}
	must(f.Confirm(t.Context(), []ledger.Confirmation{{ID: id("scanned"), Evidence: ledger.Answered, MemberID: member}}))
	// Applied by a call that nobody knows of: it was no later than the event.
	f.exec(`UPDATE outbox SET first_sent_at = now() WHERE operation_id = $1`, int64(id("repeat")))
	must(f.Confirm(t.Context(), []ledger.Confirmation{{ID: id("repeat"), Evidence: ledger.AlreadyApplied, MemberID: member}}))
	f.exec(`WITH gone AS (DELETE FROM outbox x USING operations o WHERE o.id = x.operation_id AND o.business_key IN ('early', 'late') RETURNING x.operation_id)
	        INSERT INTO postings (operation_id, kind, evidence, member_id, attempts, posted_at)
	        SELECT g.operation_id, 'posted', CASE o.business_key WHEN 'early' THEN 'manual' ELSE 'verified' END, o.member_id, 0, now() - interval '1 min'
	          FROM gone g JOIN operations o ON o.id = g.operation_id`)
	issued := map[ledger.OperationID]ledger.IssuedOperation{}
	for _, o := range must(f.IssuedTo(t.Context(), "zhimai", member)) {
		issued[o.ID] = o
	}
	want(t, "operations", len(issued), 7)
	for order, c := range map[string]struct {
		sent      time.Time
		confirmed bool
	}{"early": {nine, false}, "late": {eleven, true}, "open": {eleven, false}, "never": {time.Time{}, false},
		"repeat":   {eleven, true},
		"scanned":  {one[time.Time](f, `SELECT first_sent_at FROM postings WHERE by_code`), true},
		"resolved": {one[time.Time](f, `SELECT first_sent_at FROM outbox WHERE resolved_member_id IS NOT NULL`), false}} {
		o := issued[id(order)]
		if !o.SentAt.Equal(c.sent) || o.Confirmed != c.confirmed || o.ConfirmedAt.IsZero() == c.confirmed || o.Points != 100 || o.Reason == "" {
			t.Errorf("%s: got %+v, want sent %v, confirmed %v", order, o, c.sent, c.confirmed)
		}
	}
	want(t, "of another account", len(must(f.IssuedTo(t.Context(), "kylin", member))), 0)
}
