package consumers_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
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

func TestMain(m *testing.M) { os.Exit(testkit.Run(m)) }

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

	mu    sync.Mutex
	tally consumers.Tally
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
	return &intake{t: t, js: js, worker: worker, log: zap.NewNop(), pool: pool, store: ledger.New(pool), rules: cfg.Rules,
		tally: consumers.Tally{Rejected: map[ledger.RejectCode]int{}}}
}

// Fetched implements consumers.Observer.
func (in *intake) Fetched(int) {}

// BatchRecorded implements consumers.Observer.
func (in *intake) BatchRecorded(t consumers.Tally, _ int, _ time.Duration) {
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

// settled is how many messages were recorded or ignored so far.
func (in *intake) settled() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	n := in.tally.Accepted + in.tally.Duplicates + in.tally.Redelivered + in.tally.Ignored
	for _, r := range in.tally.Rejected {
		n += r
	}
	return n
}

// start runs a runner on the recorder until the returned function is called.
func (in *intake) start(recorder consumers.Recorder, c consumers.Config) (stop func()) {
	in.t.Helper()
	stopAccepting, stopWorking, wait := in.run(recorder, c)
	stop = sync.OnceFunc(func() {
		stopAccepting()
		timer := time.AfterFunc(2*time.Second, stopWorking)
		wait()
		timer.Stop()
		stopWorking()
	})
	in.t.Cleanup(stop)
	return stop
}

// run runs a runner on the recorder; wait returns when both contexts have ended
// it. The test's end does so at the latest.
func (in *intake) run(recorder consumers.Recorder, c consumers.Config) (stopAccepting, stopWorking, wait func()) {
	in.t.Helper()
	r := in.newRunner(recorder, c)
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

// newRunner makes a runner on the tests' stream and durable.
func (in *intake) newRunner(recorder consumers.Recorder, c consumers.Config) *consumers.Runner {
	in.t.Helper()
	c.Stream, c.Durable = "POINTS", "points-worker"
	if c.Batch == 0 {
		c.Batch = 1000
	}
	if c.AckWait == 0 {
		c.AckWait, c.BatchTime = 30*time.Second, 10*time.Second
	}
	c.BatchesInFlight = 1
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
	typ := "order.paid"
	for _, other := range []string{"member.checked_in", "order.created", "order.refunded"} {
		if strings.Contains(payload, other) {
			typ = other
		}
	}
	if _, err := in.js.Publish(in.t.Context(), "points.events."+typ, []byte(payload)); err != nil {
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

func (in *intake) count(sql string) int {
	in.t.Helper()
	var n int
	if err := in.pool.QueryRow(in.t.Context(), sql).Scan(&n); err != nil {
		in.t.Fatal(err)
	}
	return n
}

// recorderFunc is a Recorder around the real one.
type recorderFunc func(ctx context.Context, entries []ledger.Entry) ([]ledger.Verdict, error)

func (f recorderFunc) Record(ctx context.Context, entries []ledger.Entry) ([]ledger.Verdict, error) {
	return f(ctx, entries)
}

// While a batch is not committed, nothing of it is acknowledged; afterwards all is.
func TestRunnerAcksAfterCommit(t *testing.T) {
	t.Parallel()
	in := newIntake(t)
	in.stream()
	for i := range 10 {
		in.publish(order(i))
	}
	reached, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	in.start(recorderFunc(func(ctx context.Context, entries []ledger.Entry) ([]ledger.Verdict, error) {
		once.Do(func() { close(reached); <-release })
		return in.store.Record(ctx, entries)
	}), consumers.Config{})
	<-reached
	if waiting, unacked := in.pending(); waiting+unacked != 10 {
		t.Errorf("before the commit the broker holds %d events, want 10", waiting+unacked)
	}
	close(release)
	testkit.Eventually(t, 20*time.Second, "all events to be acknowledged", in.quiet)
	if n := in.count(`SELECT count(*) FROM operations`); n != 10 {
		t.Errorf("%d operations, want 10", n)
	}
}

// The answer to a commit is lost: the batch is recorded again, and counts once.
func TestRunnerCommitWithoutAnswer(t *testing.T) {
	t.Parallel()
	in := newIntake(t)
	in.stream()
	for i := range 10 {
		in.publish(order(i))
	}
	var failures atomic.Int64
	in.start(recorderFunc(func(ctx context.Context, entries []ledger.Entry) ([]ledger.Verdict, error) {
		verdicts, err := in.store.Record(ctx, entries)
		if failures.Add(1) <= 2 {
			return nil, errors.New("connection reset after the commit")
		}
		return verdicts, err
	}), consumers.Config{})
	testkit.Eventually(t, 20*time.Second, "all events to be acknowledged", in.quiet)
	if n := in.count(`SELECT count(*) FROM outbox`); n != 10 {
		t.Errorf("%d outbox rows, want 10", n)
	}
}

// While the database is away at most one more batch is fetched, what was fetched
// is kept beyond the ack wait without being delivered again, and then recorded.
func TestRunnerDatabaseAway(t *testing.T) {
	t.Parallel()
	in := newIntake(t)
	in.stream()
	const events = 60
	for i := range events {
		in.publish(order(i))
	}
	var away atomic.Bool
	away.Store(true)
	var tries atomic.Int64
	in.start(recorderFunc(func(ctx context.Context, entries []ledger.Entry) ([]ledger.Verdict, error) {
		if away.Load() {
			tries.Add(1)
			return nil, errors.New("database is away")
		}
		return in.store.Record(ctx, entries)
	}), consumers.Config{Batch: 20, AckWait: time.Second, BatchTime: 500 * time.Millisecond})
	began := time.Now()
	testkit.Eventually(t, 30*time.Second, "tries for thrice the ack wait", func() bool {
		return tries.Load() > 3 && time.Since(began) > 3*time.Second
	})
	if waiting, unacked := in.pending(); unacked > 40 || waiting+unacked != events {
		t.Errorf("the broker holds %d events and waits for %d, want at most two batches of 20 taken and %d in all", waiting, unacked, events)
	}
	away.Store(false)
	testkit.Eventually(t, 30*time.Second, "all events to be acknowledged", in.quiet)
	if n := in.count(`SELECT count(*) FROM operations`); n != events {
		t.Errorf("%d operations, want %d", n, events)
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.tally.Redelivered > 0 {
		t.Errorf("%d events were delivered again while they were kept", in.tally.Redelivered)
	}
}

// What cannot be accepted is kept with its reason and never comes again; what
// is ignored is acknowledged.
func TestRunnerRejectsAndIgnores(t *testing.T) {
	t.Parallel()
	in := newIntake(t)
	in.stream()
	in.publish(order(1))
	in.publish(strings.Replace(order(2), "12999", `"12.50"`, 1))
	in.publish(`{"specversion":"1.0","id":"c","source":"shop","type":"order.created","data":{}}`)
	in.publish(`{"specversion":"1.0","id":"r","source":"shop","type":"order.refunded","data":{}}`)
	in.publish("not json \xff")
	in.publish(order(1))
	in.start(in.store, consumers.Config{AckWait: time.Second, BatchTime: 500 * time.Millisecond})
	testkit.Eventually(t, 20*time.Second, "six events to be settled", func() bool { return in.settled() >= 6 && in.quiet() })
	in.mu.Lock()
	if in.tally.Accepted != 1 || in.tally.Duplicates != 1 || in.tally.Ignored != 1 || len(in.tally.Rejected) != 3 {
		t.Errorf("tally %+v", in.tally)
	}
	in.mu.Unlock()
	rows, err := in.pool.Query(t.Context(), `SELECT stream_seq, reason_code, reason FROM rejects ORDER BY stream_seq`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for _, want := range []string{`2 bad_type data.amountFen: want an integer in fen, got "12.50"`, "4 no_vendor_call ", "5 not_utf8 "} {
		var seq int
		var code, reason string
		if !rows.Next() || rows.Scan(&seq, &code, &reason) != nil {
			t.Fatalf("no reject for %q", want)
		}
		if got := fmt.Sprintf("%d %s %s", seq, code, reason); !strings.HasPrefix(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// One worker records in the stream's order: of two events that contradict each
// other the first published is accepted, wherever batches are cut.
func TestRunnerKeepsStreamOrder(t *testing.T) {
	t.Parallel()
	in := newIntake(t)
	in.stream()
	const pairs = 100
	for i := range pairs {
		in.publish(order(i))
		in.publish(strings.Replace(strings.Replace(order(i), "12999", "100", 1), `"id":"e`, `"id":"f`, 1))
	}
	in.start(in.store, consumers.Config{Batch: 7})
	testkit.Eventually(t, 30*time.Second, "all events to be settled", func() bool { return in.settled() >= 2*pairs && in.quiet() })
	if n := in.count(`SELECT count(*) FROM operations WHERE points = 129`); n != pairs {
		t.Errorf("%d first events were accepted, want %d", n, pairs)
	}
	if n := in.count(`SELECT count(*) FROM rejects WHERE reason_code = 'conflict'`); n != pairs {
		t.Errorf("%d conflicts, want %d", n, pairs)
	}
}

// gated is a recorder that says how large each batch is, and records it only
// when it may.
type gated struct {
	Recorder consumers.Recorder
	sizes    chan int
	open     chan struct{}
}

func newGated(r consumers.Recorder) *gated {
	return &gated{Recorder: r, sizes: make(chan int, 100), open: make(chan struct{})}
}

func (g *gated) Record(ctx context.Context, entries []ledger.Entry) ([]ledger.Verdict, error) {
	g.sizes <- len(entries)
	select {
	case <-g.open:
		return g.Recorder.Record(ctx, entries)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// recordingOneWaitingNine brings a runner with batches of ten to where it
// records one event, holds nine more, and has left 15 at the broker.
func (in *intake) recordingOneWaitingNine(g *gated) {
	in.t.Helper()
	in.publish(order(0))
	if n := <-g.sizes; n != 1 {
		in.t.Fatalf("a single event came in a batch of %d", n)
	}
	for i := range 24 {
		in.publish(order(1 + i))
	}
	testkit.Eventually(in.t, 20*time.Second, "a second batch to be fetched", func() bool {
		waiting, unacked := in.pending()
		return waiting == 15 && unacked == 10
	})
}

// A single event is recorded at once. While that lasts, what comes is fetched,
// up to a full batch, and recorded in one piece as soon as it can be; a long
// wait does not bring it twice. Then it is the next that is fetched meanwhile.
func TestRunnerFetchesWhileItRecords(t *testing.T) {
	t.Parallel()
	in := newIntake(t)
	in.stream()
	g := newGated(in.store)
	in.start(g, consumers.Config{Batch: 10, AckWait: 2 * time.Second, BatchTime: 1900 * time.Millisecond})
	in.recordingOneWaitingNine(g)
	// The batch is tried again after its time; by the third try the ack wait is over.
	for range 2 {
		if n := <-g.sizes; n != 1 {
			t.Fatalf("a batch of %d overtook the first", n)
		}
	}
	if waiting, unacked := in.pending(); waiting != 15 || unacked != 10 {
		t.Errorf("%d events wait at the broker and %d are taken, want 15 and 10", waiting, unacked)
	}
	g.open <- struct{}{} // the first may pass
	n := <-g.sizes
	for ; n == 1; n = <-g.sizes { // a last try of the first
	}
	if n != 9 {
		t.Errorf("the second batch has %d events, want all 9 that had come", n)
	}
	testkit.Eventually(t, 20*time.Second, "a third batch to be fetched while the second is recorded", func() bool {
		waiting, unacked := in.pending()
		return waiting == 5 && unacked == 19
	})
	close(g.open)
	testkit.Eventually(t, 20*time.Second, "all events to be acknowledged", func() bool { return in.settled() >= 25 && in.quiet() })
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.tally.Accepted != 25 || in.tally.Redelivered > 0 {
		t.Errorf("tally %+v, want 25 accepted and none delivered again", in.tally)
	}
}

// A stop finds one batch being recorded and one waiting: both are recorded while
// there is time, else both go back to the broker at once. Nothing is lost.
func TestRunnerStopsWithABatchWaiting(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		inTime bool
		want   int
	}{"in time": {true, 10}, "out of time": {false, 0}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := newIntake(t)
			in.stream()
			g := newGated(in.store)
			stopAccepting, stopWorking, wait := in.run(g, consumers.Config{Batch: 10})
			in.recordingOneWaitingNine(g)
			stopAccepting()
			if c.inTime {
				close(g.open)
			} else {
				stopWorking()
			}
			wait()
			if n := in.count(`SELECT count(*) FROM operations`); n != c.want {
				t.Errorf("%d operations, want %d", n, c.want)
			}
			testkit.Eventually(t, 5*time.Second, "the broker to have the rest", func() bool {
				waiting, unacked := in.pending()
				return waiting+unacked == 25-c.want
			})
			in.start(in.store, consumers.Config{}) // long before the ack wait is over
			testkit.Eventually(t, 20*time.Second, "all events to be acknowledged", in.quiet)
			if n := in.count(`SELECT count(*) FROM operations`); n != 25 {
				t.Errorf("%d operations, want 25", n)
			}
		})
	}
}

// A stop in the middle finishes the batch in hand, hands the rest back at once,
// and a restart takes it up: nothing is lost, nothing doubled.
func TestRunnerStopsInTheMiddle(t *testing.T) {
	t.Parallel()
	in := newIntake(t)
	in.stream()
	const events = 300
	for i := range events {
		in.publish(order(i))
	}
	slow := recorderFunc(func(ctx context.Context, entries []ledger.Entry) ([]ledger.Verdict, error) {
		verdicts, err := in.store.Record(ctx, entries)
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
		}
		return verdicts, err
	})
	stop := in.start(slow, consumers.Config{Batch: 10})
	testkit.Eventually(t, 20*time.Second, "some events to be recorded", func() bool { return in.settled() >= 30 })
	stop()
	recorded := in.count(`SELECT count(*) FROM operations`)
	if recorded == events {
		t.Fatal("the stop came too late to show anything")
	}
	testkit.Eventually(t, 5*time.Second, "the broker to have the rest back", func() bool {
		waiting, unacked := in.pending()
		return waiting+unacked == events-recorded
	})
	in.start(in.store, consumers.Config{})
	testkit.Eventually(t, 20*time.Second, "all events to be acknowledged", in.quiet)
	if n := in.count(`SELECT count(*) FROM operations`); n != events {
		t.Errorf("%d operations, want %d", n, events)
	}
}

// An existing stream and consumer are used as they are.
func TestRunnerLeavesExistingStreamAlone(t *testing.T) {
	t.Parallel()
	in := newIntake(t)
	weak := jetstream.StreamConfig{Name: "POINTS", Subjects: []string{"points.events.>"}, MaxAge: time.Hour, Storage: jetstream.MemoryStorage}
	stream, err := in.js.CreateStream(t.Context(), weak)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.CreateConsumer(t.Context(), jetstream.ConsumerConfig{Durable: "points-worker",
		AckPolicy: jetstream.AckExplicitPolicy, AckWait: 7 * time.Second, MaxDeliver: 5}); err != nil {
		t.Fatal(err)
	}
	in.publish(order(1))
	in.start(in.store, consumers.Config{})
	testkit.Eventually(t, 20*time.Second, "the event to be acknowledged", func() bool { return in.settled() == 1 && in.quiet() })
	info, err := stream.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	consumer, err := stream.Consumer(t.Context(), "points-worker")
	if err != nil {
		t.Fatal(err)
	}
	if info.Config.MaxAge != time.Hour || info.Config.Storage != jetstream.MemoryStorage || consumer.CachedInfo().Config.MaxDeliver != 5 {
		t.Errorf("settings were changed: %+v %+v", info.Config, consumer.CachedInfo().Config)
	}
}

// A consumer that acknowledges in another way ends the runner with advice.
func TestRunnerRefusesUnusableConsumer(t *testing.T) {
	t.Parallel()
	in := newIntake(t)
	in.stream()
	stream, err := in.js.Stream(t.Context(), "POINTS")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]jetstream.ConsumerConfig{
		"ack-all":      {AckPolicy: jetstream.AckAllPolicy},
		"push":         {AckPolicy: jetstream.AckExplicitPolicy, DeliverSubject: "deliver.here"},
		"headers-only": {AckPolicy: jetstream.AckExplicitPolicy, HeadersOnly: true},
		"small":        {AckPolicy: jetstream.AckExplicitPolicy, MaxRequestBatch: 10},
		"few-bytes":    {AckPolicy: jetstream.AckExplicitPolicy, MaxRequestMaxBytes: 1 << 20},
		"hasty":        {AckPolicy: jetstream.AckExplicitPolicy, MaxRequestExpires: time.Second},
	} {
		c.Durable = name
		if c.DeliverSubject != "" {
			_, err = stream.CreatePushConsumer(t.Context(), c)
		} else {
			_, err = stream.CreateConsumer(t.Context(), c)
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		r, err := consumers.NewRunner(consumers.Deps{JetStream: in.js, Recorder: in.store, Rules: in.rules, Log: zap.NewNop(), Observer: in},
			consumers.Config{Stream: "POINTS", Durable: name, Batch: 100, BatchesInFlight: 1, AckWait: 2, BatchTime: 1})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		if err := r.Run(ctx, ctx); !errors.Is(err, consumers.ErrUnusableConsumer) {
			t.Errorf("%s: got %v, want ErrUnusableConsumer", name, err)
		}
		cancel()
	}
}

func TestRunnerConfigIsChecked(t *testing.T) {
	good := consumers.Config{Stream: "S", Durable: "D", Batch: 1000, BatchesInFlight: 1, AckWait: 2 * time.Second, BatchTime: time.Second}
	if _, err := consumers.NewRunner(consumers.Deps{}, good); err != nil {
		t.Errorf("good configuration: %v", err)
	}
	for what, edit := range map[string]func(*consumers.Config){
		"stream": func(c *consumers.Config) { c.Stream = "" }, "batch: want": func(c *consumers.Config) { c.Batch = 1001 },
		"batches in flight": func(c *consumers.Config) { c.BatchesInFlight = 0 }, "ack wait": func(c *consumers.Config) { c.AckWait = time.Second },
	} {
		c := good
		edit(&c)
		if _, err := consumers.NewRunner(consumers.Deps{}, c); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: got %v", what, err)
		}
	}
}
