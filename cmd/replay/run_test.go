package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pointsledger/desk"
	"pointsledger/internal/command"
	"pointsledger/ledger"
)

func TestRunRefusesWrongUse(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.record("SO-1")
	c.park("refused", 0, false)
	for words, args := range map[string][]string{
		"--reason":                     {"--yes"},
		"needs --reason":               {"--yes", "--reason", "  "},
		"--expect: want":               {"--yes", "--reason", "x", "--expect", "0"},
		"--yes needs --reason":         {"--yes", "--reason", "…"},
		"--account is empty":           {"--yes", "--reason", "x", "--account", ""},
		"--operator is empty":          {"--yes", "--reason", "x", "--operator", " "},
		"unknown flag: --state":        {"--yes", "--reason", "x", "--state", "parked"},
		"--since: want a time such":    {"--since", "yesterday"},
		"at most 1000 characters":      {"--yes", "--reason", strings.Repeat("长", 1001)},
		"is not before --until":        {"--since", "1h", "--until", "2h"},
		"unknown flag: --everything":   {"--everything"},
		"unknown command \"SO-1\" for": {"SO-1"},
		"--rate: want 1 to 100,000":    {"--rate", "0"},
		"--canary: want":               {"--canary", "-1"},
		"--canary-share: want":         {"--canary", "1", "--canary-share", "1.01"},
		"--canary-share: want a share": {"--canary", "1", "--canary-share", "0"},
		"--canary-wait: want":          {"--canary", "1", "--canary-wait", "0s"},
		"go with --canary N":           {"--canary-wait", "1m"},
		"--plan is empty":              {"--plan", " "},
		"--plan and --cause":           {"--plan", "P-7K2M", "--cause", "refused"},
		"--plan and --expect":          {"--plan", "P-7K2M", "--expect", "1"},
		"--plan and --in-doubt":        {"--plan", "P-7K2M", "--rate", "5", "--in-doubt"},
		"there is no plan \"P-7K2M\"":  {"--plan", "P-7K2M"},
		"there is no plan \"x\"":       {"--plan", "x", "--yes", "--reason", "y"},
	} {
		contains(t, c.must(2, append([]string{"run"}, args...)...), words)
	}
	contains(t, c.must(1, "run", "--yes", "--reason", "x", "--expect", "2"), "1 parked operation found, not the 2 expected: nothing was changed")
	contains(t, c.must(1, "run", "--expect", "2"), ": 1 parked operation.", "1 parked operation found, not the 2 expected")
	contains(t, c.must(1, "run", "--expect", "2", "--json"), `"operations": 1`, "not the 2 expected")
	c.must(0, "run", "--expect", "1")
	contains(t, c.must(1, "run", "--expect", "2", "--order", "SO-9"), "nothing to put back", "0 parked operations found, not the 2")
	if n := c.count(`SELECT count(*) FROM outbox WHERE state = 'parked'`); n != 1 {
		t.Error("something was put back")
	}
	if n := c.count(`SELECT count(*) FROM ops_actions`); n != 0 {
		t.Errorf("%d actions were recorded", n)
	}
	if n := c.count(`SELECT count(*) FROM replay_plans`); n != 3 { // the previews that found something
		t.Errorf("%d plans were stored", n)
	}
}

// planCommand is the command of a preview, as its arguments.
func (c *console) planCommand(preview string) []string {
	c.t.Helper()
	_, line, found := strings.Cut(preview, "To put back exactly these:\n  replay ")
	if !found {
		c.t.Fatalf("no command in %s", preview)
	}
	return strings.Fields(line)
}

// Writing the command down changes no option.
func TestRunCommandLeavesTheOptions(t *testing.T) {
	t.Parallel()
	o := runOptions{planFlags: planFlags{Decide: command.Decide{Operator: " lin ", Reason: "x"}}, rate: 5}
	before := o
	if got := o.command("P-7K2M"); got != "replay run --plan P-7K2M --yes --operator lin --rate 5 --reason x" || o != before {
		t.Errorf("command %s, options %+v", got, o)
	}
}

func TestRunAboveHundredNeedsExpect(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	for i := range desk.MaxUnexpected + 1 {
		c.record(fmt.Sprintf("SO-%d", i))
	}
	c.park("attempts_exhausted", 0, false)
	contains(t, c.must(2, "run", "--yes", "--reason", "x"), "101 operations found, more than 100", "--expect 101")
	preview := c.must(0, "run", "--cause", "attempts_exhausted", "--reason", "the vendor's back", "--rate", "50", "--canary", "10")
	args := c.planCommand(preview)
	if want := `run --plan ` + args[2] + ` --yes --rate 50 --canary 10 --reason 'the vendor'\''s back'`; strings.Join(args, " ") != want {
		t.Fatalf("command %q, want %q", args, want)
	}
	contains(t, preview, "10,100", "chosen by --cause attempts_exhausted", "putting back about 2s at --rate 50",
		"zhimai, 101 operations: as fast as the vendor answers")
	contains(t, c.must(0, "run", "--cause", "attempts_exhausted", "--expect", "101", "--reason", "back", "--yes"), "Put back 101 of 101 operations: 10,100 points")
}

// What is in doubt for longer than the key memory, or at an account that is not
// configured, stays parked, and the exit code says so.
func TestRunLeavesOldDoubtParked(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.resend()
	c.record("SO-never")
	c.park("attempts_exhausted", 0, false)
	c.record("SO-fresh")
	c.park("attempts_exhausted", 23*time.Hour, true)
	c.record("SO-old")
	c.park("key_memory_over", 24*time.Hour-20*time.Second, true) // the lease of 30 s counts too
	c.record("SO-other", func(o *ledger.Operation) { o.Account = "elsewhere" })
	c.park("refused", time.Minute, true)

	preview := c.must(0, "run", "--reason", "x", "--operator", "lin")
	contains(t, preview, "4 parked operations", "account zhimai surely remembers a dedup key (23h59m30s",
		"no account elsewhere", "--yes --operator lin --reason x", "OPERATIONS")
	code, out, errOut := c.run("run", "--yes", "--reason", "night of the outage", "--operator", "lin")
	if code != 3 {
		t.Errorf("exit code %d, want 3", code)
	}
	contains(t, out, "Put back 2 of 4 operations: 200 points", "stay parked 1: in doubt, and the vendor may have forgotten",
		"stay parked 1: in doubt, and the account is not in the configuration", "as action 1 in ops_actions: lin")
	contains(t, errOut, "2 of 4 operations were not put back")
	if n := c.count(`SELECT count(*) FROM ops_actions WHERE actor = 'lin' AND action = 'replay' AND reason = 'night of the outage'
	                    AND filter LIKE 'plan P-____: all parked' AND set_size = 4`) +
		c.count(`SELECT count(*) FROM ops_actions WHERE action = 'replay_end' AND actor = 'lin' AND set_size = 4
	                    AND result LIKE 'of action 1: put back 2 (200 points, 1 in doubt); refused 1 %, 1 %; left 0'`); n != 2 {
		t.Error("the action is not recorded as it was")
	}
	if n := c.count(`SELECT count(*) FROM outbox x JOIN operations o ON o.id = x.operation_id
	                  WHERE (x.state = 'pending') = (o.business_key IN ('SO-never', 'SO-fresh'))`); n != 4 {
		t.Error("the wrong operations were put back")
	}
	code, out, _ = c.run("run", "--yes", "--reason", "again", "--json")
	if code != 3 || !strings.Contains(out, `"put_back": 0`) {
		t.Errorf("again: exit code %d, %s", code, out)
	}
	contains(t, c.must(0, "run", "--cause", "key_memory_over"), "stay parked", "no command to run")
}

func TestRunWithNothingParked(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	contains(t, c.must(0, "run"), "nothing to put back")
	contains(t, c.must(0, "run", "--yes", "--reason", "x"), "nothing was put back, nothing recorded")
	var preview previewReport
	c.json(&preview, "run")
	if preview.Command != "" || preview.Groups == nil || preview.Plan != nil {
		t.Errorf("preview %+v", preview)
	}
}

func TestNoDatabase(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.env = nil
	contains(t, c.must(2, "status"), "DATABASE_URL is not set")
	c.env = []string{"DATABASE_URL=postgres://ledger:hunter2@127.0.0.1:1/points"}
	message := c.must(1, "status")
	contains(t, message, "127.0.0.1")
	if strings.Contains(message, "hunter2") {
		t.Errorf("the password is shown: %s", message)
	}
}
