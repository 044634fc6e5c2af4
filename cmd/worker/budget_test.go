package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pointsledger/internal/config"
	"pointsledger/internal/testkit"
)

// A worker with budgets hands over and sends what is within them, and parks the
// rest; published again, nothing more is granted.
func TestWorkerKeepsBudgets(t *testing.T) {
	t.Parallel()
	w := newWatchedRig(t)
	file := filepath.Join(t.TempDir(), "budget.yaml")
	text := strings.Replace(string(config.DefaultFile()), "per_member_day: 0", "per_member_day: 250", 1)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	w.worker(file)
	const parked = `SELECT count(*) FROM outbox WHERE state = 'parked' AND cause = 'over_budget' AND first_sent_at IS NULL AND NOT in_doubt`
	for round, orders := range []int{4, 6} { // the second time, four of them again
		for n := range orders {
			m := paid(n)
			m.Data = []byte(strings.Replace(string(m.Data), `"id":"e`, `"id":"r`+strings.Repeat("r", round), 1))
			w.publish(m)
		}
		testkit.Eventually(t, 60*time.Second, "all to be recorded", func() bool { return w.number(sqlRecorded) == orders })
		testkit.Eventually(t, 60*time.Second, "what is within the budget to be posted", func() bool {
			return w.number(`SELECT count(*) FROM postings`) == 2 && w.number(parked) == orders-2 && w.number(`SELECT count(*) FROM outbox`) == orders-2
		})
	}
	if n := w.number(`SELECT sum(points)::int FROM budget_counters`); n != 200 {
		t.Errorf("%d points counted, want 200", n)
	}
}
