package continuity_test

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
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

// intake is a stream, a ledger and a runner between them.
type intake struct {
	t  *testing.T
	js jetstream.JetStream
	// worker is the workers' connection where it is not the test's own.
	worker jetstream.JetStream
	log    *zap.Logger
	pool   *pgxpool.Pool
	store  *ledger.Store
	rules  *rules.Rules
	// settled is how many messages were recorded or ignored so far.
	settled atomic.Int64
}

func newIntake(t *testing.T) *intake {
	t.Helper()
	js := dial(t, testkit.NATS(t))
	return newIntakeAt(t, js, js)
}

func dial(t *testing.T, url string) jetstream.JetStream {
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

// newIntakeAt has a connection of its own for workers.
func newIntakeAt(t *testing.T, js, worker jetstream.JetStream) *intake {
	t.Helper()
	cfg, err := config.Load([]string{"ZHIMAI_OPEN_ID=a", "ZHIMAI_GRANT_CODE=b", "ZHIMAI_OPEN_KEY=c", "KYLIN_URL=http://127.0.0.1:1"}, os.ReadFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := testkit.Pool(t)
	return &intake{t: t, js: js, worker: worker, log: zap.NewNop(), pool: pool, store: ledger.New(pool), rules: cfg.Rules}
}

// Fetched implements consumers.Observer.
func (in *intake) Fetched(int) {}

// BatchRecorded implements consumers.Observer.
func (in *intake) BatchRecorded(_ consumers.Tally, size int, _ time.Duration) {
	in.settled.Add(int64(size))
}

// start runs a runner on the recorder until the returned function is called, or
// the test ends. What it has in hand then has two seconds.
func (in *intake) start(recorder consumers.Recorder, c consumers.Config) (stop func()) {
	in.t.Helper()
	r := in.newRunner(recorder, c)
	accept, stopAccepting := context.WithCancel(context.Background())
	work, stopWorking := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(accept, work) }()
	stop = sync.OnceFunc(func() {
		stopAccepting()
		timer := time.AfterFunc(2*time.Second, stopWorking)
		if err := <-done; err != nil {
			in.t.Errorf("runner: %v", err)
		}
		timer.Stop()
		stopWorking()
	})
	in.t.Cleanup(stop)
	return stop
}

// newRunner makes a runner on the tests' stream and durable.
func (in *intake) newRunner(recorder consumers.Recorder, c consumers.Config) *consumers.Runner {
	in.t.Helper()
	c.Stream, c.Durable, c.Batch, c.BatchesInFlight = "POINTS", "points-worker", 1000, 1
	if c.AckWait == 0 {
		c.AckWait, c.BatchTime = 30*time.Second, 10*time.Second
	}
	r, err := consumers.NewRunner(consumers.Deps{JetStream: in.worker, Recorder: recorder, Rules: in.rules,
		Log: zap.NewNop(), Observer: in}, c)
	if err != nil {
		in.t.Fatal(err)
	}
	return r
}

// stream creates the stream before the runner does.
func (in *intake) stream() {
	in.t.Helper()
	if _, err := in.js.CreateStream(in.t.Context(), consumers.StreamConfig("POINTS")); err != nil {
		in.t.Fatal(err)
	}
}

func (in *intake) publish(payload string) {
	in.t.Helper()
	if _, err := in.js.Publish(in.t.Context(), "points.events.order.paid", []byte(payload)); err != nil {
		in.t.Fatal(err)
	}
}

func order(n int) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":"e%d","source":"shop","type":"order.paid","data":{"orderId":"SO-%d","member":{"customerId":"77"},"channel":"pos","amountFen":12999}}`, n, n)
}

// pending is what the broker still holds for the consumer.
func (in *intake) pending() (waiting, unacked int) {
	in.t.Helper()
	consumer, err := in.js.Consumer(in.t.Context(), "POINTS", "points-worker")
	if err != nil {
		return -1, -1
	}
	info := consumer.CachedInfo()
	stream, err := in.js.Stream(in.t.Context(), "POINTS")
	if err != nil {
		return -1, -1
	}
	if info.NumPending == 0 && info.NumAckPending == 0 && info.AckFloor.Stream < stream.CachedInfo().State.LastSeq {
		return -1, -1 // a consumer that was just made has not counted yet
	}
	return int(info.NumPending), info.NumAckPending
}

func (in *intake) quiet() bool {
	waiting, unacked := in.pending()
	return waiting == 0 && unacked == 0
}
