package dispatch_test

import (
	"fmt"
	"testing"
	"time"

	"pointsledger/dispatch"
	"pointsledger/internal/testkit"
	"pointsledger/ledger"
	"pointsledger/ledger/knowledge"
	"pointsledger/vendorapi/sim"
)

// A vendor that forgets keys stops showing reasons, amid doubts: of its new
// records, or of all that it has; or its records stand still, as they do when they
// are read from a copy that is no longer fed. Until sampling has withdrawn what was
// known, the control holds by itself: it wants a reference that was called later,
// and there is none. Nothing is applied twice, whatever was sampled a moment before.
func TestVendorStopsShowingReasonsAmidDoubts(t *testing.T) {
	t.Parallel()
	habits := map[string]func() sim.RecordsConfig{
		"of new records": func() sim.RecordsConfig { return sim.RecordsConfig{EchoPerRecord: true} },
		"of all records": func() sim.RecordsConfig { return sim.RecordsConfig{} },
		"records stand still": func() sim.RecordsConfig {
			return sim.RecordsConfig{EchoReason: true, StaleSince: time.Now()}
		},
	}
	for name, stops := range habits {
		for _, called := range []string{"before", "after"} {
			t.Run(name+", called "+called, func(t *testing.T) {
				t.Parallel()
				stopsShowingReasons(t, stops, called == "before")
			})
		}
	}
}

func stopsShowingReasons(t *testing.T, stops func() sim.RecordsConfig, calledBefore bool) {
	const calls, regularsAmid = 120, 20
	hides := stops()
	shows := sim.RecordsConfig{EchoReason: true, EchoPerRecord: hides.EchoPerRecord}
	b := newBench(t, sim.Config{Zhimai: sim.ZhimaiConfig{Dedup: sim.Dedup{Mode: sim.DedupOff}, Records: shows}})
	b.longKnown()
	a := b.verifying()
	a.Sampling = dispatch.SampleEvery(300 * time.Millisecond)
	a.Schedule = dispatch.Schedule{20 * time.Millisecond, 100 * time.Millisecond, 500 * time.Millisecond}
	a.GiveUpAfter = 4 * time.Second
	d, _ := b.start(a)
	b.trade(d, a, "references to be shown by samples", func(k knowledge.EndpointKnowledge) bool {
		return k.Ended >= 3 && k.ZoneKnown &&
			b.count(`SELECT count(*) FROM postings WHERE posted_at < now() - interval '5 seconds'`) > regularsAmid
	})
	set := func(records sim.RecordsConfig, lost float64) {
		t.Helper()
		faults := sim.Faults{MaxPerKey: 1, Rates: map[sim.FaultKind]float64{"apply_then_drop": lost}}
		if err := b.sim.SetFaults(sim.Zhimai, faults); err != nil {
			t.Fatal(err)
		}
		if err := b.sim.SetRecords(records); err != nil {
			t.Fatal(err)
		}
	}
	if calledBefore {
		set(shows, 0.5)
	} else {
		hides = stops()
		set(hides, 0.5)
	}
	before := b.count(`SELECT count(*) FROM operations`)
	b.accept(calls, func(i int, op *ledger.Operation) {
		// Members whose records begin before, so that the list reaches back.
		op.MemberID = fmt.Sprintf("38393309145595%04d", 1+i%regularsAmid)
	})
	d.Wake()
	testkit.Eventually(t, 30*time.Second, "all calls to be made, half of them without an answer", func() bool {
		return b.count(`SELECT count(*) FROM operations o WHERE id > $1 AND (EXISTS (SELECT FROM postings WHERE operation_id = o.id)
			OR EXISTS (SELECT FROM attempts WHERE operation_id = o.id AND outcome = 'unknown'))`, before) >= calls
	})
	if calledBefore {
		hides = stops()
	}
	set(hides, 0)
	b.trade(d, a, "the doubts to end, and references to be withdrawn where records show none", func(k knowledge.EndpointKnowledge) bool {
		return (hides.EchoReason || k.References == knowledge.ReferencesHidden) &&
			b.count(`SELECT count(*) FROM outbox WHERE in_doubt AND state <> 'parked'`) == 0
	})
	testkit.Eventually(t, time.Minute, "the rest to end", func() bool { return b.open() == 0 })
	for _, e := range b.sim.Book() {
		if e.Applied > 1 {
			t.Errorf("%s was applied %d times", e.Key, e.Applied)
		}
	}
}
