package main

import (
	"testing"
	"time"

	"pointsledger/desk"
	"pointsledger/desk/overview"
	entries "pointsledger/internal/testkit/orders"
	"pointsledger/ledger"
	"pointsledger/ledger/budgets"
)

// What is above a budget is named by every view, and goes when a person puts it back
// or is given up.
func TestOverBudgetIsSeenAndReleased(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	var all []ledger.Entry
	for i, order := range []string{"SO-1", "SO-2", "SO-3"} {
		e := entries.Paid(uint64(i+1), order)
		e.Event.Budget = &budgets.Budget{Day: time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC), Source: "shop-sh", PerMember: 150}
		all = append(all, e)
	}
	if _, err := c.store.Record(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	contains(t, c.must(0, "status"), "zhimai over_budget", "zhimai, 2 parked (over_budget): above what a day may grant to its member or from its source",
		"put it back: it is sent then, whatever the budget says", "replay list --account zhimai --cause over_budget")
	contains(t, c.must(0, "list", "--cause", "over_budget"), "SO-2", "SO-3", "over_budget")
	contains(t, c.must(0, "show", "SO-2"), "over budget", "of the 150 points that a day may grant, by per_member_day, 100 were granted on 2026-11-20",
		"waits for a person", "replay void")
	var found overview.Found
	c.json(&found, "show", "SO-2")
	if got, want := found.Operations[0].OverBudget, (desk.BudgetExcess{Bound: budgets.OfMember, Day: "2026-11-20", Limit: 150, Spent: 100}); got == nil || *got != want {
		t.Errorf("show --json says %+v, want %+v", got, want)
	}
	// Among others they are left out: nobody releases them after an outage unseen.
	code, out, errs := c.run("run", "--account", "zhimai", "--reason", "the vendor works again", "--yes")
	contains(t, errs, "Left out: 2 operations above the budget of a day", "replay run --cause over_budget")
	if n := c.count(`SELECT count(*) FROM outbox WHERE state = 'parked'`); n != 2 || code != 0 {
		t.Fatalf("exit %d, %d are parked, want 2: %s", code, n, out)
	}
	contains(t, c.must(0, "run", "--cause", "over_budget"), "2 parked operations", "over_budget")
	c.must(0, "run", "--order", "SO-2", "--reason", "a large order, the shop says", "--yes")
	if n := c.count(`SELECT count(*) FROM outbox x JOIN operations o ON o.id = x.operation_id WHERE o.business_key = 'SO-2' AND x.state = 'pending' AND NOT x.in_doubt`); n != 1 {
		t.Error("SO-2 was not put back")
	}
	contains(t, c.must(0, "show", "SO-2"), "it was parked then") // why it was stays to be read
	c.must(0, "void", "--order", "SO-3", "--reason", "granted by mistake", "--yes")
	if n := c.count(`SELECT count(*) FROM postings p JOIN operations o ON o.id = p.operation_id WHERE o.business_key = 'SO-3' AND p.kind = 'voided'`); n != 1 {
		t.Error("SO-3 was not given up")
	}
}
