package dispatch_test

import (
	"testing"
	"time"

	"pointsledger/desk"
	"pointsledger/dispatch"
	"pointsledger/internal/testkit"
	"pointsledger/ledger/knowledge"
	"pointsledger/vendorapi/sim"
)

// sampling is the verifying account with a minute in a fifth of a second.
func (b *bench) sampling() dispatch.Account {
	a := b.verifying()
	a.Sampling = dispatch.SampleEvery(200 * time.Millisecond)
	return a
}

func (b *bench) known(a dispatch.Account) knowledge.EndpointKnowledge {
	b.t.Helper()
	k, err := knowledge.New(b.pool).Knowledge(b.t.Context(), a.Name, a.Endpoint())
	if err != nil {
		b.t.Fatal(err)
	}
	return k
}

// trade lets orders come in, for another member each, until what is known of the
// account is as wanted.
func (b *bench) trade(d *dispatch.Dispatcher, a dispatch.Account, what string, wanted func(knowledge.EndpointKnowledge) bool) {
	b.t.Helper()
	testkit.Eventually(b.t, time.Minute, what, func() bool {
		b.accept(1, nil)
		d.Wake()
		return wanted(b.known(a))
	})
}

func shown(k knowledge.EndpointKnowledge) bool  { return k.References == knowledge.ReferencesShown }
func hidden(k knowledge.EndpointKnowledge) bool { return k.References == knowledge.ReferencesHidden }

func echoing(records sim.RecordsConfig) sim.Config {
	records.EchoReason = true
	return sim.Config{Zhimai: sim.ZhimaiConfig{Records: records}}
}

// What a vendor's records show is learned from postings that it confirmed, in
// whatever zone it writes the times of records.
func TestSamplerLearns(t *testing.T) {
	t.Parallel()
	for zone, minutes := range map[string]int{"+08:00": 0, "Z": 480, "+09:00": -60, "+05:45": 135} {
		t.Run(zone, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, echoing(sim.RecordsConfig{Zone: zone}))
			a := b.sampling()
			d, _ := b.start(a)
			if k := b.known(a); k.References != knowledge.ReferencesUnknown || k.ZoneKnown || k.MaxLag != 0 {
				t.Errorf("before anything was posted: %+v", k)
			}
			b.trade(d, a, "the zone to be known", func(k knowledge.EndpointKnowledge) bool { return k.ZoneKnown })
			k := b.known(a)
			if !shown(k) || k.ZoneOffset != time.Duration(minutes)*time.Minute {
				t.Errorf("known: %+v", k)
			}
			if len(k.Samples) < 3 || len(k.Extents) == 0 || k.LastSentAt.IsZero() || k.MaxLag <= 0 || k.MaxLag > 30*time.Second {
				t.Errorf("known: %+v", k)
			}
			for _, s := range k.Samples {
				if s.SentAt.Before(k.FirstUsedAt) || !s.BeganAt.After(s.SentAt) || s.ReadAt.Before(s.BeganAt) || s.ReadAt.After(k.Now) {
					t.Errorf("sample %+v, in use since %v", s, k.FirstUsedAt)
				}
			}
			if k.ShownSince.Before(k.FirstUsedAt) || k.ShownSince.After(k.Now) {
				t.Errorf("shown since %v", k.ShownSince)
			}
		})
	}
}

// A vendor that begins to write another zone is not judged by the old one.
func TestSamplerUnlearnsTheZone(t *testing.T) {
	t.Parallel()
	b := newBench(t, echoing(sim.RecordsConfig{}))
	a := b.sampling()
	d, _ := b.start(a)
	b.trade(d, a, "China's time to be known", func(k knowledge.EndpointKnowledge) bool { return k.ZoneKnown && k.ZoneOffset == 0 })
	if err := b.sim.SetRecords(sim.RecordsConfig{EchoReason: true, Zone: "Z"}); err != nil {
		t.Fatal(err)
	}
	var unknown bool
	b.trade(d, a, "UTC to be known", func(k knowledge.EndpointKnowledge) bool {
		unknown = unknown || !k.ZoneKnown
		return k.ZoneKnown && k.ZoneOffset == 8*time.Hour
	})
	if !unknown {
		t.Error("the zone was never unknown: the first record in UTC must end what was known")
	}
}

// A vendor that never shows reasons is known for it, and one that stops is, soon:
// three postings of different members, not waiting for the next minute.
func TestSamplerWithdrawsAndBringsBack(t *testing.T) {
	t.Parallel()
	b := newBench(t, echoing(sim.RecordsConfig{}))
	a := b.sampling()
	d, _ := b.start(a)
	b.trade(d, a, "references to be shown", shown)
	first := b.known(a).ShownSince
	if err := b.sim.SetRecords(sim.RecordsConfig{EchoPerRecord: true}); err != nil {
		t.Fatal(err)
	}
	b.trade(d, a, "references to be hidden", hidden)
	if n := b.count(`SELECT count(DISTINCT member_id) FROM endpoint_samples WHERE state = 'failed'`); n < 3 {
		t.Errorf("withdrawn by the failures of %d members", n)
	}
	if k := b.known(a); !k.ShownSince.IsZero() {
		t.Errorf("hidden, and shown since %v", k.ShownSince)
	}
	if err := b.sim.SetRecords(sim.RecordsConfig{EchoReason: true, EchoPerRecord: true}); err != nil {
		t.Fatal(err)
	}
	b.trade(d, a, "references to be shown again", shown)
	if k := b.known(a); !k.ShownSince.After(first) {
		t.Errorf("shown since %v again, the first time since %v: what came between need not show", k.ShownSince, first)
	}
	if n := b.count(`SELECT count(*) FROM endpoint_samples WHERE state = 'shown' AND confirmed_at >= (SELECT shown_since FROM endpoints)`); n < 5 {
		t.Errorf("brought back by %d good samples", n)
	}
}

// A vendor that never shows reasons is known for it.
func TestSamplerKnowsAVendorWithoutReasons(t *testing.T) {
	t.Parallel()
	b := newBench(t, sim.Config{})
	a := b.sampling()
	d, _ := b.start(a)
	b.trade(d, a, "references to be hidden", hidden)
	if k := b.known(a); len(k.Samples) > 0 || k.ZoneKnown {
		t.Errorf("known: %+v", k)
	}
}

// A lag is measured, and neither a late record nor a record of equal points that
// came earlier is taken for a reason that is hidden.
func TestSamplerMeasuresTheLag(t *testing.T) {
	t.Parallel()
	const lag = 400 * time.Millisecond // two minutes of the sampler's
	b := newBench(t, echoing(sim.RecordsConfig{Lag: lag}))
	a := b.sampling()
	d, _ := b.start(a)
	b.trade(d, a, "five samples", func(k knowledge.EndpointKnowledge) bool { return k.Ended >= 5 })
	k := b.known(a)
	if !shown(k) || k.MaxLag < lag || b.count(`SELECT count(*) FROM endpoint_samples WHERE state = 'failed'`) > 0 {
		t.Errorf("known: %+v", k)
	}
}

// One worker samples for all, by a lease; when it is gone, another does. The one
// that does not sample tells of its postings.
func TestSamplerLease(t *testing.T) {
	t.Parallel()
	b := newBench(t, echoing(sim.RecordsConfig{}))
	a := b.sampling()
	d1, stop := b.start(a)
	b.trade(d1, a, "references to be shown", shown)
	holder := func() int { return b.count(`SELECT COALESCE(max(lease_token % 1000000007), 0) FROM endpoints`) }
	first := holder()
	d2, _ := b.start(a)
	b.trade(d2, a, "three more samples", func(k knowledge.EndpointKnowledge) bool { return k.Ended >= 4 })
	if now := holder(); now != first {
		t.Errorf("the lease went to another worker while the first one runs")
	}
	if n := b.count(`SELECT count(*) FROM endpoints`); n != 1 {
		t.Errorf("%d endpoints for one account", n)
	}
	stop() // gives the lease back
	ended := b.known(a).Ended
	b.trade(d2, a, "the other worker to sample", func(k knowledge.EndpointKnowledge) bool { return k.Ended > ended && holder() != first })
	// A killed worker gives nothing back: its lease ends by itself.
	if _, err := b.pool.Exec(t.Context(), `UPDATE endpoints SET lease_token = 1, lease_until = now() + interval '1 second'`); err != nil {
		t.Fatal(err)
	}
	ended = b.known(a).Ended
	b.trade(d2, a, "the lease to end", func(k knowledge.EndpointKnowledge) bool { return k.Ended > ended && holder() != 1 })
}

// What was learned at one endpoint says nothing of another: the account's URL was
// the simulator's, and is the vendor's now.
func TestSamplerStartsAnewAtAnotherEndpoint(t *testing.T) {
	t.Parallel()
	b := newBench(t, echoing(sim.RecordsConfig{}))
	a := b.sampling()
	d, stop := b.start(a)
	b.trade(d, a, "references to be shown", shown)
	stop()
	other, err := sim.New(sim.Config{})
	if err != nil {
		t.Fatal(err)
	}
	url, end, err := other.Start("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = end() })
	before := b.url
	b.url = url
	a = b.sampling()
	d, _ = b.start(a)
	b.trade(d, a, "the other endpoint to be known", func(k knowledge.EndpointKnowledge) bool {
		if shown(k) || len(k.Samples) > 0 {
			t.Fatalf("the simulator's habits are taken for the vendor's: %+v", k)
		}
		return hidden(k)
	})
	b.url = before
	if k := b.known(b.sampling()); !shown(k) {
		t.Errorf("what is known of the first endpoint is gone: %+v", k)
	}
	if n := b.count(`SELECT count(*) FROM endpoint_samples s JOIN endpoints e USING (target, endpoint) WHERE s.sent_at < e.first_used_at`); n > 0 {
		t.Errorf("%d samples were called before their endpoint was in use", n)
	}
}

// A person has what is known forgotten while a worker runs: it begins anew, and
// nothing that was heard before counts.
func TestSamplerForgets(t *testing.T) {
	t.Parallel()
	b := newBench(t, echoing(sim.RecordsConfig{}))
	a := b.sampling()
	d, _ := b.start(a)
	b.trade(d, a, "references to be shown", shown)
	before := b.known(a)
	testkit.Eventually(t, time.Minute, "all to be posted", func() bool { return b.open() == 0 })
	n, err := desk.New(b.pool, b.store).ForgetKnowledge(t.Context(), desk.Decision{Actor: "lin", Reason: "another vendor at the same address"}, a.Name)
	if err != nil || n != 1 {
		t.Fatalf("forgotten: %d %v", n, err)
	}
	testkit.Eventually(t, time.Minute, "the worker to begin anew", func() bool { return b.known(a).FirstUsedAt.After(before.FirstUsedAt) })
	// The worker tells again what it heard last; it is older than the new row.
	until := func() (at time.Time) {
		if err := b.pool.QueryRow(t.Context(), `SELECT lease_until FROM endpoints`).Scan(&at); err != nil {
			t.Fatal(err)
		}
		return at
	}
	for range 3 {
		last := until()
		testkit.Eventually(t, time.Minute, "the worker to tell again", func() bool { return until().After(last) })
	}
	if k := b.known(a); k.References != knowledge.ReferencesUnknown || k.Ended > 0 || !k.LastSentAt.IsZero() {
		t.Errorf("after forgetting: %+v", k)
	}
	b.trade(d, a, "references to be shown again", shown)
	if k := b.known(a); k.ShownSince.Before(k.FirstUsedAt) {
		t.Errorf("known again by what was posted before: %+v", k)
	}
	if n := b.count(`SELECT count(*) FROM ops_actions WHERE action = $1 AND actor = 'lin'`, desk.ActForget); n != 1 {
		t.Errorf("%d acts are kept", n)
	}
	if n, err := desk.New(b.pool, b.store).ForgetKnowledge(t.Context(), desk.Decision{Actor: "lin", Reason: "x"}, "nobody"); n != 0 || err != nil {
		t.Errorf("nothing to forget: %d %v", n, err)
	}
	if _, err := desk.New(b.pool, b.store).ForgetKnowledge(t.Context(), desk.Decision{Actor: "lin"}, a.Name); err == nil {
		t.Error("an act without a reason was kept")
	}
}

// A repeat that is answered "already applied" shows that the endpoint honours
// keys; a first call that is answered so shows nothing.
func TestSamplerHearsThatKeysAreHonoured(t *testing.T) {
	t.Parallel()
	b := newBench(t, sim.Config{Zhimai: sim.ZhimaiConfig{Dedup: sim.Dedup{Mode: sim.DedupCode},
		Faults: sim.Faults{MaxPerKey: 1, Rates: map[sim.FaultKind]float64{"apply_then_drop": 1}}}})
	a := b.account() // sends again without looking
	a.Sampling = dispatch.SampleEvery(200 * time.Millisecond)
	b.accept(1, nil)
	b.start(a)
	testkit.Eventually(t, time.Minute, "keys to be seen honoured", func() bool { return !b.known(a).KeysSeenAt.IsZero() })
}

// A posting whose records could not be read for long is shown when they can, and
// does not make the vendor look slow.
func TestSamplerReadLateIsNoLag(t *testing.T) {
	t.Parallel()
	b := newBench(t, echoing(sim.RecordsConfig{}))
	a := b.sampling()
	d, _ := b.start(a)
	b.trade(d, a, "three samples", func(k knowledge.EndpointKnowledge) bool { return k.Ended >= 3 })
	testkit.Eventually(t, time.Minute, "nothing to wait", func() bool {
		return b.open() == 0 && b.count(`SELECT count(*) FROM endpoint_samples WHERE due_at IS NOT NULL`) == 0
	})
	usual := b.known(a).MaxLag
	// A sample that waits while nobody may read: its confirmation is an hour old.
	if _, err := b.pool.Exec(t.Context(), `
		INSERT INTO endpoint_samples (target, endpoint, operation_id, member_id, sent_at, confirmed_at, due_at)
		SELECT e.target, e.endpoint, o.id, o.member_id, now() - interval '10 minutes', now() - interval '10 minutes', now()
		  FROM endpoints e, operations o
		 WHERE NOT EXISTS (SELECT FROM endpoint_samples s WHERE s.operation_id = o.id) ORDER BY o.id LIMIT 1`); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, time.Minute, "the sample to be read", func() bool {
		return b.count(`SELECT count(*) FROM endpoint_samples WHERE read_late AND state = 'shown'`) == 1
	})
	if k := b.known(a); k.MaxLag > usual+time.Minute {
		t.Errorf("the lag was %v, and is %v by a sample that was read late", usual, k.MaxLag)
	}
}
