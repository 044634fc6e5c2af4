package ledger_test

import (
	"testing"

	"pointsledger/ledger"
)

// A refund that waits by a rule file which is taken back keeps no other from being
// recorded: it becomes a reject, which a retry reads by the rules in force.
func TestWaitingByWithdrawnRules(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	withdrawn, other := f.refund("SO-1", "R-1", 2500), f.refund("SO-2", "R-2", 2500)
	withdrawn.Event.Refers.MappingVersion = "withdrawn"
	f.record(withdrawn, other)
	f.exec(`INSERT INTO mappings (version, text) VALUES ('withdrawn', 't')`)
	f.exec(`INSERT INTO mapping_ends (version, ends_at, newest) VALUES ('withdrawn', '-infinity', 'test')`)
	f.record(f.sale("SO-1", 0), f.sale("SO-2", 0))

	if returned := must(f.waiting().ReturnEnded(t.Context())); returned != 1 {
		t.Errorf("%d returned, want 1", returned)
	}
	f.sweep()
	want(t, "by rules in force", f.life("SO-2"), "points_deduct 25 posted netted, points_add 75 waiting")
	want(t, "by withdrawn rules", f.life("SO-1"), "points_add 100 waiting")
	want(t, "rejects", one[string](f, `SELECT string_agg(event_id || ' ' || reason_code, ', ') FROM rejects WHERE resolved_at IS NULL`), withdrawn.Event.ID+" "+string(ledger.OriginUnknown))
	want(t, "waiting", one[int](f, `SELECT count(*) FROM waiting`), 0)
	if again := must(f.waiting().ReturnEnded(t.Context())); again != 0 {
		t.Errorf("%d returned again", again)
	}
}
