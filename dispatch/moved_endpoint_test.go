package dispatch_test

import (
	"testing"
	"time"

	"pointsledger/dispatch"
	"pointsledger/internal/testkit"
	"pointsledger/ledger"
	"pointsledger/vendorapi/sim"
)

// A row is in doubt of a call to one address; then the account is pointed at
// another, which shows at once what is called there, and not yet what was called at
// the first. What the second shows is no control for a call to the first: nothing
// is applied twice.
func TestDoubtOfAnotherEndpoint(t *testing.T) {
	t.Parallel()
	b := newBench(t, forgetful(sim.RecordsConfig{EchoReason: true}))
	b.longKnown()
	b.accept(1, func(_ int, op *ledger.Operation) { op.MemberID = tillMember })
	a := b.verifying()
	a.VerifyAfter = 2 * time.Second
	_, stop := b.start(a)
	b.doubt(1)
	stop()
	first := b.sim
	other, err := sim.New(forgetful(sim.RecordsConfig{EchoReason: true}))
	if err != nil {
		t.Fatal(err)
	}
	if err := other.SetFaults(sim.Zhimai, sim.Faults{}); err != nil {
		t.Fatal(err)
	}
	if err := other.InsertRow(tillMember, 3, true, "兑换"); err != nil {
		t.Fatal(err)
	}
	url, end, err := other.Start("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = end() })
	b.sim, b.url = other, url
	b.longKnown()
	a = b.impatient()
	a.Sampling = dispatch.SampleEvery(300 * time.Millisecond)
	d, _ := b.start(a)
	b.trade(d, a, "the other endpoint to be known", shown)
	testkit.Eventually(t, time.Minute, "all operations to end", func() bool { return b.open() == 0 })
	applied := map[string]int{}
	for _, s := range []*sim.Simulator{first, other} {
		for _, e := range s.Book() {
			applied[e.Key] += e.Applied
		}
	}
	for key, n := range applied {
		if n > 1 {
			t.Errorf("%s was applied %d times", key, n)
		}
	}
	if n := b.count(`SELECT count(*) FROM outbox WHERE state = 'parked' AND in_doubt AND lack = 'called_at_another_endpoint'`); n != 1 {
		t.Errorf("%d rows wait for a person because of the other address, want 1", n)
	}
}
