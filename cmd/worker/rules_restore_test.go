package main

import (
	"testing"
	"time"

	"pointsledger/internal/testkit"
)

// The database is rolled back to before newer rules were registered, while the
// only worker that is left has the older file: it puts the newer file back before
// it reads events again, grants nothing by its own, and a worker with the newer
// file mends the ledger.
func TestLostRulesComeBack(t *testing.T) {
	t.Parallel()
	w := newWatchedRig(t)
	old := w.worker(w.rulesFile("old.yaml", ""))
	w.publish(paid(0))
	testkit.Eventually(t, 30*time.Second, "the first order is recorded", func() bool { return w.number(sqlRecorded) == 1 })
	newer := w.rulesFile("new.yaml", threefold(time.Now().Add(-time.Second)))
	fresh := w.worker(newer)
	old.says("down", "nothing is fetched")
	for n := 1; n <= 5; n++ {
		w.publish(paid(n))
	}
	testkit.Eventually(t, 60*time.Second, "all to be recorded", func() bool { return w.number(sqlRecorded) == 6 })
	testkit.Eventually(t, 60*time.Second, "all to be posted", w.quiet)
	if code := fresh.stop(); code != 0 {
		t.Fatalf("the other worker ended with %d", code)
	}
	const threefolds = `SELECT count(*) FROM operations WHERE points = 300`
	if n := w.number(threefolds); n != 5 {
		t.Fatalf("%d orders by the newer rules, want 5", n)
	}
	tx, err := w.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }()
	for _, sql := range []string{`SET LOCAL session_replication_role = replica`,
		`DELETE FROM postings p USING operations o WHERE o.id = p.operation_id AND o.points = 300`,
		`DELETE FROM operations WHERE points = 300`,
		`DELETE FROM mapping_ends`,
		`DELETE FROM mappings WHERE version = (SELECT version FROM mappings ORDER BY first_used_at DESC LIMIT 1)`,
		`UPDATE ledger_identity SET beat = 1`} {
		if _, err := tx.Exec(t.Context(), sql); err != nil {
			t.Fatal(sql, err)
		}
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, 60*time.Second, "the newer file to be registered again", func() bool { return w.number(`SELECT count(*) FROM mappings`) == 2 })
	old.says("down", "rules have ended")
	again := w.worker(newer)
	testkit.Eventually(t, 60*time.Second, "all to be recorded again", func() bool { return w.number(sqlRecorded) == 6 })
	if n := w.number(threefolds); n != 5 {
		t.Errorf("%d orders by the newer rules, want 5", n)
	}
	again.says("ok")
}
