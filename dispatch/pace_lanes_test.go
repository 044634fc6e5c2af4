package dispatch_test

import (
	"testing"
	"time"

	"pointsledger/dispatch"
	"pointsledger/internal/testkit"
	"pointsledger/ledger"
	"pointsledger/vendorapi/sim"
)

// While a backlog of the bulk lane drains at the account's rate, a live event has
// one of the next places, and the bulk lane keeps its share of them.
func TestLiveEventsDoNotWaitBehindBulk(t *testing.T) {
	t.Parallel()
	b := newBench(t, sim.Config{})
	if err := b.store.MarkAccountConfirmed(t.Context(), "zhimai"); err != nil {
		t.Fatal(err)
	}
	const backlog, rate = 200, 20
	b.accept(backlog, func(_ int, op *ledger.Operation) { op.Bulk = true })
	a := b.account()
	a.Rates, a.FreshShare = map[string]float64{"points_add": rate}, 0.5
	d, _ := b.start(a)
	second, _ := b.start(a)
	handover := dispatch.NewHandover(b.store, []*dispatch.Dispatcher{d})
	posted := func() int { return b.count(`SELECT count(*) FROM postings`) }
	testkit.Eventually(t, 30*time.Second, "the backlog to drain", func() bool { return posted() > 5 })
	var waited []int
	for range 10 {
		before := posted()
		events := b.orders(1, nil)
		if _, err := handover.Record(t.Context(), events); err != nil {
			t.Fatal(err)
		}
		second.Wake()
		testkit.Eventually(t, 30*time.Second, "the live event's points", func() bool {
			return b.count(`SELECT count(*) FROM postings p JOIN operations o ON o.id = p.operation_id WHERE o.business_key = $1`, events[0].Event.ID) == 1
		})
		waited = append(waited, posted()-before)
	}
	// Its own, those that each of two workers had a place for when it came, one that
	// was drawn for the bulk lane, and what was posted until this test looked.
	late := 0
	for _, calls := range waited {
		if calls > 12 {
			late++
		}
	}
	if late > 2 {
		t.Errorf("live events went out after so many calls, their own included: %v", waited)
	}
	if b.open() == 0 {
		t.Error("the backlog had drained: nothing was shown")
	}
	testkit.Eventually(t, time.Minute, "all operations to end", func() bool { return b.open() == 0 })
	b.agree(backlog + 10)
}

// No lane starves: with more live rows than places, bulk has one place of four.
func TestBulkIsNotStarved(t *testing.T) {
	t.Parallel()
	b := newBench(t, sim.Config{})
	if err := b.store.MarkAccountConfirmed(t.Context(), "zhimai"); err != nil {
		t.Fatal(err)
	}
	b.accept(300, nil)
	b.accept(40, func(_ int, op *ledger.Operation) { op.Bulk = true })
	a := b.account()
	a.Rates = map[string]float64{"points_add": 100}
	b.start(a)
	bulk := func() int {
		return b.count(`SELECT count(*) FROM postings p JOIN operations o ON o.id = p.operation_id WHERE substr(o.business_key, 4)::int > 300`)
	}
	testkit.Eventually(t, time.Minute, "the bulk rows to be posted", func() bool { return bulk() == 40 })
	if n := b.count(`SELECT count(*) FROM postings`); n > 220 {
		t.Errorf("40 bulk rows had gone out after %d calls, want some 160", n)
	}
	testkit.Eventually(t, time.Minute, "all operations to end", func() bool { return b.open() == 0 })
	b.agree(340)
}
