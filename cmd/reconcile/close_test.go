package main

import (
	"strings"
	"testing"
	"time"

	"pointsledger/internal/command"
	"pointsledger/reconcile/periods"
)

// yesterday is the last business date that is over.
func yesterday() string {
	return time.Now().In(time.FixedZone("", 8*3600)).AddDate(0, 0, -1).Format(time.DateOnly)
}

// A period is looked at, locked, closed with a reason and reopened, all by a login that
// is in the finance role alone and reads only by default.
func TestCloseAndReopen(t *testing.T) {
	t.Parallel()
	c := newConsole(t, "reconcile_close_test")
	day := yesterday()
	c.record(c.sale("SO-1", member, false))
	out := c.must(command.ExitDone, "close", "--date", day, "--preview")
	for _, want := range []string{": open", "warning", "zhimai", "on its way", "reconcile close --date " + day} {
		if !strings.Contains(out, want) {
			t.Errorf("preview lacks %q:\n%s", want, out)
		}
	}
	if out = c.must(command.ExitDisagree, "close", "--date", day); !strings.Contains(out, "--reason does not say why") || !strings.Contains(out, "locked, not closed") {
		t.Errorf("without a reason:\n%s", out)
	}
	var closed periods.Outcome
	c.json(&closed, "close", "--date", day, "--reason", "one grant is on its way")
	if closed.State != "closed" || len(closed.Findings) != 1 || closed.Totals["zhimai:issued:1"] != -100 {
		t.Errorf("closed: %+v", closed)
	}
	if out = c.must(command.ExitUsage, "close", "--date", day); !strings.Contains(out, "closed already") {
		t.Errorf("again:\n%s", out)
	}
	if out = c.must(command.ExitDone, "periods", "--recount"); !strings.Contains(out, "as closed") || !strings.Contains(out, "(reconcile_close_test)") {
		t.Errorf("periods:\n%s", out)
	}
	c.exec("ALTER TABLE operations DISABLE TRIGGER USER")
	c.exec("UPDATE operations SET points = 1000 WHERE points = 100")
	if out = c.must(command.ExitDisagree, "periods", "--recount"); !strings.Contains(out, "CHANGED") || !strings.Contains(out, "-900") {
		t.Errorf("changed:\n%s", out)
	}
	if out = c.must(command.ExitUsage, "reopen", "--date", day); !strings.Contains(out, "--reason") {
		t.Errorf("reopen without a reason:\n%s", out)
	}
	c.must(command.ExitDone, "reopen", "--date", day, "--reason", "a wrong shop")
	if out = c.must(command.ExitDone, "periods"); !strings.Contains(out, "All business dates are open") {
		t.Errorf("after all:\n%s", out)
	}
}

// What blocks is what the registered rules say, not the file of whoever closes.
func TestRegisteredRulesSayWhatBlocks(t *testing.T) {
	t.Parallel()
	c := newConsole(t, "reconcile_blocks_test")
	c.record(c.sale("SO-1", member, false))
	c.exec("INSERT INTO mappings (version, text) VALUES ('strict', E'timezone: Asia/Tokyo\nperiods: {blocks: [on_its_way]}\napprovals: {reopen: true}\n')")
	out := c.must(command.ExitDisagree, "close", "--date", yesterday(), "--reason", "all the same")
	if !strings.Contains(out, "BLOCKS") || !strings.Contains(out, "something blocks it") {
		t.Errorf("blocked:\n%s", out)
	}
	c.exec("INSERT INTO mappings (version, text, first_used_at) VALUES ('milder', E'timezone: Asia/Tokyo\nperiods: {blocks: []}\napprovals: {reopen: true}\n', now() + interval '1 second')")
	c.must(command.ExitDone, "close", "--date", yesterday(), "--reason", "all the same")
	if out = c.must(command.ExitUsage, "reopen", "--date", yesterday(), "--reason", "typo"); !strings.Contains(out, "another one reopens it") {
		t.Errorf("by the same hand:\n%s", out)
	}
	var list periodsPage
	c.json(&list, "periods")
	if len(list.Periods) != 1 || list.Periods[0].Zone != "Asia/Tokyo" {
		t.Errorf("periods: %+v", list)
	}
}
