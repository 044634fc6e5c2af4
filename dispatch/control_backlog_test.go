package dispatch_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"pointsledger/desk"
	"pointsledger/dispatch"
	"pointsledger/internal/testkit"
	"pointsledger/ledger"
	"pointsledger/ledger/gates"
	"pointsledger/ledger/knowledge"
	"pointsledger/vendorapi"
	"pointsledger/vendorapi/sim"
)

// A worker is killed under backlog with 2,000 rows in hand: half of its calls
// were made, and answered to nobody. The vendor shows reasons, and forgets keys.
// Two thirds of the members come for the first time, so the vendor's list of them
// is empty, or holds the one record. Sampling brings the control: at most one row
// in a hundred is left to a person for want of it, nothing is applied twice, and
// nothing is lost. So it is too where records lag.
func TestBacklogOfAKilledWorkerNeedsNobody(t *testing.T) {
	t.Parallel()
	for name, lag := range map[string]time.Duration{
		"records at once": 0,
		// Two minutes of a sampler whose minute is a third of a second.
		"records two minutes late": 2 * backlogMinute,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			killedUnderBacklog(t, lag)
		})
	}
}

const (
	backlogMinute = time.Second / 3
	backlogRows   = 2000
	regulars      = 300
)

func killedUnderBacklog(t *testing.T, lag time.Duration) {
	var ago atomic.Int64
	b := newBench(t, sim.Config{Now: func() time.Time { return time.Now().Add(-time.Duration(ago.Load())) },
		Zhimai: sim.ZhimaiConfig{Dedup: sim.Dedup{Mode: sim.DedupOff}, Records: sim.RecordsConfig{EchoReason: true, Lag: lag}}})
	// The shop's regulars have records of a month ago.
	ago.Store(int64(30 * 24 * time.Hour))
	regular := func(i int) string { return fmt.Sprintf("58393309145595%04d", i%regulars) }
	for i := range regulars {
		for range 1 + i%10 {
			if err := b.sim.InsertRow(regular(i), 7, false, "开业活动"); err != nil {
				t.Fatal(err)
			}
		}
	}
	ago.Store(0)
	a := b.verifying()
	a.VerifyAfter, a.QuietAfter, a.Sampling = lag+500*time.Millisecond, 5*time.Second, dispatch.SampleEvery(backlogMinute)
	a.Schedule, a.Concurrency = dispatch.DefaultSchedule(), 32
	trade := func(d *dispatch.Dispatcher) {
		b.accept(1, func(i int, op *ledger.Operation) { op.MemberID = regular(i) })
		d.Wake()
	}
	d, _ := b.start(a)
	testkit.Eventually(t, time.Minute, "the endpoint to be known", func() bool {
		trade(d)
		k := b.known(a)
		return k.References == knowledge.ReferencesShown && k.ZoneKnown && len(k.Extents) > 0
	})
	killed := b.killWith(t, d, a, regular)
	testkit.Eventually(t, 4*time.Minute, "the doubts to end", func() bool {
		trade(d)
		return b.count(`SELECT count(*) FROM outbox WHERE operation_id = ANY ($1) AND state <> 'parked'`, killed) == 0
	})
	testkit.Eventually(t, time.Minute, "the rest to be posted", func() bool { return b.open() == 0 })
	parked := b.count(`SELECT count(*) FROM outbox WHERE cause = 'no_control'`)
	verified := b.count(`SELECT count(*) FROM postings WHERE evidence = 'verified'`)
	readings := b.count(`SELECT count(*) FROM attempts WHERE operation_id = ANY ($1) AND outcome <> 'lease_expired'`, killed)
	t.Logf("lag %v: %d of %d rows parked with no_control, %d verified, %d readings proved nothing", lag, parked, backlogRows, verified, readings)
	if parked > backlogRows/100 {
		t.Errorf("%d of %d rows are parked with no_control, want 1 %% at most", parked, backlogRows)
	}
	if others := b.count(`SELECT count(*) FROM outbox`) - parked; others > 0 {
		t.Errorf("%d rows are parked for other causes", others)
	}
	if verified < backlogRows*4/10 {
		t.Errorf("%d rows were verified, and half of %d were applied", verified, backlogRows)
	}
	applied := map[string]int{}
	for _, e := range b.sim.Book() {
		applied[e.Key] = e.Applied
		if e.Applied > 1 {
			t.Errorf("%s was applied %d times", e.Key, e.Applied)
		}
	}
	err := desk.New(b.pool, b.store).EachOperation(t.Context(), func(st desk.Status) error {
		if st.State == "posted" && applied[string(st.BizID)] != 1 {
			t.Errorf("%s is posted, and the vendor applied it %d times", st.BusinessKey, applied[string(st.BizID)])
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// killWith claims rows as a worker does, makes half of the calls, and is gone.
func (b *bench) killWith(t *testing.T, d *dispatch.Dispatcher, a dispatch.Account, regular func(int) string) (ids []int64) {
	t.Helper()
	// The running worker must not take them: the account is paused meanwhile, as
	// far as it knows.
	if err := gates.New(b.pool).CloseGate(t.Context(), a.Name, string(dispatch.GatePaused), "a person", time.Hour, 1); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, time.Minute, "the other worker to stand still", func() bool { st := d.Status(); return !st.Gate.Open && st.Held == 0 })
	b.accept(backlogRows, func(i int, op *ledger.Operation) {
		if i%3 == 0 {
			op.MemberID = regular(i)
		}
	})
	claimed, err := b.store.Claim(t.Context(), ledger.Claim{Account: a.Name, Token: 77, Limit: 2 * backlogRows, Lease: 10 * time.Second, KeyMemory: time.Hour})
	if err != nil || len(claimed) < backlogRows {
		t.Fatalf("claimed %d rows: %v", len(claimed), err)
	}
	calls := make(chan *ledger.Claimed)
	failed := make(chan error, len(claimed))
	var senders [16]chan struct{}
	for i := range senders {
		senders[i] = make(chan struct{})
		go func() {
			defer close(senders[i])
			for row := range calls {
				if reply := a.Vendor.Send(t.Context(), &row.VendorCall); reply.Outcome != vendorapi.Applied {
					failed <- fmt.Errorf("operation %d: %v %w", row.ID, reply.Outcome, reply.Err)
				}
			}
		}()
	}
	for i := range claimed {
		ids = append(ids, int64(claimed[i].ID))
		if i%2 == 0 {
			calls <- &claimed[i]
		}
	}
	close(calls)
	for i := range senders {
		<-senders[i]
	}
	close(failed)
	for err := range failed {
		t.Fatal(err)
	}
	if _, err := b.pool.Exec(t.Context(), `UPDATE gates SET reason = NULL, vendor_says = NULL, closed_at = NULL, probe_at = NULL`); err != nil {
		t.Fatal(err)
	}
	return ids
}
