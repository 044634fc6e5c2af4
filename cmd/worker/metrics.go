package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	dto "github.com/prometheus/client_model/go"

	"pointsledger/consumers"
	"pointsledger/internal/config"
	"pointsledger/ledger"
	"pointsledger/ledger/knowledge"
	"pointsledger/vendorapi"
)

// metrics are the worker's Prometheus metrics. It is the observer of the
// intake and of every dispatcher. Labels are bounded by the configuration and
// by closed lists; the series of each known label value are made at the start,
// so that they begin at 0 and cost no look-up of labels later.
type metrics struct {
	registry *prometheus.Registry

	fetched     prometheus.Counter
	results     eventResults
	rejects     map[ledger.RejectCode]prometheus.Counter
	operations  prometheus.Counter
	batchSize   prometheus.Histogram
	batchTime   prometheus.Histogram
	recordedIn  prometheus.Histogram
	accounts    map[string]*accountMetrics
	accountList []string
}

// eventResults counts recorded events by what became of them.
type eventResults struct {
	accepted, duplicate, redelivered, ignored, rejected prometheus.Counter
}

// Buckets for times in seconds. waitBuckets reach from a call that is made at
// once to a backlog of a day; workBuckets (0.5 ms to 65 s) cover one statement,
// batch or vendor call.
var (
	waitBuckets = []float64{0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 4 * 3600, 24 * 3600}
	workBuckets = prometheus.ExponentialBuckets(0.0005, 2, 18)
	// sizeBuckets are of batches up to 1,000; 0 is a look that found nothing.
	sizeBuckets = []float64{0, 1, 4, 16, 64, 256, 1000}
)

// newMetrics makes the metrics of a worker that serves the accounts which are
// on. What is read at a scrape is registered by service.observe.
func newMetrics(all []config.Account) *metrics {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewBuildInfoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	f := factory{registry}
	events := f.counters("events_total", "Events recorded, by result.", "result")
	rejects := f.counters("rejects_total", "Events rejected, by reason code.", "reason_code")
	m := &metrics{
		registry: registry,
		fetched:  f.counters("events_fetched_total", "Events that came from the broker, redelivered ones included.").WithLabelValues(),
		results: eventResults{
			accepted: events.WithLabelValues("accepted"), duplicate: events.WithLabelValues("duplicate"),
			redelivered: events.WithLabelValues("redelivered"), ignored: events.WithLabelValues("ignored"),
			rejected: events.WithLabelValues("rejected"),
		},
		rejects:    map[ledger.RejectCode]prometheus.Counter{},
		operations: f.counters("operations_total", "Operations recorded.").WithLabelValues(),
		batchSize:  f.histogram("batch_events", "Events in a recorded batch.", sizeBuckets),
		batchTime:  f.histogram("batch_seconds", "Time to decode, record and acknowledge a batch, waits for the database included.", workBuckets),
		recordedIn: f.histogram("event_recorded_seconds",
			"From the broker's storing of an event to the commit that records it. Accepted events only; includes the time that events waited in a backlog.", waitBuckets),
		accounts: map[string]*accountMetrics{},
	}
	for _, code := range ledger.AllRejectCodes() {
		m.rejects[code] = rejects.WithLabelValues(string(code))
	}
	families := newAccountFamilies(f)
	for _, v := range all {
		if v.On() {
			m.accountList = append(m.accountList, v.Name)
			m.accounts[v.Name] = families.account(v.Name)
		}
	}
	return m
}

// factory makes and registers metrics of our namespace.
type factory struct{ registry *prometheus.Registry }

// namespace is the first part of the names of all our metrics.
const namespace = "points_ledger"

func (f factory) counters(name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
	f.registry.MustRegister(c)
	return c
}

func (f factory) histograms(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets}, labels)
	f.registry.MustRegister(h)
	return h
}

func (f factory) histogram(name, help string, buckets []float64) prometheus.Histogram {
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets})
	f.registry.MustRegister(h)
	return h
}

// Fetched implements consumers.Observer.
func (m *metrics) Fetched(n int) { m.fetched.Add(float64(n)) }

// BatchRecorded implements consumers.Observer.
func (m *metrics) BatchRecorded(t consumers.Tally, size int, took time.Duration) {
	m.results.accepted.Add(float64(t.Accepted))
	m.results.duplicate.Add(float64(t.Duplicates))
	m.results.redelivered.Add(float64(t.Redelivered))
	m.results.ignored.Add(float64(t.Ignored))
	for code, n := range t.Rejected {
		m.results.rejected.Add(float64(n))
		if known, ok := m.rejects[code]; ok {
			known.Add(float64(n))
		}
	}
	m.operations.Add(float64(t.Operations))
	m.batchSize.Observe(float64(size))
	m.batchTime.Observe(took.Seconds())
	for _, waited := range t.Waited {
		m.recordedIn.Observe(max(0, waited.Seconds())) // the broker's clock need not be ours
	}
}

// Attempted implements dispatch.Observer.
func (m *metrics) Attempted(account string, outcome vendorapi.Outcome, took time.Duration) {
	a := m.accounts[account]
	if known, ok := a.attempts[outcome]; ok {
		known.Inc()
	}
	a.attemptTime.Observe(took.Seconds())
}

// Claimed implements dispatch.Observer.
func (m *metrics) Claimed(account string, rows int, took time.Duration) {
	a := m.accounts[account]
	a.claimRows.Observe(float64(rows))
	a.claimTime.Observe(took.Seconds())
}

// Settled implements dispatch.Observer.
func (m *metrics) Settled(account, how string, n int) {
	if known, ok := m.accounts[account].settled[how]; ok {
		known.Add(float64(n))
	}
}

// Written implements dispatch.Observer.
func (m *metrics) Written(account string, rows int, took time.Duration, waited []time.Duration) {
	a := m.accounts[account]
	a.settleRows.Observe(float64(rows))
	a.settleTime.Observe(took.Seconds())
	for _, w := range waited {
		a.eventToVendor.Observe(max(0, w.Seconds())) // the broker's clock may be ahead
	}
}

// LeasesLost implements dispatch.Observer.
func (m *metrics) LeasesLost(account string, n int) { m.accounts[account].leaseLosses.Add(float64(n)) }

// LeasesExpired implements dispatch.Observer.
func (m *metrics) LeasesExpired(account string, n int) { m.accounts[account].rescues.Add(float64(n)) }

// Sampled implements dispatch.Observer.
func (m *metrics) Sampled(account string, sighting knowledge.Sighting) {
	if known, ok := m.accounts[account].samples[sighting]; ok {
		known.Inc()
	}
}

// duplicates is how many events were published more than once, as counted
// since the start.
func (m *metrics) duplicates() int {
	var out dto.Metric
	if err := m.results.duplicate.Write(&out); err != nil {
		return -1
	}
	return int(out.GetCounter().GetValue())
}
