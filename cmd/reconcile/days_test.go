package main

import (
	"strings"
	"testing"

	"pointsledger/internal/command"
	entries "pointsledger/internal/testkit/orders"
	shops "pointsledger/reconcile/orders"
)

func (c *console) declare(day, id string, orders, fen int64) {
	c.t.Helper()
	c.seq++
	c.record(entries.Declared(c.seq, day, id, orders, fen))
}

// What was declared and is not there is named, by a login of the finance role, and stands
// against closing the period.
func TestDays(t *testing.T) {
	t.Parallel()
	c := newConsole(t, "reconcile_days_test")
	if out := c.must(command.ExitDone, "days"); !strings.Contains(out, "No day was declared") {
		t.Errorf("none:\n%s", out)
	}
	c.record(c.sale("SO-1", member, true))
	c.declare("2026-11-20", "d1", 1, 10_000)
	if out := c.must(command.ExitDone, "days"); !strings.Contains(out, "1 declared day: 1 add up, 0 do not") || strings.Contains(out, "2026-11-20") {
		t.Errorf("one that adds up:\n%s", out)
	}
	c.declare("2026-11-20", "d2", 3, 31_005)
	c.declare("2999-01-01", "d3", 3, 1)
	out := c.must(command.ExitDisagree, "days")
	oneBlank := strings.Join(strings.Fields(out), " ")
	for _, want := range []string{"2 declared days: 0 add up, 1 do not, 1 not over yet", "2026-11-20 shop-sh 3 1 0 2 210.05 DIFFERS"} {
		if !strings.Contains(oneBlank, want) {
			t.Errorf("days lacks %q:\n%s", want, out)
		}
	}
	if out := c.must(command.ExitDisagree, "days", "--all"); !strings.Contains(out, "2999-01-01") || !strings.Contains(out, "not over") {
		t.Errorf("all:\n%s", out)
	}
	var found shops.Days
	c.json(&found, "days", "--from", "2026-11-21")
	if found.Declared != 1 || found.Differ != 0 || len(found.Rows) != 0 || found.Zone != "Asia/Shanghai" {
		t.Errorf("JSON: %+v", found)
	}
	if out := c.must(command.ExitDisagree, "days", "--json"); !strings.Contains(out, `"missing_orders":2,"missing_fen":21005,"adds_up":false,"event_id":"d2"`) {
		t.Errorf("JSON: %s", out)
	}
	if out := c.must(command.ExitDisagree, "close", "--date", yesterday(), "--reason", "all the same"); !strings.Contains(out, "BLOCKS") ||
		!strings.Contains(out, "declared days that do not add up: 2026-11-20 of shop-sh") {
		t.Errorf("close:\n%s", out)
	}
	for _, u := range [][2]string{{"--from", "x"}, {"--limit", "0"}, {"--source", ""}} {
		if out := c.must(command.ExitUsage, "days", u[0], u[1]); !strings.Contains(out, u[0]) {
			t.Errorf("%v: %s", u, out)
		}
	}
	if out := c.must(command.ExitUsage, "days", "--from", "2026-11-20", "--to", "2026-11-19"); !strings.Contains(out, "is after --to") {
		t.Error(out)
	}
}
