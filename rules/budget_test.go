package rules

import (
	"strings"
	"testing"
	"time"

	"pointsledger/ledger/budgets"
	"pointsledger/rules/spelling"
)

// An event brings its budgets along: the broker's day in the programme's zone, and
// the source in its one form, whatever the publisher says of its time.
func TestEventHasBudgets(t *testing.T) {
	t.Parallel()
	file := defaultRulesFile()
	file.Limits.PerMemberDay, file.Limits.PerSourceDay = 5000, 1_000_000
	rules := compiled(t, file, defaultAccounts())
	day := func(d int) time.Time { return time.Date(2026, 11, d, 0, 0, 0, 0, time.UTC) }
	for _, c := range []struct {
		broker time.Time
		day    time.Time
	}{
		{time.Date(2026, 11, 20, 15, 59, 59, 0, time.UTC), day(20)}, {time.Date(2026, 11, 20, 16, 0, 0, 0, time.UTC), day(21)},
	} {
		for _, source := range []string{"shop-sh", "shop-sh/"} {
			m := message("order.paid", `{"specversion":"1.0","id":"e1","source":"`+source+`","type":"order.paid","time":"2026-11-01T12:00:00Z","data":`+paid+`}`)
			m.BrokerTime = c.broker
			for _, r := range []*Rules{rules, rules.WithAccountsOn(func(string) bool { return true })} {
				b := accepted(t, r, m, nil).Budget
				if want := (budgets.Budget{Day: c.day, Source: spelling.SourceKey(source), PerMember: 5000, PerSource: 1_000_000}); b == nil || *b != want {
					t.Errorf("at %s from %s: got %+v, want %+v", c.broker, source, b, want)
				}
			}
		}
	}
	if b := accepted(t, defaultRules(t), structured("order.paid", paid), nil).Budget; b != nil {
		t.Errorf("without budgets: got %+v", b)
	}
	file.Limits.PerMemberDay, file.Limits.PerSourceDay = -1, -2
	_, err := Compile(file, "v1", defaultAccounts())
	for _, part := range []string{"limits.per_member_day: want at least 1, or 0 for no bound, got -1", "limits.per_source_day: want at least 1, or 0 for no bound, got -2"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("got %v, want %q", err, part)
		}
	}
}
