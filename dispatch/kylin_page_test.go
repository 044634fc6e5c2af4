package dispatch_test

import (
	"testing"
	"time"

	"pointsledger/dispatch"
	"pointsledger/internal/testkit"
	"pointsledger/ledger"
	"pointsledger/vendorapi"
	"pointsledger/vendorapi/kylin"
	"pointsledger/vendorapi/sim"
)

// kylinAccount is the account of freezes, impatient.
func (b *bench) kylinAccount() dispatch.Account {
	b.t.Helper()
	client, err := kylin.New(kylin.Config{URL: b.url, HTTP: vendorapi.HTTPConfig{ConnectTimeout: time.Second, Timeout: time.Second}})
	if err != nil {
		b.t.Fatal(err)
	}
	a := b.account()
	a.Name, a.Vendor, a.KeyMemory = "kylin", client, 24*time.Hour
	return a
}

// freeze makes an operation one of the kylin account.
func freeze(_ int, op *ledger.Operation) {
	op.Account, op.Kind, op.SourceType, op.PointsChannel = "kylin", ledger.FreezePoint, 0, 0
}

// A maintenance page with status 200 is no freeze: the rows stay in doubt, and
// the same keys are sent again once Kylin answers itself. The same holds for a
// freeze that was made and whose answer a gateway replaced.
func TestPageWithStatus200IsNoFreeze(t *testing.T) {
	t.Parallel()
	for _, kind := range []sim.FaultKind{sim.HTMLBefore, sim.HTMLAfter, sim.StatusFalseBefore, sim.CutJSON} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			b := newBench(t, sim.Config{Kylin: sim.KylinConfig{Faults: sim.Faults{Rates: map[sim.FaultKind]float64{kind: 1}, MaxPerKey: -1}}})
			if err := b.store.MarkAccountConfirmed(t.Context(), "kylin"); err != nil {
				t.Fatal(err)
			}
			b.accept(8, freeze)
			b.start(b.kylinAccount())
			testkit.Eventually(t, time.Minute, "every row to have been tried twice", func() bool {
				return b.count(`SELECT count(*) FROM (SELECT operation_id FROM attempts GROUP BY 1 HAVING count(*) >= 2) t`) == 8
			})
			if n := b.count(`SELECT count(*) FROM postings`); n != 0 {
				t.Fatalf("%d freezes were posted on the word of a page", n)
			}
			if n := b.count(`SELECT count(*) FROM outbox WHERE in_doubt`); n != 8 {
				t.Errorf("%d rows are in doubt, want 8", n)
			}
			if err := b.sim.SetFaults(sim.Kylin, sim.Faults{}); err != nil {
				t.Fatal(err)
			}
			testkit.Eventually(t, time.Minute, "all rows to be posted", func() bool { return b.count(`SELECT count(*) FROM postings`) == 8 })
			for _, e := range b.sim.Book() {
				if e.Applied != 1 || e.Mismatched != 0 {
					t.Errorf("%s was applied %d times, %d times with other parameters", e.Key, e.Applied, e.Mismatched)
				}
			}
		})
	}
}
