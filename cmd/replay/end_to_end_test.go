package main

import (
	"context"
	"testing"
	"time"

	"go.uber.org/zap"

	"pointsledger/dispatch"
	"pointsledger/internal/testkit"
	"pointsledger/ledger/knowledge"
	"pointsledger/vendorapi"
	"pointsledger/vendorapi/sim"
	"pointsledger/vendorapi/zhimai"
)

const patience = 30 * time.Second

// silent is an observer that nobody listens to.
type silent struct{}

func (silent) Attempted(string, vendorapi.Outcome, time.Duration)  {}
func (silent) Claimed(string, int, time.Duration)                  {}
func (silent) Settled(string, string, int)                         {}
func (silent) Written(string, int, time.Duration, []time.Duration) {}
func (silent) LeasesLost(string, int)                              {}
func (silent) LeasesExpired(string, int)                           {}
func (silent) Sampled(string, knowledge.Sighting)                  {}

// startVendor starts a simulated Zhimai and a dispatcher that serves it with
// two quick attempts, until the test ends.
func (c *console) startVendor(cfg sim.Config) *sim.Simulator {
	c.t.Helper()
	vendor, err := sim.New(cfg)
	if err != nil {
		c.t.Fatal(err)
	}
	url, stop, err := vendor.Start("")
	if err != nil {
		c.t.Fatal(err)
	}
	client, err := zhimai.New(zhimai.Config{URL: url + "/api/v2", OpenID: sim.DefaultOpenID, GrantCode: sim.DefaultGrantCode,
		OpenKey: sim.DefaultOpenKey, Signing: zhimai.Signing{Payload: sim.DefaultSigningPayload, URLEncode: true},
		HTTP: vendorapi.HTTPConfig{ConnectTimeout: time.Second, Timeout: time.Second, MaxConns: 4}})
	if err != nil {
		c.t.Fatal(err)
	}
	d, err := dispatch.New(dispatch.NewLedger(c.store, c.pool), dispatch.Account{Name: "zhimai", Vendor: client, Concurrency: 4,
		Timeout: time.Second, Lease: 10 * time.Second, Schedule: dispatch.Schedule{10 * time.Millisecond},
		KeysHonoured: true, GiveUpAfter: 15 * time.Millisecond, PollEvery: 20 * time.Millisecond}, zap.NewNop(), silent{})
	if err != nil {
		c.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx, context.Background()) }()
	c.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			c.t.Error(err)
		}
		if err := stop(); err != nil {
			c.t.Error(err)
		}
	})
	return vendor
}

func (c *console) waitFor(what, sql string, n int) {
	c.t.Helper()
	testkit.Eventually(c.t, patience, what, func() bool { return c.count(sql) == n })
}

// An operation that the vendor refuses is parked; when the reason is mended,
// a replay has it posted, applied once.
func TestReplayAfterRefusal(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	vendor := c.startVendor(sim.Config{})
	if err := vendor.SetOpenKey("another"); err != nil {
		t.Fatal(err)
	}
	op := c.record("SO-1")
	c.waitFor("the refusal", `SELECT count(*) FROM outbox WHERE state = 'parked' AND cause = 'refused' AND NOT in_doubt`, 1)

	contains(t, c.must(0, "status"), "refused", "40101", "replay list --account zhimai --cause refused")
	contains(t, c.must(0, "show", "SO-1"), "parked after 1 attempt", "code 40101", "replay run --biz-id "+string(op.BizID))
	contains(t, c.must(0, "run", "--order", "SO-1"), "nothing has been changed", "replay run --plan P-", "--yes --reason '…'")
	if n := c.count(`SELECT count(*) FROM outbox WHERE state = 'parked'`); n != 1 {
		t.Fatal("the preview changed something")
	}

	if err := vendor.SetOpenKey(sim.DefaultOpenKey); err != nil {
		t.Fatal(err)
	}
	contains(t, c.must(0, "run", "--order", "SO-1", "--reason", "key mended", "--operator", "lin", "--yes"), "Put back 1 of 1 operation")
	c.waitFor("the posting", `SELECT count(*) FROM postings WHERE kind = 'posted'`, 1)
	entry, found := vendor.Lookup(sim.Zhimai, string(op.BizID))
	if !found || entry.Applied != 1 || entry.AppliedPoints != 100 || entry.Refused != 1 || entry.Mismatched != 0 {
		t.Errorf("the vendor's book: %+v", entry)
	}
	contains(t, c.must(0, "show", "SO-1"), "posted", "the vendor's answer said so", "code 40101")
	contains(t, c.must(0, "status"), "nothing to do")
}

// An operation that the vendor applied without our knowing is parked in doubt;
// sent again under its key, it is not applied twice.
func TestReplayInDoubt(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	vendor := c.startVendor(sim.Config{Zhimai: sim.ZhimaiConfig{
		Faults: sim.Faults{Rates: map[sim.FaultKind]float64{sim.ApplyThenDrop: 1}, MaxPerKey: -1}}})
	op := c.record("SO-1")
	c.waitFor("doubt", `SELECT count(*) FROM outbox WHERE state = 'parked' AND cause = 'attempts_exhausted' AND in_doubt`, 1)
	if err := vendor.SetFaults(sim.Zhimai, sim.Faults{}); err != nil {
		t.Fatal(err)
	}
	contains(t, c.must(0, "run", "--in-doubt"), "in doubt", "records first", "same dedup key")
	c.must(0, "run", "--in-doubt", "--reason", "vendor is well", "--yes")
	c.waitFor("the posting", `SELECT count(*) FROM postings WHERE kind = 'posted'`, 1)
	entry, found := vendor.Lookup(sim.Zhimai, string(op.BizID))
	if !found || entry.Applied != 1 || entry.Repeats < 1 || entry.Mismatched != 0 {
		t.Errorf("the vendor's book: %+v", entry)
	}
}
