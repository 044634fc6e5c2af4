package dispatch_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"

	"pointsledger/dispatch"
	"pointsledger/internal/testkit"
	"pointsledger/ledger"
	"pointsledger/vendorapi"
	"pointsledger/vendorapi/sim"
)

// watchedVendor says which configuration has calls in flight.
type watchedVendor struct {
	vendorapi.Sender
	name     string
	inFlight *sync.Map // name → *atomic.Int64
	overlaps *atomic.Int64
	hold     chan struct{}
	calls    atomic.Int64
}

func (v *watchedVendor) Send(ctx context.Context, c *ledger.VendorCall) vendorapi.Reply {
	mine, _ := v.inFlight.LoadOrStore(v.name, new(atomic.Int64))
	mine.(*atomic.Int64).Add(1)
	defer mine.(*atomic.Int64).Add(-1)
	v.inFlight.Range(func(name, n any) bool {
		if name != v.name && n.(*atomic.Int64).Load() > 0 {
			v.overlaps.Add(1)
		}
		return true
	})
	v.calls.Add(1)
	if v.hold != nil {
		<-v.hold
	}
	return v.Sender.Send(ctx, c)
}

// An account that is changed while events pour in is served by its old
// configuration until the calls in flight have ended, then by the new one, never
// by both; nothing waits for a lease to end, and nothing is in doubt.
func TestSlotReplaces(t *testing.T) {
	t.Parallel()
	b := newBench(t, sim.Config{})
	if err := b.store.MarkAccountConfirmed(t.Context(), "zhimai"); err != nil {
		t.Fatal(err)
	}
	var inFlight sync.Map
	var overlaps atomic.Int64
	dispatcher := func(name string, hold chan struct{}) (*dispatch.Dispatcher, *watchedVendor) {
		a := b.account()
		v := &watchedVendor{Sender: a.Vendor, name: name, inFlight: &inFlight, overlaps: &overlaps, hold: hold}
		a.Vendor = v
		d, err := dispatch.New(dispatch.NewLedger(b.store, b.pool), a, zap.NewNop(), &counts{})
		if err != nil {
			t.Fatal(err)
		}
		return d, v
	}
	hold := make(chan struct{})
	old, oldVendor := dispatcher("old", hold)
	handover := dispatch.NewHandover(b.store, []*dispatch.Dispatcher{old})
	slot := dispatch.NewSlot(old, handover.Replace)
	accept, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- slot.Run(accept, context.WithoutCancel(accept)) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	pour := func(n int) {
		t.Helper()
		if _, err := handover.Record(t.Context(), b.orders(n, nil)); err != nil {
			t.Fatal(err)
		}
	}
	pour(50)
	testkit.Eventually(t, 30*time.Second, "calls in flight", func() bool { return oldVendor.calls.Load() > 0 })
	between, _ := dispatcher("never runs", nil)
	next, nextVendor := dispatcher("next", nil)
	slot.Replace(between)
	slot.Replace(next)
	for range 20 {
		pour(50)
	}
	if n := nextVendor.calls.Load(); n != 0 {
		t.Errorf("%d calls by the new configuration while the old one has calls in flight", n)
	}
	close(hold)
	testkit.Eventually(t, time.Minute, "all to end", func() bool { return b.open() == 0 })
	if n := overlaps.Load(); n != 0 {
		t.Errorf("%d calls began while the other configuration had calls in flight", n)
	}
	if oldVendor.calls.Load() == 0 || nextVendor.calls.Load() == 0 {
		t.Errorf("calls: %d old, %d new", oldVendor.calls.Load(), nextVendor.calls.Load())
	}
	if n := b.count(`SELECT count(*) FROM attempts`); n != 0 {
		t.Errorf("%d attempts did not post", n)
	}
	b.agree(1050)
}
