package desk_test

import (
	"testing"

	"pointsledger/desk"
	"pointsledger/ledger"
	"pointsledger/ledger/waiting"
)

// Whoever dismisses the reject of a refund that waits for its sale ends the wait: a sale
// that comes later keeps its points, and what waits with no reject of its own waits on.
func TestDismissEndsAWait(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.record(f.about("order.cancelled", "SO-1", false), f.about("order.cancelled", "SO-2", false))
	if _, err := f.pool.Exec(t.Context(), `UPDATE waiting SET waits_since = now() - interval '25 hours' WHERE business_key = 'SO-1'`); err != nil {
		t.Fatal(err)
	}
	waits := waiting.New(f.pool, f.Store)
	if named, err := waits.Name(t.Context()); named != 1 || err != nil {
		t.Fatalf("%d named, %v", named, err)
	}
	done, err := f.DismissRejects(t.Context(), desk.Dismissal{Actor: "lin", Reason: "a mistake of the new POS"})
	if err != nil || done.Dismissed != 1 || done.WaitsEnded != 1 {
		t.Fatalf("%+v, %v", done, err)
	}
	f.record(f.event("SO-1"), f.event("SO-2"))
	if joined, err := waits.Join(t.Context()); joined != 1 || err != nil {
		t.Errorf("%d joined, %v", joined, err)
	}
	var taken string
	if err := f.pool.QueryRow(t.Context(), `SELECT string_agg(business_key, ' ') FROM operations WHERE kind = 'points_deduct'`).Scan(&taken); err != nil || taken != "SO-2" {
		t.Errorf("taken back of %s (%v), want SO-2", taken, err)
	}
	// Published again, it counts anew.
	if v := f.record(f.about("order.cancelled", "SO-1", false)); v[0].Kind != ledger.Accepted {
		t.Errorf("published again: %+v", v[0])
	}
}
