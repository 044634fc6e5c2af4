package continuity_test

import (
	"testing"

	"pointsledger/continuity"
	"pointsledger/internal/testkit/orders"
	"pointsledger/ledger"
)

// A ledger that holds declared days alone is no empty one, and remembers how far it was.
func TestLedgerOfDeclaredDays(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	first, second := orders.Declared(4, "2026-11-19", "d1", 3, 100), orders.Declared(7, "2026-11-19", "d2", 3, 100)
	found := f.survey([]ledger.Entry{first, second, first})
	want(t, "added", found.Added, 2)
	want(t, "repeats", found.Repeats, 1)
	want(t, "operations", found.Operations(), 0)
	f.record(first, second)
	s := f.session()
	defer s.Close()
	empty, err := s.Empty(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want(t, "empty", empty, false)
	want(t, "how far it was", f.remember(continuity.Identity{Stream: "POINTS", Durable: "points-worker"}).LastSeq, 7)
	found = f.survey([]ledger.Entry{first, second})
	want(t, "there", found.There, 2)
}
