package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pointsledger/desk"
	"pointsledger/desk/carry"
	"pointsledger/desk/overview"
	"pointsledger/ledger"
	"pointsledger/vendorapi/sim"
)

// printed is the command that an output tells to run.
func printed(t *testing.T, output, verb string) []string {
	t.Helper()
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "replay "+verb+" ") {
			return strings.Fields(strings.TrimPrefix(strings.ReplaceAll(line, "'…'", "ticket-81"), "replay "))
		}
	}
	t.Fatalf("no command replay %s in\n%s", verb, output)
	return nil
}

const (
	sqlVoided = `SELECT count(*) FROM postings WHERE kind = 'voided' AND evidence = 'manual'`
	sqlParked = `SELECT count(*) FROM outbox WHERE state = 'parked'`
	sqlActs   = `SELECT count(*) FROM ops_actions`
)

// Void with its preview and plan: exactly the set that was looked at goes.
func TestVoidByPlan(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.record("SO-1")
	c.record("SO-2")
	c.record("SO-3")
	c.park("refused", 0, false)
	c.record("SO-doubt")
	c.park("attempts_exhausted", time.Minute, true)

	preview := c.must(0, "void")
	contains(t, preview, "4 parked operations to give up", "nothing has been changed", "in doubt 1: refused", "It can not be taken back")
	if c.count(sqlVoided) != 0 || c.count(sqlActs) != 0 {
		t.Fatal("the preview changed something")
	}
	c.record("SO-later")
	c.park("refused", 0, false)
	c.exec(`UPDATE outbox SET state = 'pending' WHERE operation_id = (SELECT id FROM operations WHERE business_key = 'SO-3')`)
	line := printed(t, preview, "void")
	contains(t, c.must(0, "void", "--plan", line[2]), "3 parked operations to give up", "skipped 1: no longer parked since")
	out := c.must(3, line...)
	contains(t, out, "Gave up 2 operations: 200 points", "stay parked 1: in doubt", "skipped 1", "2 of 4 operations not given up")
	if c.count(sqlVoided) != 2 || c.count(sqlParked) != 2 {
		t.Error("another set was given up")
	}
	contains(t, c.must(0, "show", "SO-1"), "voided, after 3 attempts", `given up (void) by`, "ticket-81", "Nothing: a person gave it up")
	contains(t, c.must(0, "log", "--action", "void"), "given up (void) by", "plan "+line[2]+": all parked", "why ticket-81")
	contains(t, c.must(0, "log", "--action", "void_end"), "voided 2 (200 points, 0 in doubt); refused 1 in doubt; skipped 1 no longer parked")

	// What is in doubt goes only by word.
	contains(t, c.must(3, "void", "--order", "SO-doubt", "--reason", "x", "--yes"), "Gave up 0 operations", "1 of 1 operation not given up")
	contains(t, c.must(0, "void", "--in-doubt"), "so there is no command to run")
	line = printed(t, c.must(0, "void", "--in-doubt", "--accept-in-doubt", "--operator", "lin"), "void")
	contains(t, c.must(0, line...), "Gave up 1 operation: 100 points", "in doubt 1 of them", "lin")
	contains(t, c.must(0, "void", "--order", "SO-doubt", "--reason", "x", "--yes"), "nothing to give up")
	var result carry.GiveUpResult
	c.json(&result, "void", "--order", "SO-later", "--reason", "x", "--yes")
	if result.Voided != 1 || result.Act == 0 || result.Left != 0 {
		t.Errorf("result %+v", result)
	}
	var report voidReport
	c.json(&report, "void")
	if report.Groups == nil || report.Command != "" {
		t.Errorf("nothing to give up: %+v", report)
	}
}

// A second operator with the same plan is told, and does nothing; a cancelled
// plan is refused.
func TestVoidPlanIsTakenOrCancelled(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.record("SO-1")
	c.park("refused", 0, false)
	name := printed(t, c.must(0, "void"), "void")[2]
	plan, err := c.desk.ReadPlan(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	run, err := c.desk.BeginPlan(t.Context(), desk.PlanStart{Plan: plan, Act: desk.ActVoid, Actor: "wu", Reason: "first"})
	if err != nil {
		t.Fatal(err)
	}
	contains(t, c.must(1, "void", "--plan", name, "--reason", "x", "--yes"), "is being run by wu", "nothing was changed by you")
	run.Close()
	if _, err := c.desk.CancelPlan(t.Context(), plan, "wu", "wrong set"); err != nil {
		t.Fatal(err)
	}
	contains(t, c.must(1, "void", "--plan", name, "--reason", "x", "--yes"), "was cancelled by wu")
	contains(t, c.must(0, "void", "--plan", name), "This plan was cancelled by wu: make another")
	if c.count(sqlVoided) != 0 || c.count(sqlParked) != 1 {
		t.Error("something was given up")
	}
}

func TestVoidRefusesWrongUse(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	for i := range desk.MaxUnexpected + 1 {
		c.record(fmt.Sprintf("SO-%d", i))
	}
	c.park("refused", 0, false)
	for words, args := range map[string][]string{
		"--yes needs --reason":           {"--yes"},
		"--yes needs":                    {"--yes", "--reason", "…"},
		"unknown flag: --state":          {"--state", "pending"},
		"--expect: want":                 {"--expect", "0"},
		"--plan is empty":                {"--plan", " "},
		"--plan and --expect":            {"--plan", "P-7K2M", "--expect", "3"},
		"--plan and --shop":              {"--plan", "P-7K2M", "--shop", "S7"},
		"--plan and --in-doubt":          {"--plan", "P-7K2M", "--in-doubt"},
		"there is no plan":               {"--plan", "P-7K2M"},
		"101 operations found":           {"--yes", "--reason", "x"},
		"--account is empty":             {"--account", ""},
		"--channel: want 1 to 9":         {"--channel", "10"},
		"--source-type: want 1 to 12":    {"--source-type", "0"},
		"--outcome: want one of":         {"--outcome", "rejected"},
		"--kind: want one of points_add": {"--kind", "grant"},
		"--by: want recorded":            {"--by", "posted", "--since", "1h"},
		"--since and --until bound":      {"--by", "failed"},
	} {
		contains(t, c.must(2, append([]string{"void"}, args...)...), words)
	}
	contains(t, c.must(1, "void", "--yes", "--reason", "x", "--expect", "100"), "101 parked operations found, not the 100 expected: nothing was changed")
	if c.count(sqlParked) != desk.MaxUnexpected+1 || c.count(sqlActs) != 0 {
		t.Fatal("something was given up")
	}
	plan := printed(t, c.must(0, "run", "--order", "SO-1"), "run")
	for i, arg := range plan {
		if arg == "--plan" {
			contains(t, c.must(2, "void", "--plan", plan[i+1]), "is not for void, but for run")
		}
	}
	contains(t, c.must(0, "void", "--yes", "--reason", "x", "--expect", "101"), "Gave up 101 operations: 10,100 points")
}

// Settle: a posting by hand, its evidence kept; nothing is sent.
func TestSettle(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	vendor := c.startVendor(sim.Config{Zhimai: sim.ZhimaiConfig{Faults: sim.Faults{Rates: map[sim.FaultKind]float64{sim.ApplyThenDrop: 1}, MaxPerKey: -1}}})
	op := c.record("SO-1")
	c.waitFor("doubt", `SELECT count(*) FROM outbox WHERE state = 'parked' AND in_doubt`, 1)

	c.must(2, "settle", "SO-1")
	c.must(2, "settle", "SO-1", "--evidence", "x", "--yes")
	c.must(2, "settle", "--evidence", "x")
	c.must(2, "settle", "SO-1", "--evidence", strings.Repeat("长", 501))
	contains(t, c.must(1, "settle", "SO-9", "--evidence", "x"), "no operation has")
	preview := c.must(0, "settle", op.Reference, "--evidence", "Ms Wu 13812345678, ticket 5512")
	contains(t, preview, "Would settle operation 1: grant 100 points at zhimai for SO-1", "evidence Ms Wu 138****5678", "nothing has been changed",
		"replay settle "+string(op.BizID)+" --evidence 'Ms Wu 13812345678, ticket 5512' --reason '…' --yes")
	if c.count(`SELECT count(*) FROM postings`) != 0 {
		t.Fatal("the preview changed something")
	}
	contains(t, c.must(0, "settle", string(op.BizID), "--evidence", "Ms Wu, ticket 5512", "--reason", "asked by the shop", "--operator", "lin", "--yes"),
		"Settled operation 1", "action 1 in ops_actions: lin")
	if c.count(`SELECT count(*) FROM postings WHERE kind = 'posted' AND evidence = 'manual' AND vendor_message = 'Ms Wu, ticket 5512' AND member_id = $1`, member) != 1 {
		t.Error("the posting does not say why")
	}
	contains(t, c.must(0, "show", "SO-1"), "settled by hand by lin", "evidence: Ms Wu, ticket 5512", "a person decided", "a person took the vendor's word")
	contains(t, c.must(1, "settle", "1", "--evidence", "x", "--reason", "x", "--yes"), "is not parked but posted")
	if entry, _ := vendor.Lookup(sim.Zhimai, string(op.BizID)); entry.Applied != 1 {
		t.Errorf("the vendor's book: %+v", entry)
	}
}

// What is on its way is left alone, and the message says so.
func TestDecideLeavesOthersAlone(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.record("SO-1")
	code := func(o *ledger.Operation) { o.MemberID, o.MemberCode = "", "13812345678" }
	c.record("SO-code", code)
	acts := [][]string{{"settle", "SO-1", "--evidence", "x", "--reason", "x", "--yes"}, {"resolve", "SO-code", "--customer-id", "42", "--reason", "x", "--yes"}}
	for _, act := range acts {
		contains(t, c.must(1, act...), "is not parked but pending", "nothing was changed")
	}
	c.exec(`UPDATE outbox SET state = 'sending', lease_token = 5, lease_until = now() + interval '1 minute', first_sent_at = now()`)
	for _, act := range acts {
		contains(t, c.must(1, act...), "is not parked but sending", "a worker is sending it at this moment")
	}
	contains(t, c.must(0, "void", "--reason", "x", "--yes"), "nothing to give up")
	if n := c.count(`SELECT count(*) FROM outbox WHERE state = 'sending' AND lease_token = 5`); n != 2 || c.count(sqlActs) != 0 {
		t.Errorf("%d rows are left", n)
	}
	c.exec(`UPDATE outbox SET state = 'parked', cause = 'member_unresolved', in_doubt = true, lease_token = NULL, lease_until = NULL`)
	contains(t, c.must(1, "resolve", "SO-code", "--customer-id", "42"), "is in doubt, so it may have been sent for a member", "--accept-in-doubt")
	contains(t, c.must(1, "resolve", "SO-1", "--customer-id", "42"), "has its member from its event")
	// Two operations of one order: settle wants one by name.
	c.record("SO-1", func(o *ledger.Operation) {
		o.Account, o.Kind, o.SourceType, o.PointsChannel = "kylin", ledger.FreezePoint, 0, 0
	})
	contains(t, c.must(2, "settle", "SO-1", "--evidence", "x"), `"SO-1" means 2 operations: name one by its biz_id`)
}

// A code that nobody could resolve: a person names the member, a replay sends it.
func TestResolve(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	op := c.record("SO-1", func(o *ledger.Operation) { o.MemberID, o.MemberCode = "", "13812345678" })
	vendor := c.startVendor(sim.Config{})
	c.waitFor("parking", `SELECT count(*) FROM outbox WHERE state = 'parked' AND cause IN ('member_unresolved', 'attempts_exhausted')`, 1)
	contains(t, c.must(0, "show", "SO-1"), "waits for a person", "replay resolve "+string(op.BizID)+" --customer-id")
	contains(t, c.must(1, "settle", "SO-1", "--evidence", "x"), "has no member yet", "138****5678", "replay resolve")
	for _, id := range []string{"", "12a", "1234567890123456789012345678901234"} {
		contains(t, c.must(2, "resolve", "SO-1", "--customer-id", id), "1 to 32 digits")
	}
	preview := c.must(0, "resolve", "SO-1", "--customer-id", member)
	contains(t, preview, "Would name the member of operation 1", "scanned code 138****5678", "nothing has been changed")
	line := printed(t, preview, "resolve")
	out := c.must(0, line...)
	contains(t, out, "is for member "+member+" now, and still parked", "replay run --biz-id "+string(op.BizID))
	contains(t, c.must(1, line...), "is resolved already", "never changes its member")
	contains(t, c.must(0, "show", "SO-1"), "member named (resolve) by", "member "+member, "Its member is known by now")
	c.must(0, "run", "--biz-id", string(op.BizID), "--reason", "resolved", "--yes")
	c.waitFor("the posting", `SELECT count(*) FROM postings WHERE kind = 'posted' AND member_id = '`+member+`'`, 1)
	if entry, _ := vendor.Lookup(sim.Zhimai, string(op.BizID)); entry.Applied != 1 {
		t.Errorf("the vendor's book: %+v", entry)
	}
	contains(t, c.must(1, "resolve", "SO-1", "--customer-id", "42"), "is not parked but posted")
}

func TestLog(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	contains(t, c.must(0, "log"), "Nobody has done anything by hand yet")
	c.must(0, "pause", "zhimai", "--reason", "window, says 13812345678", "--operator", "lin", "--yes")
	c.must(0, "resume", "zhimai", "--reason", "over", "--operator", "wu", "--yes")
	c.record("SO-1")
	c.park("refused", 0, false)
	c.must(0, "void", "--member", member, "--reason", "test order", "--operator", "lin", "--yes")
	out := c.must(0, "log")
	contains(t, out, "account paused by lin", "why window, says 138****5678", "account resumed by wu", "given up (void) by lin", "of plan P-", "--member "+member)
	if strings.Index(out, "given up") > strings.Index(out, "account paused") {
		t.Errorf("not newest first: %s", out)
	}
	var page overview.ActLog
	c.json(&page, "log", "--limit", "1", "--operator", "lin", "--action", "pause")
	if len(page.Acts) != 1 || page.Acts[0].Actor != "lin" || page.More || page.After != 0 {
		t.Errorf("page %+v", page)
	}
	page = overview.ActLog{}
	c.json(&page, "log", "--limit", "1")
	if !page.More || page.After != page.Acts[0].ID {
		t.Errorf("page %+v", page)
	}
	contains(t, c.must(0, "log", "--limit", "1"), "There are older ones. Go on with the same command and --after "+fmt.Sprint(page.After))
	contains(t, c.must(0, "log", "--after", "2"), "account paused by lin")
	contains(t, c.must(0, "log", "--action", "viod"), "No action fits", "pause, resume, void")
	contains(t, c.must(0, "log", "--until", "1h"), "No action fits")
	for _, args := range [][]string{{"--limit", "0"}, {"--limit", "1001"}, {"--after", "-1"}, {"--since", "x"}, {"--action", ""}, {"--since", "1h", "--until", "2h"}} {
		c.must(2, append([]string{"log"}, args...)...)
	}
}
