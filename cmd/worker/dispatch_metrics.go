package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"pointsledger/dispatch"
	"pointsledger/ledger"
	"pointsledger/ledger/knowledge"
	"pointsledger/vendorapi"
)

// accountFamilies are the metrics that every vendor account has.
type accountFamilies struct {
	attempts, settled, leaseLosses, rescues *prometheus.CounterVec
	samples                                 *prometheus.CounterVec
	attemptTime, eventToVendor              *prometheus.HistogramVec
	claimRows, claimTime                    *prometheus.HistogramVec
	settleRows, settleTime                  *prometheus.HistogramVec
}

func newAccountFamilies(f factory) *accountFamilies {
	return &accountFamilies{
		attempts:    f.counters("dispatch_attempts_total", "Points calls to the vendor, by account and outcome.", "account", "outcome"),
		attemptTime: f.histograms("dispatch_attempt_seconds", "Duration of points calls.", workBuckets, "account"),
		eventToVendor: f.histograms("event_to_vendor_seconds",
			"From the broker's storing of an event to the vendor's confirmation being heard, by the broker's and this worker's clocks. It includes backlogs, retries and replays.",
			waitBuckets, "account"),
		settled: f.counters("dispatch_settled_total",
			"Rows settled: posted; pending (to be tried again); parked (waits for a person); posted_before (confirmed again); after_void (the vendor applied what a person had voided); set_aside (a result that the ledger could not write).", "account", "how"),
		claimRows:   f.histograms("dispatch_claim_rows", "Rows leased by one claim; 0 is a look that found none due.", sizeBuckets, "account"),
		claimTime:   f.histograms("dispatch_claim_seconds", "Duration of claims.", workBuckets, "account"),
		settleRows:  f.histograms("dispatch_settle_rows", "Results written in one batch.", sizeBuckets, "account"),
		settleTime:  f.histograms("dispatch_settle_seconds", "Time to write a batch of results, waits for the database included.", workBuckets, "account"),
		leaseLosses: f.counters("lease_losses_total", "Rows that were no longer this worker's when it wrote their result.", "account"),
		samples: f.counters("samples_total",
			"Readings of a confirmed posting's records, to learn what they show: seen, not_yet (read again later), missed (our reference is not shown), unread.", "account", "sighting"),
		rescues: f.counters("leases_expired_total", "Rows of any worker taken back in doubt after their lease ended.", "account"),
	}
}

// accountMetrics are the series of one account.
type accountMetrics struct {
	attempts                                     map[vendorapi.Outcome]prometheus.Counter
	settled                                      map[string]prometheus.Counter
	samples                                      map[knowledge.Sighting]prometheus.Counter
	leaseLosses, rescues                         prometheus.Counter
	attemptTime, eventToVendor                   prometheus.Observer
	claimRows, claimTime, settleRows, settleTime prometheus.Observer
}

// settledHow is the closed list of dispatch.Observer's Settled.
var settledHow = [...]string{dispatch.SettledPosted, string(ledger.Pending), string(ledger.Parked), dispatch.SettledBefore,
	dispatch.SettledAfterVoid, dispatch.SettledAside}

// sightings is the closed list of dispatch.Observer's Sampled.
var sightings = [...]knowledge.Sighting{knowledge.Seen, knowledge.NotYet, knowledge.Missed, knowledge.Unread}

// account makes the series of one account.
func (f *accountFamilies) account(name string) *accountMetrics {
	a := &accountMetrics{
		attempts: map[vendorapi.Outcome]prometheus.Counter{}, settled: map[string]prometheus.Counter{}, samples: map[knowledge.Sighting]prometheus.Counter{},
		leaseLosses: f.leaseLosses.WithLabelValues(name), rescues: f.rescues.WithLabelValues(name),
		attemptTime: f.attemptTime.WithLabelValues(name), eventToVendor: f.eventToVendor.WithLabelValues(name),
		claimRows: f.claimRows.WithLabelValues(name), claimTime: f.claimTime.WithLabelValues(name),
		settleRows: f.settleRows.WithLabelValues(name), settleTime: f.settleTime.WithLabelValues(name),
	}
	for outcome := vendorapi.Unknown; outcome <= vendorapi.Retryable; outcome++ {
		a.attempts[outcome] = f.attempts.WithLabelValues(name, outcome.String())
	}
	for _, how := range settledHow {
		a.settled[how] = f.settled.WithLabelValues(name, how)
	}
	for _, sighting := range sightings {
		a.samples[sighting] = f.samples.WithLabelValues(name, string(sighting))
	}
	return a
}

// gateReasons is the closed list of why a gate is closed
// (TestMetricLabelsAreComplete).
var gateReasons = [...]dispatch.GateReason{dispatch.GateUnauthorised, dispatch.GateThrottled, dispatch.GateSuspicious,
	dispatch.GateFailing, dispatch.GatePaused}

// dispatchCollector reads at each scrape how the dispatchers stand; it asks
// nobody outside this process.
type dispatchCollector struct {
	dispatchers                                      []*dispatch.Slot
	inFlight, held, limit, closed, closedFor, reason *prometheus.Desc
}

func newDispatchCollector(dispatchers []*dispatch.Slot) *dispatchCollector {
	return &dispatchCollector{dispatchers: dispatchers,
		inFlight:  describe("dispatch_in_flight_calls", "Rows that a sender is busy with: a call, a look-up, or a wait for the rate.", "account"),
		held:      describe("dispatch_held_rows", "Rows that this worker has leased: queued, in flight, or to be settled.", "account"),
		limit:     describe("dispatch_senders", "The most calls at once, as configured (concurrency).", "account"),
		closed:    describe("gate_closed", "1 while calls to the account are held back: at most one at a time is made, as a trial.", "account"),
		closedFor: describe("gate_closed_seconds", "How long the gate has been closed, over all workers and restarts; 0 while it is open.", "account"),
		reason:    describe("gate_reason", "1 for the reason why the gate is closed, 0 for the others.", "account", "reason"),
	}
}

// describe names a metric that is read at each scrape.
func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(namespace+"_"+name, help, labels, nil)
}

// Describe implements prometheus.Collector.
func (c *dispatchCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.inFlight, c.held, c.limit, c.closed, c.closedFor, c.reason} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *dispatchCollector) Collect(out chan<- prometheus.Metric) {
	for _, d := range c.dispatchers {
		st := d.Status()
		gauge(out, c.inFlight, float64(st.InFlight), st.Account)
		gauge(out, c.held, float64(st.Held), st.Account)
		gauge(out, c.limit, float64(st.Senders), st.Account)
		closedFor := 0.0
		if !st.Gate.Open {
			closedFor = max(0, time.Since(st.Gate.Since).Seconds())
		}
		gauge(out, c.closed, truth(!st.Gate.Open), st.Account)
		gauge(out, c.closedFor, closedFor, st.Account)
		for _, reason := range gateReasons {
			gauge(out, c.reason, truth(!st.Gate.Open && st.Gate.Reason == reason), st.Account, string(reason))
		}
	}
}

// gauge sends one value.
func gauge(out chan<- prometheus.Metric, d *prometheus.Desc, v float64, labels ...string) {
	out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

// truth is 1 for true.
func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
