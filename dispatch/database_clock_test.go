package dispatch_test

import (
	"testing"
	"time"

	"pointsledger/internal/testkit"
	"pointsledger/vendorapi/sim"
)

// The database's clock is set forward by a minute while two workers send: that
// is, all its times lie a minute further back. Nobody is taken for dead who is
// alive, so nothing is applied twice, also where the vendor forgets keys.
func TestDatabaseClockJumps(t *testing.T) {
	t.Parallel()
	const rows = 120
	b := newBench(t, sim.Config{Latency: 100 * time.Millisecond, Zhimai: sim.ZhimaiConfig{Dedup: sim.Dedup{Mode: sim.DedupOff}, Records: sim.RecordsConfig{EchoReason: true}}})
	if err := b.store.MarkAccountConfirmed(t.Context(), "zhimai"); err != nil {
		t.Fatal(err)
	}
	b.longKnown()
	b.accept(rows, nil)
	a := b.verifying()
	a.Lease, a.Concurrency = 8*time.Second, 1
	b.start(a)
	testkit.Eventually(t, 30*time.Second, "the first worker to hold rows and send", func() bool {
		return b.count(`SELECT count(*) FROM outbox WHERE state = 'sending'`) > rows/2 && b.count(`SELECT count(*) FROM postings`) > 3
	})
	a.Concurrency = 16
	b.start(a)
	if _, err := b.pool.Exec(t.Context(), `UPDATE outbox SET lease_until = lease_until - interval '60 s' WHERE state = 'sending'`); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, 2*time.Minute, "all to end", func() bool { return b.open() == 0 })
	t.Logf("%d posted, %d wait", b.count(`SELECT count(*) FROM postings`), b.open())
	for _, e := range b.sim.Book() {
		if e.Applied > 1 {
			t.Errorf("%s was applied %d times", e.Key, e.Applied)
		}
	}
	if n := b.count(`SELECT count(*) FROM attempts WHERE outcome = 'lease_expired'`); n == 0 {
		t.Error("no lease ended: the step did not bite")
	}
}
