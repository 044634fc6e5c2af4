// Package intakes gives tests the worker's intake: a stream, a ledger and a runner
// between them, each real. Only tests import it.
package intakes

import (
	"context"
	"fmt"
	"maps"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"pointsledger/consumers"
	"pointsledger/internal/config"
	"pointsledger/internal/testkit"
	"pointsledger/ledger"
	"pointsledger/rules"
)

const (
	streamName = "POINTS"
	durable    = "points-worker"
	// grace is what a stopped runner has for the batch in hand.
	grace = 2 * time.Second
)

// Intake is a stream, a ledger and a runner between them. Fields may be changed
// before the first runner is made.
type Intake struct {
	JS jetstream.JetStream
	// Worker is the workers' connection where it is not the test's own.
	Worker jetstream.JetStream
	Log    *zap.Logger
	Pool   *pgxpool.Pool
	Store  *ledger.Store
	// Rules are those of the built-in file.
	Rules *rules.Rules
	// RulesRefused is a runner's ear for refusals; nil is none.
	RulesRefused func()

	t     *testing.T
	mu    sync.Mutex
	tally consumers.Tally
}

// New has a broker and a database of its own, and no stream yet.
func New(t *testing.T) *Intake {
	t.Helper()
	js := Dial(t, testkit.NATS(t))
	return At(t, js, js)
}

// At has a connection of its own for workers.
func At(t *testing.T, js, worker jetstream.JetStream) *Intake {
	t.Helper()
	cfg, err := config.Load([]string{"ZHIMAI_OPEN_ID=a", "ZHIMAI_GRANT_CODE=b", "ZHIMAI_OPEN_KEY=c", "KYLIN_URL=http://127.0.0.1:1"}, os.ReadFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := testkit.Pool(t)
	return &Intake{JS: js, Worker: worker, Log: zap.NewNop(), Pool: pool, Store: ledger.New(pool), Rules: cfg.Rules,
		t: t, tally: consumers.Tally{Rejected: map[ledger.RejectCode]int{}}}
}

// Dial connects to a broker until the test ends.
func Dial(t *testing.T, url string) jetstream.JetStream {
	t.Helper()
	conn, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// Fetched implements consumers.Observer.
func (in *Intake) Fetched(int) {}

// BatchRecorded implements consumers.Observer.
func (in *Intake) BatchRecorded(t consumers.Tally, _ int, _ time.Duration) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.tally.Accepted += t.Accepted
	in.tally.Duplicates += t.Duplicates
	in.tally.Redelivered += t.Redelivered
	in.tally.Ignored += t.Ignored
	for code, n := range t.Rejected {
		in.tally.Rejected[code] += n
	}
}

// Tally is what came of all messages so far.
func (in *Intake) Tally() consumers.Tally {
	in.mu.Lock()
	defer in.mu.Unlock()
	sum := in.tally
	sum.Rejected = maps.Clone(in.tally.Rejected)
	return sum
}

// Settled is how many messages were recorded or ignored so far.
func (in *Intake) Settled() int {
	sum := in.Tally()
	n := sum.Accepted + sum.Duplicates + sum.Redelivered + sum.Ignored
	for _, r := range sum.Rejected {
		n += r
	}
	return n
}

// NewRunner makes a runner on the tests' stream and durable, with batches of 1000
// and ack waits of 30 s unless c has others.
func (in *Intake) NewRunner(recorder consumers.Recorder, c consumers.Config) *consumers.Runner {
	in.t.Helper()
	c.Stream, c.Durable, c.BatchesInFlight = streamName, durable, 1
	if c.Batch == 0 {
		c.Batch = 1000
	}
	if c.AckWait == 0 {
		c.AckWait, c.BatchTime = 30*time.Second, 10*time.Second
	}
	r, err := consumers.NewRunner(consumers.Deps{JetStream: in.Worker, Recorder: recorder, Rules: in.Rules,
		Log: in.Log, Observer: in, RulesRefused: in.RulesRefused}, c)
	if err != nil {
		in.t.Fatal(err)
	}
	return r
}

// Start runs a runner on the recorder until the returned function is called, or
// the test ends. What it has in hand then has two seconds.
func (in *Intake) Start(recorder consumers.Recorder, c consumers.Config) (stop func()) {
	in.t.Helper()
	return in.StartRunner(in.NewRunner(recorder, c))
}

// StartRunner is Start with a runner of the test's own.
func (in *Intake) StartRunner(r *consumers.Runner) (stop func()) {
	stopAccepting, stopWorking, wait := in.run(r)
	stop = sync.OnceFunc(func() {
		stopAccepting()
		timer := time.AfterFunc(grace, stopWorking)
		wait()
		timer.Stop()
		stopWorking()
	})
	in.t.Cleanup(stop)
	return stop
}

// Run runs a runner on the recorder; wait returns when both contexts have ended
// it. The test's end does so at the latest.
func (in *Intake) Run(recorder consumers.Recorder, c consumers.Config) (stopAccepting, stopWorking, wait func()) {
	in.t.Helper()
	return in.run(in.NewRunner(recorder, c))
}

func (in *Intake) run(r *consumers.Runner) (stopAccepting, stopWorking, wait func()) {
	accept, stopAccepting := context.WithCancel(context.Background())
	work, stopWorking := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(accept, work) }()
	wait = sync.OnceFunc(func() {
		if err := <-done; err != nil {
			in.t.Errorf("runner: %v", err)
		}
	})
	in.t.Cleanup(func() { stopAccepting(); stopWorking(); wait() })
	return stopAccepting, stopWorking, wait
}

// MakeStream creates the stream before the runner does.
func (in *Intake) MakeStream() {
	in.t.Helper()
	if _, err := in.JS.CreateStream(in.t.Context(), consumers.StreamConfig(streamName)); err != nil {
		in.t.Fatal(err)
	}
}

// Publish stores a message under the subject of the type that is named in it, a
// paid order's when there is none.
func (in *Intake) Publish(payload string) {
	in.t.Helper()
	typ := "order.paid"
	for _, other := range []string{"member.checked_in", "order.created", "order.refunded", "day.declared"} {
		if strings.Contains(payload, other) {
			typ = other
		}
	}
	if _, err := in.JS.Publish(in.t.Context(), consumers.SubjectPrefix+typ, []byte(payload)); err != nil {
		in.t.Fatal(err)
	}
}

// Order is the n-th paid order: 129 points for one member.
func Order(n int) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":"e%d","source":"shop","type":"order.paid","data":{"orderId":"SO-%d","member":{"customerId":"77"},"channel":"pos","amountFen":12999}}`, n, n)
}

// Pending is what the broker still holds for the consumer; negative while it does
// not know.
func (in *Intake) Pending() (waiting, unacked int) {
	in.t.Helper()
	consumer, err := in.JS.Consumer(in.t.Context(), streamName, durable)
	if err != nil {
		return -1, -1
	}
	info := consumer.CachedInfo()
	stream, err := in.JS.Stream(in.t.Context(), streamName)
	if err != nil {
		return -1, -1
	}
	if info.NumPending == 0 && info.NumAckPending == 0 && info.AckFloor.Stream < stream.CachedInfo().State.LastSeq {
		return -1, -1 // a consumer that was just made has not counted yet
	}
	return int(info.NumPending), info.NumAckPending
}

// Quiet tells that all messages are acknowledged.
func (in *Intake) Quiet() bool {
	waiting, unacked := in.Pending()
	return waiting == 0 && unacked == 0
}

// Count reads one number of the intake's own ledger.
func (in *Intake) Count(sql string) int {
	in.t.Helper()
	var n int
	if err := in.Pool.QueryRow(in.t.Context(), sql).Scan(&n); err != nil {
		in.t.Fatal(err)
	}
	return n
}
