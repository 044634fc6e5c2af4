package consumers_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pointsledger/consumers"
	"pointsledger/internal/testkit"
	"pointsledger/internal/testkit/intakes"
	"pointsledger/ledger"
)

// recorderFunc is a Recorder around the real one.
type recorderFunc func(ctx context.Context, entries []ledger.Entry) ([]ledger.Verdict, error)

func (f recorderFunc) Record(ctx context.Context, entries []ledger.Entry) ([]ledger.Verdict, error) {
	return f(ctx, entries)
}

// While a batch is not committed, nothing of it is acknowledged; afterwards all is.
func TestRunnerAcksAfterCommit(t *testing.T) {
	t.Parallel()
	in := intakes.New(t)
	in.MakeStream()
	for i := range 10 {
		in.Publish(intakes.Order(i))
	}
	reached, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	in.Start(recorderFunc(func(ctx context.Context, entries []ledger.Entry) ([]ledger.Verdict, error) {
		once.Do(func() { close(reached); <-release })
		return in.Store.Record(ctx, entries)
	}), consumers.Config{})
	<-reached
	if waiting, unacked := in.Pending(); waiting+unacked != 10 {
		t.Errorf("before the commit the broker holds %d events, want 10", waiting+unacked)
	}
	close(release)
	testkit.Eventually(t, 20*time.Second, "all events to be acknowledged", in.Quiet)
	if n := in.Count(`SELECT count(*) FROM operations`); n != 10 {
		t.Errorf("%d operations, want 10", n)
	}
}

// The answer to a commit is lost: the batch is recorded again, and counts once.
func TestRunnerCommitWithoutAnswer(t *testing.T) {
	t.Parallel()
	in := intakes.New(t)
	in.MakeStream()
	for i := range 10 {
		in.Publish(intakes.Order(i))
	}
	var failures atomic.Int64
	in.Start(recorderFunc(func(ctx context.Context, entries []ledger.Entry) ([]ledger.Verdict, error) {
		verdicts, err := in.Store.Record(ctx, entries)
		if failures.Add(1) <= 2 {
			return nil, errors.New("connection reset after the commit")
		}
		return verdicts, err
	}), consumers.Config{})
	testkit.Eventually(t, 20*time.Second, "all events to be acknowledged", in.Quiet)
	if n := in.Count(`SELECT count(*) FROM outbox`); n != 10 {
		t.Errorf("%d outbox rows, want 10", n)
	}
}

// While the database is away at most one more batch is fetched, what was fetched
// is kept beyond the ack wait without being delivered again, and then recorded.
func TestRunnerDatabaseAway(t *testing.T) {
	t.Parallel()
	in := intakes.New(t)
	in.MakeStream()
	const events = 60
	for i := range events {
		in.Publish(intakes.Order(i))
	}
	var away atomic.Bool
	away.Store(true)
	var tries atomic.Int64
	in.Start(recorderFunc(func(ctx context.Context, entries []ledger.Entry) ([]ledger.Verdict, error) {
		if away.Load() {
			tries.Add(1)
			return nil, errors.New("database is away")
		}
		return in.Store.Record(ctx, entries)
	}), consumers.Config{Batch: 20, AckWait: time.Second, BatchTime: 500 * time.Millisecond})
	began := time.Now()
	testkit.Eventually(t, 30*time.Second, "tries for thrice the ack wait", func() bool {
		return tries.Load() > 3 && time.Since(began) > 3*time.Second
	})
	if waiting, unacked := in.Pending(); unacked > 40 || waiting+unacked != events {
		t.Errorf("the broker holds %d events and waits for %d, want at most two batches of 20 taken and %d in all", waiting, unacked, events)
	}
	away.Store(false)
	testkit.Eventually(t, 30*time.Second, "all events to be acknowledged", in.Quiet)
	if n := in.Count(`SELECT count(*) FROM operations`); n != events {
		t.Errorf("%d operations, want %d", n, events)
	}
	if n := in.Tally().Redelivered; n > 0 {
		t.Errorf("%d events were delivered again while they were kept", n)
	}
}

// What cannot be accepted is kept with its reason and never comes again; what
// is ignored is acknowledged.
func TestRunnerRejectsAndIgnores(t *testing.T) {
	t.Parallel()
	in := intakes.New(t)
	in.MakeStream()
	in.Publish(intakes.Order(1))
	in.Publish(strings.Replace(intakes.Order(2), "12999", `"12.50"`, 1))
	in.Publish(`{"specversion":"1.0","id":"c","source":"shop","type":"order.created","data":{}}`)
	in.Publish(`{"specversion":"1.0","id":"r","source":"shop","type":"order.refunded","data":{}}`)
	in.Publish("not json \xff")
	in.Publish(intakes.Order(1))
	in.Start(in.Store, consumers.Config{AckWait: time.Second, BatchTime: 500 * time.Millisecond})
	testkit.Eventually(t, 20*time.Second, "six events to be settled", func() bool { return in.Settled() >= 6 && in.Quiet() })
	if tally := in.Tally(); tally.Accepted != 1 || tally.Duplicates != 1 || tally.Ignored != 1 || len(tally.Rejected) != 3 {
		t.Errorf("tally %+v", tally)
	}
	rows, err := in.Pool.Query(t.Context(), `SELECT stream_seq, reason_code, reason FROM rejects ORDER BY stream_seq`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for _, want := range []string{`2 bad_type data.amountFen: want an integer in fen, got "12.50"`, "4 missing_field data.refundId: ", "5 not_utf8 "} {
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
	in := intakes.New(t)
	in.MakeStream()
	const pairs = 100
	for i := range pairs {
		in.Publish(intakes.Order(i))
		in.Publish(strings.Replace(strings.Replace(intakes.Order(i), "12999", "100", 1), `"id":"e`, `"id":"f`, 1))
	}
	in.Start(in.Store, consumers.Config{Batch: 7})
	testkit.Eventually(t, 30*time.Second, "all events to be settled", func() bool { return in.Settled() >= 2*pairs && in.Quiet() })
	if n := in.Count(`SELECT count(*) FROM operations WHERE points = 129`); n != pairs {
		t.Errorf("%d first events were accepted, want %d", n, pairs)
	}
	if n := in.Count(`SELECT count(*) FROM rejects WHERE reason_code = 'conflict'`); n != pairs {
		t.Errorf("%d conflicts, want %d", n, pairs)
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
