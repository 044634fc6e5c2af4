package ledger_test

import (
	"testing"
	"time"

	"pointsledger/ledger"
)

// What is read from the stream again is in doubt from the broker's time on,
// rests, and never changes what is there.
func TestRecordRebuilt(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	here, rejected, lost, parked, zero := f.event("SO-1"), f.event("SO-2"), f.event("SO-3"), f.event("SO-4"), f.event("SO-5")
	zero.Event.Operations[0].Points = 0
	bad := rejected
	bad.Event, bad.Rejection = nil, ledger.Rejectf(ledger.VendorNotConfigured, "off")
	f.record(here, bad)
	known := must(f.Known(t.Context(), []ledger.Entry{here, rejected, lost}))
	if known[0].Kind != ledger.Duplicate || known[1].Kind != ledger.Rejected || known[2].Kind != ledger.Accepted {
		t.Errorf("known: %+v", known)
	}
	want(t, "operations after a look", one[int](f, `SELECT count(*) FROM operations`), 1)

	verdicts := must(f.RecordRebuilt(t.Context(), []ledger.Entry{here, rejected, lost, zero}, ledger.Rebuilt{Rest: time.Hour}))
	for i, kind := range []ledger.VerdictKind{ledger.Duplicate, ledger.Rejected, ledger.Accepted, ledger.Accepted} {
		want(t, "verdict", verdicts[i].Kind, kind)
	}
	must(f.RecordRebuilt(t.Context(), []ledger.Entry{lost, parked}, ledger.Rebuilt{Parked: true}))
	row := func(order string) string {
		return one[string](f, `SELECT concat_ws(' ', x.state, x.cause, x.in_doubt, x.first_sent_at = o.broker_time, x.next_attempt_at > now() + interval '59 min')
			FROM outbox x JOIN operations o ON o.id = x.operation_id WHERE o.business_key = $1`, order)
	}
	want(t, "row that was there", row("SO-1"), "pending f f")
	want(t, "row that was added", row("SO-3"), "pending rebuilt t t t")
	want(t, "row for a person", row("SO-4"), "parked rebuilt t t f")
	want(t, "outbox", one[int](f, `SELECT count(*) FROM outbox`), 3)
	want(t, "claimed", len(f.claim(1, 10)), 1)
}

// What has only a scanned code is parked, and nothing else of its batch.
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
	row := func(order string) string {
		return one[string](f, `SELECT concat_ws(' ', x.state, x.cause, x.in_doubt)
			FROM outbox x JOIN operations o ON o.id = x.operation_id WHERE o.business_key = $1`, order)
	}
	want(t, "member known", row("SO-1"), "pending rebuilt t")
	want(t, "code only", row("SO-2"), "parked rebuilt t")
	want(t, "after it", row("SO-3"), "pending rebuilt t")
}
