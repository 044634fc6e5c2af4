package consumers_test

import (
	"context"
	"testing"
	"time"

	"pointsledger/consumers"
	"pointsledger/internal/testkit"
	"pointsledger/internal/testkit/intakes"
	"pointsledger/ledger"
)

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
func recordingOneWaitingNine(t *testing.T, in *intakes.Intake, g *gated) {
	t.Helper()
	in.Publish(intakes.Order(0))
	if n := <-g.sizes; n != 1 {
		t.Fatalf("a single event came in a batch of %d", n)
	}
	for i := range 24 {
		in.Publish(intakes.Order(1 + i))
	}
	testkit.Eventually(t, 20*time.Second, "a second batch to be fetched", func() bool {
		waiting, unacked := in.Pending()
		return waiting == 15 && unacked == 10
	})
}

// A single event is recorded at once. While that lasts, what comes is fetched,
// up to a full batch, and recorded in one piece as soon as it can be; a long
// wait does not bring it twice. Then it is the next that is fetched meanwhile.
func TestRunnerFetchesWhileItRecords(t *testing.T) {
	t.Parallel()
	in := intakes.New(t)
	in.MakeStream()
	g := newGated(in.Store)
	in.Start(g, consumers.Config{Batch: 10, AckWait: 2 * time.Second, BatchTime: 1900 * time.Millisecond})
	recordingOneWaitingNine(t, in, g)
	// The batch is tried again after its time; by the third try the ack wait is over.
	for range 2 {
		if n := <-g.sizes; n != 1 {
			t.Fatalf("a batch of %d overtook the first", n)
		}
	}
	if waiting, unacked := in.Pending(); waiting != 15 || unacked != 10 {
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
		waiting, unacked := in.Pending()
		return waiting == 5 && unacked == 19
	})
	close(g.open)
	testkit.Eventually(t, 20*time.Second, "all events to be acknowledged", func() bool { return in.Settled() >= 25 && in.Quiet() })
	if tally := in.Tally(); tally.Accepted != 25 || tally.Redelivered > 0 {
		t.Errorf("tally %+v, want 25 accepted and none delivered again", tally)
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
			in := intakes.New(t)
			in.MakeStream()
			g := newGated(in.Store)
			stopAccepting, stopWorking, wait := in.Run(g, consumers.Config{Batch: 10})
			recordingOneWaitingNine(t, in, g)
			stopAccepting()
			if c.inTime {
				close(g.open)
			} else {
				stopWorking()
			}
			wait()
			if n := in.Count(`SELECT count(*) FROM operations`); n != c.want {
				t.Errorf("%d operations, want %d", n, c.want)
			}
			testkit.Eventually(t, 5*time.Second, "the broker to have the rest", func() bool {
				waiting, unacked := in.Pending()
				return waiting+unacked == 25-c.want
			})
			in.Start(in.Store, consumers.Config{}) // long before the ack wait is over
			testkit.Eventually(t, 20*time.Second, "all events to be acknowledged", in.Quiet)
			if n := in.Count(`SELECT count(*) FROM operations`); n != 25 {
				t.Errorf("%d operations, want 25", n)
			}
		})
	}
}

// A stop in the middle finishes the batch in hand, hands the rest back at once,
// and a restart takes it up: nothing is lost, nothing doubled.
func TestRunnerStopsInTheMiddle(t *testing.T) {
	t.Parallel()
	in := intakes.New(t)
	in.MakeStream()
	const events = 300
	for i := range events {
		in.Publish(intakes.Order(i))
	}
	slow := recorderFunc(func(ctx context.Context, entries []ledger.Entry) ([]ledger.Verdict, error) {
		verdicts, err := in.Store.Record(ctx, entries)
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
		}
		return verdicts, err
	})
	stop := in.Start(slow, consumers.Config{Batch: 10})
	testkit.Eventually(t, 20*time.Second, "some events to be recorded", func() bool { return in.Settled() >= 30 })
	stop()
	recorded := in.Count(`SELECT count(*) FROM operations`)
	if recorded == events {
		t.Fatal("the stop came too late to show anything")
	}
	testkit.Eventually(t, 5*time.Second, "the broker to have the rest back", func() bool {
		waiting, unacked := in.Pending()
		return waiting+unacked == events-recorded
	})
	in.Start(in.Store, consumers.Config{})
	testkit.Eventually(t, 20*time.Second, "all events to be acknowledged", in.Quiet)
	if n := in.Count(`SELECT count(*) FROM operations`); n != events {
		t.Errorf("%d operations, want %d", n, events)
	}
}
