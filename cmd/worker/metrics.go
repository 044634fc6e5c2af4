package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	dto "github.com/prometheus/client_model/go"

	"pointsledger/consumers"
	"pointsledger/vendorapi"
)

// metrics are the worker's Prometheus metrics. It is the observer of the
// intake and of every dispatcher; labels are bounded by the configuration and
// the closed lists of codes and outcomes.
type metrics struct {
	registry *prometheus.Registry

	events      *prometheus.CounterVec
	rejects     *prometheus.CounterVec
	operations  prometheus.Counter
	batchSize   prometheus.Histogram
	batchTime   prometheus.Histogram
	attempts    *prometheus.CounterVec
	attemptTime *prometheus.HistogramVec
	settled     *prometheus.CounterVec
	leaseLosses *prometheus.CounterVec
	rescues     *prometheus.CounterVec
}

func newMetrics() *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "points_ledger", Name: name, Help: help}, labels)
	}
	m := &metrics{
		registry:   prometheus.NewRegistry(),
		events:     counter("events_total", "Events recorded, by result.", "result"),
		rejects:    counter("rejects_total", "Events rejected, by reason code.", "reason_code"),
		operations: prometheus.NewCounter(prometheus.CounterOpts{Namespace: "points_ledger", Name: "operations_total", Help: "Operations recorded."}),
		batchSize: prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "points_ledger", Name: "batch_events",
			Help: "Events in a recorded batch.", Buckets: prometheus.ExponentialBuckets(1, 4, 6)}),
		batchTime: prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "points_ledger", Name: "batch_seconds",
			Help: "Time to decode and record a batch.", Buckets: prometheus.ExponentialBuckets(0.001, 2, 14)}),
		attempts: counter("dispatch_attempts_total", "Vendor calls, by account and outcome.", "account", "outcome"),
		attemptTime: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "points_ledger", Name: "dispatch_attempt_seconds",
			Help: "Duration of vendor calls.", Buckets: prometheus.ExponentialBuckets(0.001, 2, 15)}, []string{"account"}),
		settled:     counter("dispatch_settled_total", "Rows settled, by account and how: posted, pending, parked.", "account", "how"),
		leaseLosses: counter("lease_losses_total", "Rows that were no longer this worker's.", "account"),
		rescues:     counter("leases_expired_total", "Rows taken back in doubt after their lease ended.", "account"),
	}
	m.registry.MustRegister(m.events, m.rejects, m.operations, m.batchSize, m.batchTime, m.attempts, m.attemptTime,
		m.settled, m.leaseLosses, m.rescues, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// BatchRecorded implements consumers.Observer.
func (m *metrics) BatchRecorded(t consumers.Tally, size int, took time.Duration) {
	m.events.WithLabelValues("accepted").Add(float64(t.Accepted))
	m.events.WithLabelValues("duplicate").Add(float64(t.Duplicates))
	m.events.WithLabelValues("redelivered").Add(float64(t.Redelivered))
	m.events.WithLabelValues("ignored").Add(float64(t.Ignored))
	for code, n := range t.Rejected {
		m.events.WithLabelValues("rejected").Add(float64(n))
		m.rejects.WithLabelValues(string(code)).Add(float64(n))
	}
	m.operations.Add(float64(t.Operations))
	m.batchSize.Observe(float64(size))
	m.batchTime.Observe(took.Seconds())
}

// Attempted implements dispatch.Observer.
func (m *metrics) Attempted(target string, outcome vendorapi.Outcome, took time.Duration) {
	m.attempts.WithLabelValues(target, outcome.String()).Inc()
	m.attemptTime.WithLabelValues(target).Observe(took.Seconds())
}

// Settled implements dispatch.Observer.
func (m *metrics) Settled(target, how string, n int) {
	m.settled.WithLabelValues(target, how).Add(float64(n))
}

// LeasesLost implements dispatch.Observer.
func (m *metrics) LeasesLost(target string, n int) {
	m.leaseLosses.WithLabelValues(target).Add(float64(n))
}

// LeasesExpired implements dispatch.Observer.
func (m *metrics) LeasesExpired(target string, n int) {
	m.rescues.WithLabelValues(target).Add(float64(n))
}

// duplicates is how many events were published more than once, as counted
// since the start.
func (m *metrics) duplicates() int {
	var out dto.Metric
	if err := m.events.WithLabelValues("duplicate").Write(&out); err != nil {
		return -1
	}
	return int(out.GetCounter().GetValue())
}
