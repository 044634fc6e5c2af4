package dispatch_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"pointsledger/dispatch"
	"pointsledger/evidence"
	"pointsledger/internal/testkit"
	"pointsledger/ledger"
	"pointsledger/vendorapi"
	"pointsledger/vendorapi/sim"
	"pointsledger/vendorapi/zhimai"
)

// unclear is a vendor whose points calls have no clear answer while it is down; its
// records are well.
type unclear struct {
	*zhimai.Client
	down *atomic.Bool
}

func (v unclear) Send(ctx context.Context, call *ledger.VendorCall) vendorapi.Reply {
	if v.down.Load() {
		return vendorapi.Reply{Outcome: vendorapi.Unknown, HTTPStatus: 500}
	}
	return v.Client.Send(ctx, call)
}

// An outage of the points calls alone leaves nothing but doubts, and what waits is
// spared but for a trial now and then. The vendor comes back, and no order comes:
// samples are read all the same, one doubt makes the probe, and all end without
// anybody.
func TestDoubtsOfAnOutageEndByThemselves(t *testing.T) {
	t.Parallel()
	for _, workers := range []int{1, 2} {
		t.Run(fmt.Sprintf("%d workers", workers), func(t *testing.T) {
			t.Parallel()
			outageEnds(t, workers)
		})
	}
}

func outageEnds(t *testing.T, workers int) {
	b := newBench(t, sim.Config{Zhimai: sim.ZhimaiConfig{Dedup: sim.Dedup{Mode: sim.DedupOff}, Records: sim.RecordsConfig{EchoReason: true}}})
	b.longKnown()
	a := b.verifying()
	down := &atomic.Bool{}
	a.Vendor = unclear{a.Vendor.(*zhimai.Client), down}
	d, _ := b.start(a)
	all := []*dispatch.Dispatcher{d}
	for len(all) < workers {
		other, _ := b.start(a)
		all = append(all, other)
	}
	b.trade(d, a, "the endpoint to be known", shown)
	testkit.Eventually(t, 30*time.Second, "the trade to end", func() bool { return b.open() == 0 })
	before := b.count(`SELECT count(*) FROM postings`)
	down.Store(true)
	const rows = 20 // as many as close the gate
	b.accept(rows, nil)
	d.Wake()
	testkit.Eventually(t, time.Minute, "the gate to close, and nothing but doubts", func() bool {
		return d.Status().Gate.Reason == dispatch.GateFailing && b.count(`SELECT count(*) FROM outbox WHERE in_doubt`) == rows
	})
	b.accept(10*rows, nil) // which the closed gate spares, but for one call at a time
	testkit.Eventually(t, time.Minute, "some trials of the gate", func() bool {
		d.Wake()
		return b.count(`SELECT count(*) FROM outbox WHERE in_doubt`) >= rows+3
	})
	if doubts := b.count(`SELECT count(*) FROM outbox WHERE in_doubt`); doubts > 2*rows {
		t.Errorf("%d rows are in doubt: the gate was opened by what is no points call", doubts)
	}
	down.Store(false)
	testkit.Eventually(t, 90*time.Second, "all to end", func() bool { return b.open() == 0 })
	if parked := b.count(`SELECT count(*) FROM outbox`); parked > 0 {
		t.Errorf("%d rows are left to a person", parked)
	}
	b.agree(before + 11*rows)
	for _, d := range all {
		testkit.Eventually(t, 30*time.Second, "every worker's gate to open", func() bool { return d.Status().Gate.Open })
	}
}

// readCounted is an unclear vendor that counts the members whose records are read until a
// points call is answered again.
type readCounted struct {
	unclear
	doubtful map[string]bool
	read     *atomic.Int32
	applied  *atomic.Bool
}

func (v readCounted) Send(ctx context.Context, call *ledger.VendorCall) vendorapi.Reply {
	reply := v.unclear.Send(ctx, call)
	if reply.Outcome == vendorapi.Applied {
		v.applied.Store(true)
	}
	return reply
}

func (v readCounted) ReadRecords(ctx context.Context, member string) (evidence.Reading, vendorapi.Reply) {
	if v.doubtful[member] && !v.down.Load() && !v.applied.Load() {
		v.read.Add(1)
	}
	return v.unclear.ReadRecords(ctx, member)
}

// Points calls fail, and leave doubts. When records answer, the next call is one that
// tells whether points calls work again: not the reading of one doubt after the other,
// while what has never been sent waits behind them all.
func TestTrialOfAGateIsAPointsCall(t *testing.T) {
	t.Parallel()
	b := newBench(t, sim.Config{Zhimai: sim.ZhimaiConfig{Dedup: sim.Dedup{Mode: sim.DedupOff}, Records: sim.RecordsConfig{EchoReason: true}}})
	b.longKnown()
	a := b.verifying()
	down, read, applied := &atomic.Bool{}, &atomic.Int32{}, &atomic.Bool{}
	const rows = 20 // as many as close the gate
	doubtful := map[string]bool{}
	member := func(i int) string { return fmt.Sprintf("38393309145595%04d", 1000+i) }
	for i := range rows {
		doubtful[member(i)] = true
	}
	a.Vendor = readCounted{unclear{a.Vendor.(*zhimai.Client), down}, doubtful, read, applied}
	down.Store(true)
	b.accept(rows, func(i int, op *ledger.Operation) { op.MemberID = member(i) })
	d, _ := b.start(a)
	testkit.Eventually(t, time.Minute, "the gate to close, and nothing but doubts", func() bool {
		return d.Status().Gate.Reason == dispatch.GateFailing && b.count(`SELECT count(*) FROM outbox WHERE in_doubt`) == rows
	})
	// Every other probe takes the newest row. One more fails, so that the next takes the
	// oldest: all doubts are due, and to be read.
	b.accept(1, nil)
	testkit.Eventually(t, time.Minute, "a probe to fail", func() bool {
		d.Wake()
		return b.count(`SELECT COALESCE(max(closings), 0) FROM gates`) == 2
	})
	if _, err := b.pool.Exec(t.Context(), `UPDATE outbox SET next_attempt_at = now(), lack = 'records_do_not_reach_back'`); err != nil {
		t.Fatal(err)
	}
	b.accept(3, nil)
	down.Store(false)
	d.Wake()
	testkit.Eventually(t, time.Minute, "the gate to open", func() bool { return d.Status().Gate.Open })
	if n := read.Load(); n > 3 {
		t.Errorf("%d doubts were read before a points call was made", n)
	}
}
