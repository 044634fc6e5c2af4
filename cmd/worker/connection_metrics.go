package main

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"pointsledger/consumers"
)

// lagTimeout bounds what one scrape asks of the broker.
const lagTimeout = 2 * time.Second

// brokerCollector reads at each scrape how the connection to the broker stands
// and how far the durable consumer is behind. When the broker does not answer,
// the consumer's metrics are missing from that scrape.
type brokerCollector struct {
	conn            *nats.Conn
	js              jetstream.JetStream
	stream, durable string

	connected, reconnects, up, pending, unacknowledged, oldest, maxAge *prometheus.Desc
}

func newBrokerCollector(conn *nats.Conn, js jetstream.JetStream, stream, durable string) *brokerCollector {
	return &brokerCollector{conn: conn, js: js, stream: stream, durable: durable,
		connected:      describe("nats_connected", "1 while the worker is connected to NATS."),
		reconnects:     describe("nats_reconnects_total", "How often the lost connection to NATS came back."),
		up:             describe("consumer_up", "1 when the broker told this scrape about the durable consumer."),
		pending:        describe("consumer_pending_events", "Events in the stream that no worker has fetched."),
		unacknowledged: describe("consumer_unacknowledged_events", "Events that a worker has fetched and that are not acknowledged."),
		oldest:         describe("consumer_oldest_seconds", "Age, since the broker stored it, of the oldest event that is not acknowledged; 0 when all are."),
		maxAge:         describe("stream_max_age_seconds", "The age at which the stream drops events, recorded or not; 0 is never."),
	}
}

// Describe implements prometheus.Collector.
func (c *brokerCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.connected, c.reconnects, c.up, c.pending, c.unacknowledged, c.oldest, c.maxAge} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *brokerCollector) Collect(out chan<- prometheus.Metric) {
	gauge(out, c.connected, truth(c.conn.IsConnected()))
	out <- prometheus.MustNewConstMetric(c.reconnects, prometheus.CounterValue, float64(c.conn.Stats().Reconnects))
	if !c.conn.IsConnected() {
		gauge(out, c.up, 0)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), lagTimeout)
	defer cancel()
	lag, err := consumers.ReadLag(ctx, c.js, c.stream, c.durable)
	gauge(out, c.up, truth(err == nil))
	if err != nil {
		return
	}
	oldest := 0.0
	if !lag.Oldest.IsZero() {
		oldest = max(0, time.Since(lag.Oldest).Seconds())
	}
	gauge(out, c.pending, float64(lag.Pending))
	gauge(out, c.unacknowledged, float64(lag.Unacknowledged))
	gauge(out, c.oldest, oldest)
	gauge(out, c.maxAge, lag.MaxAge.Seconds())
}

// poolCollector reads at each scrape how the connections to Postgres are used.
type poolCollector struct {
	pools                                    map[string]*pgxpool.Pool
	connections, most, acquires, empty, wait *prometheus.Desc
}

func newPoolCollector(pools map[string]*pgxpool.Pool) *poolCollector {
	return &poolCollector{pools: pools,
		connections: describe("postgres_pool_connections", "Connections to Postgres, by pool and state: in_use, idle, opening.", "pool", "state"),
		most:        describe("postgres_pool_limit", "The most connections of the pool.", "pool"),
		acquires:    describe("postgres_pool_acquires_total", "Connections taken from the pool.", "pool"),
		empty:       describe("postgres_pool_waits_total", "Connections that were waited for, because none was idle.", "pool"),
		wait:        describe("postgres_pool_wait_seconds_total", "Time spent waiting for connections.", "pool"),
	}
}

// Describe implements prometheus.Collector.
func (c *poolCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.connections, c.most, c.acquires, c.empty, c.wait} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *poolCollector) Collect(out chan<- prometheus.Metric) {
	for name, pool := range c.pools {
		st := pool.Stat()
		gauge(out, c.connections, float64(st.AcquiredConns()), name, "in_use")
		gauge(out, c.connections, float64(st.IdleConns()), name, "idle")
		gauge(out, c.connections, float64(st.ConstructingConns()), name, "opening")
		gauge(out, c.most, float64(st.MaxConns()), name)
		count := func(d *prometheus.Desc, v float64) {
			out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, name)
		}
		count(c.acquires, float64(st.AcquireCount()))
		count(c.empty, float64(st.EmptyAcquireCount()))
		count(c.wait, st.EmptyAcquireWaitTime().Seconds())
	}
}
