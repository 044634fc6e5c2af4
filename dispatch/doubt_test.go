package dispatch_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"pointsledger/dispatch"
	"pointsledger/internal/testkit"
	"pointsledger/ledger"
	"pointsledger/vendorapi"
	"pointsledger/vendorapi/sim"
)

// verifying is the account with verification, impatient.
func (b *bench) verifying() dispatch.Account {
	a := b.account()
	a.Verify, a.VerifyAfter = true, 300*time.Millisecond
	return a
}

// With the vendor's dedup off, verification alone keeps doubles at zero; with
// the reason echoed it also ends every doubt.
func TestVerifyWithoutDedup(t *testing.T) {
	t.Parallel()
	faults := sim.Faults{MaxPerKey: 3, Rates: map[sim.FaultKind]float64{"apply_then_drop": 0.1, "500_after": 0.05, "500_before": 0.05, "cut_json": 0.03, "drop_before": 0.05}}
	for _, shape := range []sim.Shape{sim.ShapeA, sim.ShapeB} {
		for _, echo := range []bool{true, false} {
			t.Run(fmt.Sprintf("shape %s echo %v", shape, echo), func(t *testing.T) {
				t.Parallel()
				b := newBench(t, sim.Config{Seed: 9, Zhimai: sim.ZhimaiConfig{Faults: faults, Dedup: sim.Dedup{Mode: sim.DedupOff},
					Records: sim.RecordsConfig{Shape: shape, EchoReason: echo, RowsBetweenPages: 1, RowsBetweenPagesLimit: 1}}})
				if echo {
					b.longKnown()
				}
				// Three operations of equal points for each member.
				b.accept(240, func(i int, op *ledger.Operation) { op.MemberID = fmt.Sprintf("38393309145595%04d", i/3) })
				a := b.verifying()
				if !echo {
					// However slow the machine, no confirmed operation is old enough to
					// explain another's record away: then only a sample would end the wait.
					a.ClockSkew = time.Hour
				}
				b.start(a)
				b.start(a)
				testkit.Eventually(t, time.Minute, "all operations to end", func() bool { return b.open() == 0 })
				parked := b.count(`SELECT count(*) FROM outbox`)
				if echo && parked > 0 {
					t.Errorf("%d rows are parked, although the reason is echoed", parked)
				}
				if !echo && parked == 0 {
					t.Error("no row is parked, although nothing can be told apart")
				}
				if n := b.count(`SELECT count(*) FROM outbox WHERE NOT in_doubt OR cause <> 'verification_candidates'`); n > 0 {
					t.Errorf("%d rows are parked for another reason than candidates in doubt", n)
				}
				verified := b.count(`SELECT count(*) FROM postings WHERE evidence = 'verified'`)
				if echo == (verified == 0) {
					t.Errorf("%d operations were posted by verification", verified)
				}
				// No double, and what is posted is applied; what is parked in doubt may be.
				for _, e := range b.sim.Book() {
					if e.Applied > 1 || e.Mismatched > 0 {
						t.Errorf("%s was applied %d times", e.Key, e.Applied)
					}
				}
				if echo {
					b.agree(240)
				}
			})
		}
	}
}

// A scan that cannot be read leaves the doubt, and is made again.
func TestVerifyUnreadable(t *testing.T) {
	t.Parallel()
	b := newBench(t, sim.Config{Zhimai: sim.ZhimaiConfig{Dedup: sim.Dedup{Mode: sim.DedupOff}, Records: sim.RecordsConfig{EchoReason: true},
		Faults: sim.Faults{MaxPerKey: 1, Rates: map[sim.FaultKind]float64{"apply_then_drop": 1}}}})
	b.accept(1, nil)
	_, stop := b.start(b.verifying())
	testkit.Eventually(t, 30*time.Second, "the doubt", func() bool { return b.count(`SELECT count(*) FROM outbox WHERE in_doubt`) == 1 })
	if err := b.sim.SetFaults(sim.Zhimai, sim.Faults{}); err != nil {
		t.Fatal(err)
	}
	if err := b.sim.SetOutage(sim.Zhimai, sim.Outage503); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, 30*time.Second, "two unreadable scans", func() bool {
		return b.count(`SELECT count(*) FROM attempts WHERE error LIKE 'verification:%'`) >= 2
	})
	if n := b.count(`SELECT count(*) FROM outbox WHERE in_doubt`); n != 1 {
		t.Fatal("an unreadable scan ended the doubt")
	}
	if err := b.sim.SetOutage(sim.Zhimai, sim.OutageOff); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, 30*time.Second, "the verification", func() bool { return b.open() == 0 })
	stop()
	b.agree(1)
}

// A row in doubt may wait in the queue for many renewals of its lease: the
// vendor's memory of the key is looked at again before the send.
func TestKeyMemoryAtTheSend(t *testing.T) {
	t.Parallel()
	b := newBench(t, sim.Config{Latency: 200 * time.Millisecond})
	if err := b.store.MarkAccountConfirmed(t.Context(), "zhimai"); err != nil {
		t.Fatal(err)
	}
	b.accept(60, nil)
	a := b.account()
	a.Concurrency, a.Lease, a.KeyMemory = 1, 7*time.Second, 12*time.Second
	// All were sent 3 s ago and are in doubt; 60 calls take 12 s.
	if _, err := b.pool.Exec(t.Context(), `UPDATE outbox SET in_doubt = true, first_sent_at = now() - interval '3 seconds'`); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	b.start(a)
	testkit.Eventually(t, time.Minute, "all rows to end", func() bool { return b.open() == 0 })
	for _, e := range b.sim.Book() {
		if late := e.LastAt.Sub(began); late > 9*time.Second {
			t.Errorf("a row in doubt was sent %v after its key may be forgotten", late-9*time.Second)
		}
	}
	posted := b.count(`SELECT count(*) FROM postings`)
	if parked := b.count(`SELECT count(*) FROM outbox WHERE cause = 'key_memory_over'`); parked == 0 || posted == 0 || parked+posted != 60 {
		t.Errorf("posted %d, parked %d of 60: want some of both", posted, parked)
	}
}

// Ten bad members in a row close the gate; good members behind them wait for
// one probe, not for all the bad ones.
func TestBadMembersDoNotBlockGoodOnes(t *testing.T) {
	t.Parallel()
	b := newBench(t, sim.Config{Members: sim.MembersConfig{FrozenSuffix: "77"}})
	if err := b.store.MarkAccountConfirmed(t.Context(), "zhimai"); err != nil {
		t.Fatal(err)
	}
	b.accept(60, func(i int, op *ledger.Operation) { op.MemberID = fmt.Sprintf("%d77", i) })
	b.accept(20, func(i int, op *ledger.Operation) { op.MemberID = fmt.Sprintf("%d11", i) })
	a := b.account()
	a.ProbeEvery = 2 * time.Second
	began := time.Now()
	b.start(a)
	testkit.Eventually(t, time.Minute, "all operations to end", func() bool { return b.open() == 0 })
	b.agree(20)
	if n := b.count(`SELECT count(*) FROM outbox WHERE cause = 'refused'`); n != 60 {
		t.Errorf("%d rows are parked as refused, want 60", n)
	}
	if probes := int(time.Since(began) / a.ProbeEvery); probes > 8 {
		t.Errorf("it took %d probe pauses", probes)
	}
}

// Two workers: what one learns, both heed, and a restart does not forget it.
func TestGateIsSharedByWorkers(t *testing.T) {
	t.Parallel()
	b := newBench(t, sim.Config{})
	if err := b.sim.SetOpenKey("another key"); err != nil {
		t.Fatal(err)
	}
	b.accept(300, nil)
	a := b.account()
	first, stop := b.start(a)
	testkit.Eventually(t, 30*time.Second, "the gate to close for all", func() bool {
		return first.Status().Gate.Reason == dispatch.GateSuspicious &&
			b.count(`SELECT count(*) FROM gates WHERE reason = 'suspicious_refusals'`) == 1 &&
			b.count(`SELECT count(*) FROM outbox WHERE state = 'parked'`) == 9
	})
	parked := b.count(`SELECT count(*) FROM outbox WHERE state = 'parked'`)
	second, _ := b.start(a)
	testkit.Eventually(t, 30*time.Second, "the other worker to close", func() bool { return second.Status().Gate.Reason == dispatch.GateSuspicious })
	stop()
	third, _ := b.start(a)
	refusals := b.sim.Totals(sim.Zhimai).WrongSignature
	testkit.Eventually(t, 30*time.Second, "probes after the restart", func() bool {
		return !third.Status().Gate.Open && b.sim.Totals(sim.Zhimai).WrongSignature >= refusals+2
	})
	if n := b.count(`SELECT count(*) FROM outbox WHERE state = 'parked'`); n != parked || n > 10 {
		t.Errorf("%d rows are parked, %d when the gate closed first", n, parked)
	}
	if err := b.sim.SetOpenKey(sim.DefaultOpenKey); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, time.Minute, "the rest to drain", func() bool { return b.open() == 0 })
	b.agree(300 - parked)
	testkit.Eventually(t, 30*time.Second, "both gates to open", func() bool {
		return second.Status().Gate.Open && third.Status().Gate.Open
	})
}

// A vendor that is down uses up no attempts beyond those that found it out.
func TestBreakerKeepsAttempts(t *testing.T) {
	t.Parallel()
	b := newBench(t, sim.Config{})
	if err := b.store.MarkAccountConfirmed(t.Context(), "zhimai"); err != nil {
		t.Fatal(err)
	}
	if err := b.sim.SetOutage(sim.Zhimai, sim.OutageClose); err != nil {
		t.Fatal(err)
	}
	b.accept(500, nil)
	d, _ := b.start(b.account())
	testkit.Eventually(t, 30*time.Second, "the breaker", func() bool { return d.Status().Gate.Reason == dispatch.GateFailing })
	testkit.Eventually(t, 30*time.Second, "failed probes", func() bool {
		return b.count(`SELECT COALESCE(max(closings), 0) FROM gates WHERE target = 'zhimai'`) >= 3
	})
	if n := b.count(`SELECT COALESCE(sum(attempts), 0) FROM outbox`); n > 60 {
		t.Errorf("%d attempts were used while the vendor was down", n)
	}
	if err := b.sim.SetOutage(sim.Zhimai, sim.OutageOff); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, time.Minute, "all operations to end", func() bool { return b.open() == 0 })
	b.agree(500)
}

// Two workers together keep the account's rate.
func TestRateIsKeptOverWorkers(t *testing.T) {
	t.Parallel()
	b := newBench(t, sim.Config{})
	if err := b.store.MarkAccountConfirmed(t.Context(), "zhimai"); err != nil {
		t.Fatal(err)
	}
	const rate, n = 100, 400
	b.accept(n, nil)
	a := b.account()
	a.RatePerSecond = rate
	began := time.Now()
	b.start(a)
	b.start(a)
	testkit.Eventually(t, time.Minute, "all operations to end", func() bool { return b.open() == 0 })
	took := time.Since(began)
	// Calls over time are a ratio of two counts, not a speed of this machine: it
	// may be slower than the rate, never faster.
	if got := n / took.Seconds(); got > rate*1.1 {
		t.Errorf("%.0f calls a second, the rate is %d", got, rate)
	}
	b.agree(n)
}

// turnsAway answers 401 for one member and passes the rest on.
type turnsAway struct {
	vendorapi.Sender
	member string
}

func (v turnsAway) Send(ctx context.Context, c *ledger.VendorCall) vendorapi.Reply {
	if c.MemberID == v.member {
		return vendorapi.Reply{Outcome: vendorapi.Unauthorised, HTTPStatus: 403}
	}
	return v.Sender.Send(ctx, c)
}

// One row that the gateway always turns away is parked in the end; the others
// are served meanwhile.
func TestRowThatIsAlwaysTurnedAway(t *testing.T) {
	t.Parallel()
	b := newBench(t, sim.Config{Latency: 10 * time.Millisecond})
	b.accept(1, func(_ int, op *ledger.Operation) { op.MemberID = "13" })
	b.accept(100, nil)
	a := b.account()
	a.Vendor = turnsAway{a.Vendor, "13"}
	a.Concurrency, a.ProbeEvery = 1, 100*time.Millisecond
	b.start(a)
	posted := func() int { return b.count(`SELECT count(*) FROM postings`) }
	testkit.Eventually(t, time.Minute, "the others to be posted", func() bool { return posted() == 100 })
	for posted := 100; b.open() > 0; posted++ { // traffic goes on, so that its strikes count
		b.accept(1, nil)
		testkit.Eventually(t, time.Minute, "the next to be posted", func() bool {
			return b.count(`SELECT count(*) FROM postings`) > posted || b.open() == 0
		})
		if posted > 130 {
			t.Fatal("the row is never parked")
		}
	}
	if n := b.count(`SELECT count(*) FROM outbox WHERE state = 'parked' AND cause = 'unauthorised'`); n != 1 {
		t.Errorf("%d rows are parked as turned away, want 1", n)
	}
}
