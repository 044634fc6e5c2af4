package main

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"pointsledger/ledger"
)

// backlogTimeout bounds the look at the ledger for one scrape.
const backlogTimeout = 3 * time.Second

// backlogCollector reads at each scrape what is open in the ledger. When the
// database does not answer, its metrics are missing from that scrape.
type backlogCollector struct {
	store                       *ledger.Store
	gates                       func() map[string]bool
	rows, oldest, doubt         *prometheus.Desc
	rejects, gateClosed, scrape *prometheus.Desc
}

// newBacklogCollector makes the collector; gates tells which accounts' gates
// are closed.
func newBacklogCollector(store *ledger.Store, gates func() map[string]bool) *backlogCollector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("points_ledger_"+name, help, labels, nil)
	}
	return &backlogCollector{store: store, gates: gates,
		rows:       desc("outbox_rows", "Open operations, by account and state.", "account", "state"),
		oldest:     desc("outbox_oldest_seconds", "Age of the oldest operation that is still to be sent.", "account"),
		doubt:      desc("in_doubt_rows", "Open operations that the vendor may have applied.", "account"),
		rejects:    desc("open_rejects", "Rejected events that wait for a person, by reason code.", "reason_code"),
		gateClosed: desc("gate_closed", "1 while no calls are made to the account.", "account"),
		scrape:     desc("backlog_up", "1 when the ledger answered this scrape."),
	}
}

// Describe implements prometheus.Collector.
func (c *backlogCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.rows, c.oldest, c.doubt, c.rejects, c.gateClosed, c.scrape} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *backlogCollector) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	for account, closed := range c.gates() {
		v := 0.0
		if closed {
			v = 1
		}
		gauge(c.gateClosed, v, account)
	}
	ctx, cancel := context.WithTimeout(context.Background(), backlogTimeout)
	defer cancel()
	backlogs, err := c.store.Backlogs(ctx)
	if err != nil {
		gauge(c.scrape, 0)
		return
	}
	rejects, err := c.store.OpenRejects(ctx)
	if err != nil {
		gauge(c.scrape, 0)
		return
	}
	gauge(c.scrape, 1)
	for _, b := range backlogs {
		gauge(c.rows, float64(b.Pending), b.Target, "pending")
		gauge(c.rows, float64(b.Sending), b.Target, "sending")
		gauge(c.rows, float64(b.Parked), b.Target, "parked")
		gauge(c.oldest, b.OldestSeconds, b.Target)
		gauge(c.doubt, float64(b.InDoubt), b.Target)
	}
	for code, n := range rejects {
		gauge(c.rejects, float64(n), string(code))
	}
}
