package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pointsledger/desk/overview"
	"pointsledger/ledger/gates"
)

// answered adds an attempt to the orders from..to.
func (c *console) answered(from, to int, outcome string, status int, code, words string) {
	c.t.Helper()
	for i := from; i <= to; i++ {
		c.exec(`INSERT INTO attempts (operation_id, outcome, http_status, vendor_code, vendor_message, duration_ms)
		        SELECT id, $2, $3, NULLIF($4, ''), NULLIF($5, ''), 1 FROM operations WHERE business_key = $1`,
			fmt.Sprintf("SO-%d", i), outcome, status, code, words)
	}
}

// Each refusal has a line of its own, and the commands for it work.
func TestStatusTellsCodesApart(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	for i := range 6 {
		c.record(fmt.Sprintf("SO-%d", i))
	}
	c.park("refused", 0, false)
	c.answered(0, 2, "refused", 200, "40101", "sign error")
	c.answered(3, 4, "refused", 200, "40301", "会员账号已冻结")
	c.answered(5, 5, "refused", 404, "", "")
	out := c.must(0, "status")
	contains(t, out, "zhimai refused 40101 3 0 0s sign error", "zhimai refused 40301 2 0 0s 会员账号已冻结", "zhimai refused HTTP 404 1 0",
		"zhimai, 6 parked (refused)", "replay run --account zhimai --cause refused --code 40101")
	if strings.Contains(out, "…") {
		t.Errorf("a command with something left to fill in, or a text clipped for nothing: %s", out)
	}
	for line := range strings.Lines(out) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "replay ") {
			continue
		}
		args := strings.Fields(strings.ReplaceAll(strings.TrimPrefix(line, "replay "), "'HTTP 404'", "HTTP_404"))
		for i := range args {
			args[i] = strings.ReplaceAll(args[i], "_", " ")
		}
		want := map[string]string{"40101": "3 ", "40301": "2 ", "HTTP 404": "1 "}[args[len(args)-1]]
		if got := c.must(0, args...); !strings.Contains(got, want) || want == "" {
			t.Errorf("%s: want %s operations, got %s", line, want, got)
		}
	}
	contains(t, c.must(0, "list", "--code", "none"), "No parked operation fits")
	contains(t, c.must(0, "run", "--code", "40301"), "2 parked operations", "chosen by --code 40301")
	c.must(2, "list", "--code", "")
}

// Codes without end are summed up.
func TestStatusBoundsCodes(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	for i := range overview.MaxCodes + 3 {
		c.record(fmt.Sprintf("SO-%d", i))
		c.answered(i, i, "refused", 200, fmt.Sprintf("E-%d", 1000+i), "")
	}
	c.park("refused", 0, false)
	out := c.must(0, "status")
	contains(t, out, "E-1009 1", "3 0 0s (further codes)")
	if strings.Contains(out, "E-1010") || strings.Contains(out, "--code") {
		t.Errorf("too many codes: %s", out)
	}
	var report overview.Report
	c.json(&report, "status")
	if n := len(report.Accounts[0].Causes); n != overview.MaxCodes+1 || report.Accounts[0].Causes[overview.MaxCodes].Count != 3 {
		t.Errorf("%d lines, %+v", n, report.Accounts[0].Causes)
	}
}

func TestStatusShowsClosedGate(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.record("SO-1")
	c.exec(`UPDATE outbox SET cause = 'unauthorised', next_attempt_at = now() - interval '10 minutes'`)
	closeGate := func(reason string) {
		t.Helper()
		if err := gates.New(c.pool).CloseGate(t.Context(), "zhimai", reason, "40101 密钥 13812345678", time.Minute, 4); err != nil {
			t.Fatal(err)
		}
	}
	closeGate("unauthorised")
	c.exec(`UPDATE gates SET closed_at = now() - interval '12 minutes'`)
	out := c.must(0, "status")
	if !strings.HasPrefix(out, "GATE CLOSED at zhimai (unauthorised)") {
		t.Errorf("the gate does not come first: %s", out)
	}
	contains(t, out, "because the vendor does not accept our credentials", ", 12m ago", "vendor says 40101 密钥 138****5678",
		"; 3 have failed so far", "waiting 1 operation", "zhimai CLOSED 1", "kylin open 0", "zhimai, gate closed: correct the account's keys",
		"zhimai unauthorised 1 0", "goes by itself when it is due and our keys are right")
	if strings.Contains(out, "no worker is sending") || strings.Contains(out, "is a worker running") {
		t.Errorf("a closed gate is taken for a missing worker: %s", out)
	}
	contains(t, c.must(0, "show", "SO-1"), "The gate of account zhimai is closed", "the vendor does not accept our credentials")

	c.exec(`UPDATE gates SET probe_at = now() - interval '2 minutes'`)
	contains(t, c.must(0, "status"), "due since 2m", "The probe is 2m late: is a worker running")
	c.exec(`UPDATE gates SET probing_until = now() + interval '1 minute'`)
	contains(t, c.must(0, "status"), "next probe under way; 3 have failed")
	var report overview.Report
	c.json(&report, "status")
	gate := report.Accounts[0].Gate
	if gate == nil || gate.Reason != "unauthorised" || !gate.Probing || gate.FailedProbes != 3 || report.Accounts[1].Gate != nil {
		t.Errorf("gate %+v", gate)
	}
	closeGate("paused")
	contains(t, c.must(0, "status"), "next probe none: it stays closed until a person resumes")

	// An account that only the gate knows is shown, too.
	c.exec(`UPDATE gates SET target = 'elsewhere'`)
	contains(t, c.must(0, "status"), "GATE CLOSED at elsewhere (paused)", "elsewhere CLOSED 0", "zhimai open 1")
}

// Status says how long what waits takes at the rate of the account, lane by lane.
func TestStatusSaysHowLongTheBacklogTakes(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	for i := range 40 {
		c.record(fmt.Sprintf("SO-%d", i))
	}
	c.exec(`UPDATE outbox SET bulk = true WHERE operation_id IN (SELECT operation_id FROM outbox ORDER BY operation_id LIMIT 30)`)
	if out := c.must(0, "status"); strings.Contains(out, "How long what waits takes") {
		t.Errorf("without a rate and a pace nothing is known: %s", out)
	}
	c.env = append(c.env, "ZHIMAI_RATE=1")
	contains(t, c.must(0, "status"), "How long what waits takes",
		"zhimai live 10 operations in 13s, bulk 30 operations in 40s, if nothing else comes: at the account's rate of 1 a second")
	var report overview.Report
	c.json(&report, "status")
	lanes := report.Accounts[0].Lanes
	if report.Accounts[0].RatePerSecond != 1 || len(lanes) != 2 || lanes[0].Waiting != 10 || lanes[1].Waiting != 30 || *lanes[1].DrainsInMs != 40_000 {
		t.Errorf("lanes %+v", lanes)
	}
}
