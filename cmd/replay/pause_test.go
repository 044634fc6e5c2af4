package main

import (
	"fmt"
	"testing"
	"time"

	"pointsledger/ledger/gates"
	"pointsledger/vendorapi/sim"
)

// While an account is paused no call goes out, whatever arrives; after the
// resume the workers go on, and each operation is applied once.
func TestPauseHoldsCallsBack(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	vendor := c.startVendor(sim.Config{})
	c.record("SO-first")
	c.waitFor("the first posting", `SELECT count(*) FROM postings`, 1)

	contains(t, c.must(0, "pause", "zhimai"), "Would pause zhimai", "replay pause zhimai --reason '…' --yes")
	contains(t, c.must(2, "pause", "zhimai", "--yes"), "--yes needs --reason")
	contains(t, c.must(2, "pause", "zhimia", "--reason", "x", "--yes"), `there is no account "zhimia": want one of kylin, zhimai`)
	contains(t, c.must(0, "resume", "zhimai", "--reason", "x", "--yes"), "zhimai is not paused", "nothing recorded")
	if c.count(sqlActs) != 0 {
		t.Fatal("something was recorded")
	}
	contains(t, c.must(0, "pause", "zhimai", "--reason", "their window", "--operator", "lin", "--yes"), "Paused zhimai", "replay resume zhimai")
	// Workers look at the gate twice a second: wait for many looks by the
	// database's clock, before the rows are offered and after.
	c.waitFor("the worker to hear of it", `SELECT count(*) FROM gates WHERE now() > closed_at + interval '3 seconds'`, 1)
	calls := received(vendor)
	for i := range 20 {
		c.record(fmt.Sprintf("SO-%d", i))
	}
	c.waitFor("some time", `SELECT count(*) FROM gates WHERE now() > (SELECT max(recorded_at) FROM operations) + interval '2 seconds'`, 1)
	held := c.count(`SELECT count(*) FROM outbox WHERE state = 'pending' AND attempts = 0`)
	if n := received(vendor); held != 20 || n != calls {
		t.Errorf("%d of 20 are held back, %d calls went out", held, n-calls)
	}
	contains(t, c.must(0, "status"), "GATE CLOSED at zhimai (paused)", "who, and why paused by lin: their window", "replay resume zhimai --reason", "zhimai CLOSED 20")
	contains(t, c.must(0, "show", "SO-3"), "waits for somebody to resume the account; paused by lin: their window")
	contains(t, c.must(0, "pause", "zhimai", "--reason", "x", "--yes"), "paused already", "paused by lin: their window")
	var change gateChange
	c.json(&change, "resume", "zhimai")
	if change.Before != "paused" || change.Waiting != 20 || change.Command == "" {
		t.Errorf("change %+v", change)
	}
	contains(t, c.must(0, "resume", "zhimai", "--reason", "over", "--yes"), "Resumed zhimai", "waiting 20 operations")
	c.waitFor("all postings", `SELECT count(*) FROM postings WHERE kind = 'posted'`, 21)
	if n := c.count(`SELECT count(*) FROM ops_actions WHERE action IN ('pause', 'resume') AND filter = '--account zhimai'`); n != 2 {
		t.Errorf("%d acts are recorded", n)
	}
}

// received counts the calls that the vendor has seen.
func received(vendor *sim.Simulator) (n int) {
	for _, entry := range vendor.Book() {
		n += entry.Received
	}
	return n
}

// A gate that is closed for another reason is not resumed by hand.
func TestResumeOnlyWhatWasPaused(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	if err := gates.New(c.pool).CloseGate(t.Context(), "zhimai", "unauthorised", "40101", time.Minute, 1); err != nil {
		t.Fatal(err)
	}
	contains(t, c.must(1, "resume", "zhimai", "--reason", "x", "--yes"), "nobody has paused it", "Correct the account's keys")
	contains(t, c.must(0, "pause", "zhimai", "--reason", "hands off", "--operator", "lin", "--yes"), "Paused zhimai", "gate before closed since", "(unauthorised)")
	contains(t, c.must(0, "resume", "zhimai", "--reason", "done", "--yes"), "Resumed zhimai")
	if c.count(`SELECT count(*) FROM gates WHERE reason IS NULL`) != 1 {
		t.Error("the gate is not open")
	}
}
