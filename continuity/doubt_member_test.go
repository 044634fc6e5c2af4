package continuity_test

import (
	"testing"
	"time"

	"pointsledger/continuity"
	"pointsledger/ledger"
)

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
	want(t, "rows", must(continuity.DoubtOpen(t.Context(), f.pool, continuity.Doubt{SentSince: time.Now(), Rest: time.Second})), 4)
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
