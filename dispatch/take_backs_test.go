package dispatch_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"pointsledger/dispatch"
	"pointsledger/internal/testkit"
	"pointsledger/ledger"
	"pointsledger/vendorapi"
	"pointsledger/vendorapi/sim"
	"pointsledger/vendorapi/zhimai"
)

// deducting is a vendor that takes points back, too; some of its answers are lost.
type deducting struct {
	*zhimai.Client
	mu   *sync.Mutex
	took map[[2]ledger.BizID]int
	lose bool
}

func (v deducting) Send(ctx context.Context, call *ledger.VendorCall) vendorapi.Reply {
	if call.Kind != ledger.PointsDeduct {
		return v.Client.Send(ctx, call)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	key := [2]ledger.BizID{call.BizID, call.Origin}
	if v.took[key]++; v.lose && v.took[key] == 1 {
		return vendorapi.Reply{Outcome: vendorapi.Unknown, HTTPStatus: 500}
	}
	return vendorapi.Reply{Outcome: vendorapi.Applied}
}

// refund takes back the points of the bench's first order.
func (b *bench) refund() {
	b.t.Helper()
	now := time.Now()
	entry := ledger.Entry{Message: ledger.Message{Stream: "POINTS", StreamCreated: now, Seq: 9000, Subject: "points.events.order.cancelled", BrokerTime: now},
		Event: &ledger.Event{Source: "shop", ID: "c1", Type: "order.cancelled", Time: now, Content: `{"orderId":"SO-1"}`,
			FactKey: ledger.NewFactKey("shop", "order.cancelled", "SO-1"), Refers: &ledger.Referral{Origin: "order.paid SO-1",
				Origins: []ledger.FactKey{ledger.NewFactKey("shop", "order.paid", "SO-1")}, BusinessKey: "SO-1", BusinessDate: "2026-11-20", MappingVersion: "test"}}}
	if _, err := b.store.Record(b.t.Context(), []ledger.Entry{entry}); err != nil {
		b.t.Fatal(err)
	}
}

// A cancellation whose grant was sent goes to the vendor, or where that has no call for
// it to a person. A lost answer is repeated where keys are honoured and never judged
// by records, which tell of grants alone.
func TestTakeBackGoesTheWayThatTheVendorOffers(t *testing.T) {
	t.Parallel()
	grants, both := []ledger.Kind{ledger.PointsAdd}, []ledger.Kind{ledger.PointsAdd, ledger.PointsDeduct}
	for name, c := range map[string]struct {
		calls          []ledger.Kind
		lose, honoured bool
		want           string
		took           int
	}{
		"no call":                        {grants, false, true, "parked no_vendor_call", 0},
		"a call":                         {both, false, true, "posted answered", 1},
		"an answer lost, keys honoured":  {both, true, true, "posted answered", 2},
		"an answer lost, keys forgotten": {both, true, false, "parked in doubt no_control", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, sim.Config{Zhimai: sim.ZhimaiConfig{Records: sim.RecordsConfig{EchoReason: true}}})
			b.longKnown()
			a := b.verifying()
			a.Calls, a.KeysHonoured = c.calls, c.honoured
			vendor := deducting{a.Vendor.(*zhimai.Client), &sync.Mutex{}, map[[2]ledger.BizID]int{}, c.lose}
			a.Vendor = vendor
			b.accept(1, nil)
			var d *dispatch.Dispatcher
			d, _ = b.start(a)
			testkit.Eventually(t, 30*time.Second, "the grant", func() bool { return b.open() == 0 })
			b.refund()
			state := func() (text string) {
				err := b.pool.QueryRow(t.Context(), `SELECT state || ' ' || COALESCE(evidence, cause, '') FROM operation_status WHERE kind = 'points_deduct'`).Scan(&text)
				if err != nil {
					t.Fatal(err)
				}
				return text
			}
			testkit.Eventually(t, 30*time.Second, "the take-back to end: "+c.want, func() bool { d.Wake(); return state() == c.want })
			vendor.mu.Lock()
			defer vendor.mu.Unlock()
			calls := 0
			for key, n := range vendor.took {
				calls += n
				var origin ledger.BizID
				if err := b.pool.QueryRow(t.Context(), `SELECT biz_id FROM operations WHERE kind = 'points_add'`).Scan(&origin); err != nil || key[1] != origin {
					t.Errorf("it takes back %s, want %s (%v)", key[1], origin, err)
				}
			}
			if calls != c.took {
				t.Errorf("%d calls, want %d", calls, c.took)
			}
		})
	}
}

// What takes back and was put back, as after a rebuild, becomes work for a person where
// the account has no call, and keeps its doubt; nothing is sent.
func TestTakeBackWithoutACallIsLeftToAPerson(t *testing.T) {
	t.Parallel()
	for _, honoured := range []bool{false, true} {
		b := newBench(t, sim.Config{Zhimai: sim.ZhimaiConfig{Records: sim.RecordsConfig{EchoReason: true}}})
		b.longKnown()
		a := b.verifying()
		a.Calls, a.KeysHonoured = []ledger.Kind{ledger.PointsAdd}, honoured
		vendor := deducting{a.Vendor.(*zhimai.Client), &sync.Mutex{}, map[[2]ledger.BizID]int{}, false}
		a.Vendor = vendor
		b.accept(1, nil)
		d, _ := b.start(a)
		testkit.Eventually(t, 30*time.Second, "the grant", func() bool { return b.open() == 0 })
		b.refund()
		parked := func(inDoubt bool) func() bool {
			return func() (is bool) {
				d.Wake()
				err := b.pool.QueryRow(t.Context(), `SELECT state = 'parked' AND cause = 'no_vendor_call' AND in_doubt = $1 FROM outbox`, inDoubt).Scan(&is)
				if err != nil {
					t.Fatal(err)
				}
				return is
			}
		}
		testkit.Eventually(t, 30*time.Second, "the work item", parked(false))
		if _, err := b.pool.Exec(t.Context(), `UPDATE outbox SET state = 'pending', cause = 'rebuilt', in_doubt = true, first_sent_at = now(), next_attempt_at = now()`); err != nil {
			t.Fatal(err)
		}
		testkit.Eventually(t, 30*time.Second, "the work item again, in doubt", parked(true))
		vendor.mu.Lock()
		if len(vendor.took) > 0 {
			t.Errorf("keys honoured %v: sent %v", honoured, vendor.took)
		}
		vendor.mu.Unlock()
	}
}
