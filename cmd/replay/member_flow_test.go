package main

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"pointsledger/dispatch"
	"pointsledger/internal/accounts"
	"pointsledger/internal/config"
	"pointsledger/vendorapi/sim"
)

// Rejected events of the member are part of the answer.
func TestMemberShowsRejects(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	for i, payload := range []string{`{"data":{"member":{"customerId":` + member + `}}}`, `{"data":{"member":{"customerId":"42"}}}`} {
		c.exec(`INSERT INTO rejects (stream, stream_created, stream_seq, subject, broker_time, headers, payload, reason_code, reason)
		        VALUES ('POINTS', now(), $1, 's', now(), '', $2, 'bad_type', 'r')`, i+1, []byte(payload))
	}
	out := c.must(0, "member", member)
	contains(t, out, "Rejected events", "1 event of this member rejected (bad_type 1)", "replay rejects show 1")
	if strings.Contains(out, "show 2") {
		t.Errorf("another member's reject is shown: %s", out)
	}
	c.record("SO-1")
	contains(t, c.must(0, "member", member), "Member "+member+" at zhimai", "waiting 100 points (1)", "Rejected events")
}

// From doubt to posting, with a real worker: what the member view says of an
// operation is what a replay then does with it.
func TestMemberFromDoubtToPosting(t *testing.T) {
	t.Parallel()
	r := newReader(t, echoing())
	if err := r.vendor.SetFaults(sim.Zhimai, sim.Faults{Rates: map[sim.FaultKind]float64{sim.ApplyThenDrop: 1}, MaxPerKey: -1}); err != nil {
		t.Fatal(err)
	}
	op := r.record("SO-1")
	stop := r.work(false)
	r.waitFor("doubt", `SELECT count(*) FROM outbox WHERE state = 'parked' AND in_doubt`, 1)
	stop()
	if err := r.vendor.SetFaults(sim.Zhimai, sim.Faults{}); err != nil {
		t.Fatal(err)
	}
	before, found := r.vendor.Lookup(sim.Zhimai, string(op.BizID))
	if !found {
		t.Fatal("the vendor never saw it")
	}
	out := r.must(0, "member", member)
	contains(t, out, "1 operation (100 points) in doubt, and in the records", "looked up and posted, not sent again: replay run --biz-id "+string(op.BizID))
	contains(t, r.must(0, "run", "--biz-id", string(op.BizID), "--probe", "1"), "1 (100 points) already applied")
	r.must(0, "run", "--biz-id", string(op.BizID), "--reason", "seen", "--yes")
	r.work(true)
	r.waitFor("the posting", `SELECT count(*) FROM postings WHERE kind = 'posted' AND evidence = 'verified'`, 1)
	contains(t, r.must(0, "member", member), "by our reference: 1 of 1 operation.")
	if after, _ := r.vendor.Lookup(sim.Zhimai, string(op.BizID)); after.Received != before.Received || after.Applied != 1 {
		t.Errorf("it was sent again: %+v, before %+v", after, before)
	}
}

// work runs a dispatcher with the configured account and quick attempts, until
// it is stopped or the test ends.
func (r *reader) work(verify bool) (stop func()) {
	r.t.Helper()
	loaded, err := config.Load(r.env, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	v, _ := loaded.Account("zhimai")
	account, err := accounts.New(v)
	if err != nil {
		r.t.Fatal(err)
	}
	account.Schedule, account.GiveUpAfter, account.PollEvery = dispatch.Schedule{10 * time.Millisecond}, 15*time.Millisecond, 20*time.Millisecond
	account.Verify, account.VerifyAfter = verify, 10*time.Millisecond
	d, err := dispatch.New(dispatch.NewLedger(r.store, r.pool), account, zap.NewNop(), silent{})
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx, context.Background()) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			r.t.Error(err)
		}
	})
	r.t.Cleanup(stop)
	return stop
}

func TestMemberHelpFitsThePage(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	contains(t, c.must(0, "member", "--help"), "looking through the ledger", "--since")
}
