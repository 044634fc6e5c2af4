package dispatch_test

import (
	"context"
	"testing"
	"time"

	"pointsledger/dispatch"
	"pointsledger/evidence"
	"pointsledger/internal/testkit"
	"pointsledger/ledger/gates"
	"pointsledger/ledger/knowledge"
	"pointsledger/vendorapi"
	"pointsledger/vendorapi/sim"
	"pointsledger/vendorapi/zhimai"
)

// rarely is the sampling account that takes a sample once an hour, but hurries
// when one is wanted.
func (b *bench) rarely() dispatch.Account {
	a := b.sampling()
	a.Sampling.Every = time.Hour
	return a
}

// A doubt that lacks its control has the newest posting read at once, also when
// another worker samples.
func TestSamplerHearsAWish(t *testing.T) {
	t.Parallel()
	b := newBench(t, echoing(sim.RecordsConfig{}))
	a := b.rarely()
	d1, _ := b.start(a)
	b.trade(d1, a, "the first sample", func(k knowledge.EndpointKnowledge) bool { return k.Ended == 1 })
	d2, _ := b.start(a)
	for range 5 {
		b.accept(1, nil)
		d1.Wake()
	}
	testkit.Eventually(t, time.Minute, "all to be posted", func() bool { return b.open() == 0 })
	if n := b.count(`SELECT count(*) FROM endpoint_samples`); n != 1 {
		t.Fatalf("%d samples within an hour that nobody asked for", n)
	}
	// A doubtful call ended now: what is called from now on is wanted.
	k := b.known(a)
	quiet := k.Now
	b.trade(d2, a, "a sample that was called since", func(k knowledge.EndpointKnowledge) bool {
		d2.WantSample(quiet) // as a doubt does, again and again: an older one may be read again first
		return len(k.Samples) > 0 && k.Samples[0].SentAt.After(quiet)
	})
	// One sample serves all who ask.
	taken := b.count(`SELECT count(*) FROM endpoint_samples`)
	told := b.count(`SELECT max(operation_id) FROM postings`)
	b.trade(d1, a, "many wishes to be heard, with postings newer than they", func(knowledge.EndpointKnowledge) bool {
		for range 50 {
			d1.WantSample(quiet)
			d2.WantSample(quiet.Add(-time.Second))
		}
		return b.count(`SELECT count(*) FROM endpoints WHERE newest_operation_id > $1 + 10 AND wanted_at = $2`, told, quiet) == 1
	})
	if n := b.count(`SELECT count(*) FROM endpoint_samples`); n != taken {
		t.Errorf("%d samples more, although one is there that serves", n-taken)
	}
}

// Where nothing was posted since, the newest sample is read again: the records
// are known to be current until then.
func TestSamplerReadsAgainWhenItIsQuiet(t *testing.T) {
	t.Parallel()
	b := newBench(t, echoing(sim.RecordsConfig{}))
	a := b.rarely()
	d, _ := b.start(a)
	b.trade(d, a, "the first sample", func(k knowledge.EndpointKnowledge) bool { return k.Ended == 1 })
	testkit.Eventually(t, time.Minute, "all to be posted, and told", func() bool {
		return b.open() == 0 && b.count(`SELECT count(*) FROM endpoints e WHERE newest_operation_id = (SELECT max(operation_id) FROM postings)`) == 1
	})
	after := b.known(a).Now
	d.WantSample(after)
	testkit.Eventually(t, time.Minute, "a reading since", func() bool {
		for _, s := range b.known(a).Samples {
			if s.BeganAt.After(after) {
				return true
			}
		}
		return false
	})
	k := b.known(a)
	if k.Ended != 1 || len(k.Samples) != 2 || k.MaxLag > 10*time.Second {
		t.Errorf("read again: %+v", k)
	}
	// It is gone the next time: then it was not shown for good.
	if err := b.sim.SetRecords(sim.RecordsConfig{EmptyRate: 1}); err != nil {
		t.Fatal(err)
	}
	// An empty list of a member who has points says nothing.
	readings := `SELECT COALESCE(sum(reads), 0) FROM endpoint_samples`
	last := b.count(readings)
	for range 3 {
		d.WantSample(b.known(a).Now)
		testkit.Eventually(t, time.Minute, "the wish to be taken", func() bool {
			return b.count(`SELECT count(*) FROM endpoints WHERE wanted_at IS NOT NULL`) == 1
		})
	}
	if k := b.known(a); b.count(readings) != last || k.Missed > 0 || len(k.Samples) != 2 {
		t.Errorf("an empty list taught: %+v", k)
	}
	if err := b.sim.SetRecords(sim.RecordsConfig{}); err != nil {
		t.Fatal(err)
	}
	d.WantSample(b.known(a).Now)
	testkit.Eventually(t, time.Minute, "the sample to be missed", func() bool {
		k := b.known(a)
		return k.Missed == 1 && len(k.Samples) == 0
	})
}

// withoutRecords is a vendor that grants points and answers otherwise to whoever
// reads records.
type withoutRecords struct {
	*zhimai.Client
	reply vendorapi.Reply
}

func (v withoutRecords) ReadRecords(context.Context, string) (evidence.Reading, vendorapi.Reply) {
	return evidence.Reading{}, v.reply
}

// An account that may not read records, or whose records fail, grants points all
// the same: sampling does not close its gate.
func TestSamplerLeavesTheGateAlone(t *testing.T) {
	t.Parallel()
	for name, reply := range map[string]vendorapi.Reply{
		"unauthorised": {Outcome: vendorapi.Unauthorised, Code: "401"},
		"refused":      {Outcome: vendorapi.Refused, Code: "40300"},
		"failing":      {Outcome: vendorapi.Unknown, HTTPStatus: 500},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, sim.Config{})
			a := b.sampling()
			a.Sampling = dispatch.SampleEvery(20 * time.Millisecond)
			a.Vendor = withoutRecords{a.Vendor.(*zhimai.Client), reply}
			read := &readings{}
			d, _ := b.startWatched(a, read)
			b.trade(d, a, "thirty readings in vain", func(knowledge.EndpointKnowledge) bool { return read.unread.Load() >= 30 })
			testkit.Eventually(t, time.Minute, "all to be posted", func() bool { return b.open() == 0 })
			if st := d.Status(); !st.Gate.Open {
				t.Errorf("the gate is closed: %+v", st.Gate)
			}
			if n := b.count(`SELECT count(*) FROM gates WHERE reason IS NOT NULL OR closings > 0`); n > 0 {
				t.Error("the gate was closed")
			}
			if k := b.known(a); k.References != knowledge.ReferencesUnknown || k.Ended > 0 {
				t.Errorf("what could not be read taught: %+v", k)
			}
		})
	}
}

// While the gate is closed nothing is read, and what was due is read afterwards.
func TestSamplerWaitsForTheGate(t *testing.T) {
	t.Parallel()
	b := newBench(t, echoing(sim.RecordsConfig{}))
	a := b.sampling()
	a.Sampling.First = 2 * time.Second // time enough to pause before the first reading
	a.Sampling.Ladder = []time.Duration{3 * time.Second, time.Minute}
	read := &readings{}
	d, _ := b.startWatched(a, read)
	b.trade(d, a, "a sample to be taken", func(knowledge.EndpointKnowledge) bool { return b.count(`SELECT count(*) FROM endpoint_samples`) > 0 })
	if err := gates.New(b.pool).CloseGate(t.Context(), a.Name, string(dispatch.GatePaused), "a person", time.Hour, 1); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, time.Minute, "the worker to hear of it", func() bool { return !d.Status().Gate.Open })
	seen := read.all.Load()
	testkit.Eventually(t, time.Minute, "the reading to be overdue", func() bool {
		return b.count(`SELECT count(*) FROM endpoint_samples WHERE due_at < now() - interval '1 second'`) > 0
	})
	if n := read.all.Load(); n != seen {
		t.Errorf("%d readings while a person had paused the account", n-seen)
	}
	if _, err := b.pool.Exec(t.Context(), `UPDATE gates SET reason = NULL, vendor_says = NULL, closed_at = NULL, probe_at = NULL`); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, time.Minute, "the reading", func() bool { return shown(b.known(a)) })
}
