package continuity_test

import (
	"testing"
	"time"

	"pointsledger/continuity"
	"pointsledger/continuity/survey"
	"pointsledger/ledger"
)

// refund is an event about an order: half of its amount was paid back.
func (f *fixture) refund(order, id string) ledger.Entry {
	sale, half := f.event(order), int64(5000)
	e := f.event(id)
	e.Event.Type, e.Event.Operations = "order.refunded", nil
	e.Event.FactKey = ledger.NewFactKey("shop-sh", "order.refunded", id)
	e.Event.Refers = &ledger.Referral{Origins: []ledger.FactKey{sale.Event.FactKey}, Origin: "order.paid " + order, ShareFen: &half,
		BusinessKey: order, BusinessDate: "2026-11-20", MappingVersion: "test"}
	return e
}

// What the ledger makes of events about earlier ones is not known before they are
// recorded: they are counted by themselves. What was made of them is noted under the
// act that added them, also by the run after one that was killed.
func TestRebuiltRefunds(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	amount := int64(10000)
	sale := f.event("SO-1")
	sale.Event.Operations[0].AmountFen = &amount
	one1, one2 := f.refund("SO-1", "RF-1"), f.refund("SO-1", "RF-2")
	again := f.refund("SO-1", "RF-1")
	again.Event.Content = one1.Event.Content
	entries := []ledger.Entry{sale, one1, one2}
	found := f.survey(append(entries, again))
	want(t, "added", found.Added, 3)
	want(t, "about earlier ones", found.Referring, 2)
	want(t, "repeats", found.Repeats, 1)
	want(t, "operations", found.Operations(), 1)

	note := func(entries []ledger.Entry) (int64, survey.Added) {
		t.Helper()
		act, err := f.RecordAct(t.Context(), ledger.Act{Actor: "lin", Name: "stream", Reason: "lost"})
		if err != nil {
			t.Fatal(err)
		}
		verdicts, err := f.RecordRebuilt(t.Context(), entries, ledger.Rebuilt{Parked: true})
		if err != nil {
			t.Fatal(err)
		}
		done := survey.Added{Rejects: map[ledger.RejectCode]int64{}}
		done.Count(entries, verdicts)
		if err := continuity.NoteRebuilt(t.Context(), f.pool, act, one[time.Time](f, `SELECT now() - interval '1 hour'`), entries, verdicts); err != nil {
			t.Fatal(err)
		}
		return act, done
	}
	if _, err := f.RecordRebuilt(t.Context(), entries[:2], ledger.Rebuilt{Parked: true}); err != nil { // and was killed
		t.Fatal(err)
	}
	act, done := note(entries)
	want(t, "added", done.Events, 1)
	want(t, "about earlier ones", done.Referring, 1)
	want(t, "there", done.There, 2)
	want(t, "noted", one[int](f, `SELECT count(*) FROM action_operations WHERE action_id = $1`, act), 3)
	want(t, "operations", one[int](f, `SELECT count(*) FROM operations`), 3)
}
