package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"pointsledger/desk"
	"pointsledger/ledger"
)

const (
	// backlogTimeout bounds one look at the ledger. With millions of open rows it
	// takes seconds, and that is when its result is wanted most.
	backlogTimeout = time.Minute
	// backlogPatience is how long a scrape waits for a look that is under way;
	// then it shows the one before, if that is not older than backlogStale, or
	// twice the time that it is fresh.
	backlogPatience = 3 * time.Second
	backlogStale    = time.Minute
	// A look is fresh for backlogFresh, or backlogShare times as long as it took
	// when that is longer: looks take at most a twentieth of one connection.
	backlogFresh = time.Second
	backlogShare = 20
)

// backlog is what one look at the ledger found.
type backlog struct {
	open    []desk.OpenRows
	rejects map[ledger.RejectCode]int64
	at      time.Time
	took    time.Duration
}

// fresh is how long the look is used without another.
func (b *backlog) fresh() time.Duration { return max(backlogFresh, backlogShare*b.took) }

// backlogReader looks at the ledger for scrapes and readiness, and uses one
// look for several. It is safe for concurrent use.
type backlogReader struct {
	desk *desk.Desk
	// life ends a look that is under way when the worker stops.
	life context.Context
	stop context.CancelFunc

	mu   sync.Mutex
	last *backlog // nil before the first look
	err  error    // of the look after last; nil when that went well
	// running is closed when the look that is under way ends; nil when none is.
	running chan struct{}
}

// newBacklogReader looks through the pool, which the keeper's guard does not
// shut. stop must be called before the pool is closed.
func newBacklogReader(pool *pgxpool.Pool) *backlogReader {
	r := &backlogReader{desk: desk.New(pool, ledger.New(pool))}
	r.life, r.stop = context.WithCancel(context.Background())
	return r
}

// read returns a look that is fresh enough. Its result is not to be changed.
func (r *backlogReader) read(ctx context.Context) (*backlog, error) {
	r.mu.Lock()
	if r.err == nil && r.last != nil && time.Since(r.last.at) < r.last.fresh() {
		defer r.mu.Unlock()
		return r.last, nil
	}
	if r.running == nil {
		r.running = make(chan struct{})
		go r.look(r.running)
	}
	done := r.running
	r.mu.Unlock()

	ctx, cancel := context.WithTimeout(ctx, backlogPatience)
	defer cancel()
	select {
	case <-done:
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.err != nil {
			return nil, r.err
		}
		return r.last, nil
	case <-ctx.Done():
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.err == nil && r.last != nil && time.Since(r.last.at) < max(backlogStale, 2*r.last.fresh()) {
			return r.last, nil
		}
		return nil, fmt.Errorf("read backlog: %w", ctx.Err())
	}
}

// look makes a look and closes done.
func (r *backlogReader) look(done chan struct{}) {
	ctx, cancel := context.WithTimeout(r.life, backlogTimeout)
	defer cancel()
	started := time.Now()
	found := &backlog{}
	var err error
	if found.open, err = r.desk.CountOpen(ctx); err == nil {
		found.rejects, err = r.desk.OpenRejects(ctx)
	}
	found.at = time.Now()
	found.took = found.at.Sub(started)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err = err; err == nil {
		r.last = found
	}
	r.running = nil
	close(done)
}

// backlogCollector shows at each scrape what is open in the ledger. When the
// database does not answer, its metrics are missing from that scrape.
type backlogCollector struct {
	reader   *backlogReader
	accounts []string

	rows, oldest, doubt, doubtOldest, rejects, up, took *prometheus.Desc
}

// newBacklogCollector makes the collector; the accounts are there even when
// nothing of theirs is open, others only while something is.
func newBacklogCollector(reader *backlogReader, accounts []string) *backlogCollector {
	return &backlogCollector{reader: reader, accounts: accounts,
		rows:        describe("outbox_rows", "Open operations, by account and state.", "account", "state"),
		oldest:      describe("outbox_oldest_seconds", "Age, since it was recorded, of the oldest open operation that is neither held nor waits for another; 0 when there is none.", "account", "state"),
		doubt:       describe("in_doubt_rows", "Open operations that the vendor may have applied.", "account"),
		doubtOldest: describe("in_doubt_oldest_seconds", "Time since the first call of the operation that is in doubt longest; 0 when none is.", "account"),
		rejects:     describe("open_rejects", "Rejected events that wait for a person, by reason code.", "reason_code"),
		up:          describe("backlog_up", "1 when the ledger answered this scrape."),
		took:        describe("backlog_read_seconds", "How long the look at the ledger took that this scrape shows; it is shown for a second, or 20 times as long as it took."),
	}
}

// Describe implements prometheus.Collector.
func (c *backlogCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.rows, c.oldest, c.doubt, c.doubtOldest, c.rejects, c.up, c.took} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *backlogCollector) Collect(out chan<- prometheus.Metric) {
	look, err := c.reader.read(context.Background())
	gauge(out, c.up, truth(err == nil))
	if err != nil {
		return
	}
	gauge(out, c.took, look.took.Seconds())
	type doubt struct{ rows, seconds float64 }
	doubts, found := map[string]doubt{}, map[string]map[ledger.State]desk.OpenRows{}
	for _, account := range c.accounts {
		found[account] = map[ledger.State]desk.OpenRows{}
	}
	for _, o := range look.open {
		if found[o.Account] == nil {
			found[o.Account] = map[ledger.State]desk.OpenRows{}
		}
		found[o.Account][o.State] = o
		d := doubts[o.Account]
		doubts[o.Account] = doubt{d.rows + float64(o.InDoubt), max(d.seconds, o.OldestDoubt.Seconds())}
	}
	for account, byState := range found {
		for _, state := range ledger.AllStates() {
			gauge(out, c.rows, float64(byState[state].Rows), account, string(state))
			gauge(out, c.oldest, byState[state].Oldest.Seconds(), account, string(state))
		}
		gauge(out, c.doubt, doubts[account].rows, account)
		gauge(out, c.doubtOldest, doubts[account].seconds, account)
	}
	for _, code := range ledger.AllRejectCodes() {
		gauge(out, c.rejects, float64(look.rejects[code]), string(code))
	}
}
