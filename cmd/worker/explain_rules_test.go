package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pointsledger/internal/config"
)

// explain says by which set, why not by a later one, and what bounds the day.
func TestExplainSetsAndBudgets(t *testing.T) {
	t.Parallel()
	campaign := strings.Replace(threefold(time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)), "    events:", "    by: event\n    within: 10m\n    events:", 1)
	text := strings.Replace(string(config.DefaultFile()), "\nvendors:", campaign+"\nvendors:", 1)
	text = strings.Replace(strings.Replace(text, "per_member_day: 0", "per_member_day: 5000", 1), "per_source_day: 0", "per_source_day: 1000000", 1)
	file := filepath.Join(t.TempDir(), "points.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for at, points := range map[string]string{"19:58": "100", "20:00": "300"} {
		event := `{"specversion":"1.0","id":"e1","source":"shop-sh","type":"order.paid","time":"2026-11-20T` + at + `:00+08:00","data":{"orderId":"SO-1","member":{"customerId":"1"},"channel":"pos","amountFen":10000}}`
		out, errs, code := runWorker(t, []string{"WORKER_CONFIG=" + file}, event, "explain", "--at", "2026-11-20T20:05:00+08:00", "-")
		if code != 0 {
			t.Fatalf("exit %d: %s", code, errs)
		}
		flat := strings.Join(strings.Fields(out), " ")
		for _, part := range []string{"points " + points, "budgets on 2026-11-20 at most 5,000 points to a member, and 1,000,000 from shop-sh; what is above is recorded and parked (over_budget)"} {
			if !strings.Contains(flat, part) {
				t.Errorf("at %s: no %q in:\n%s", at, part, out)
			}
		}
		if passed := strings.Contains(flat, "not the set from 2026-11-20T12:00:00Z: by its own time the event was before"); passed != (points == "100") {
			t.Errorf("at %s: a set is passed over: %t\n%s", at, passed, out)
		}
	}
}
