package consumers_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"pointsledger/consumers"
	"pointsledger/internal/testkit"
)

// A worker that starts on a stream and a durable of somebody else's making says
// what is weaker than it should be, works all the same, and changes nothing. The
// durable's small fetches are kept.
func TestRunnerWarnsAtStart(t *testing.T) {
	t.Parallel()
	in := newIntake(t)
	weak := consumers.StreamConfig("POINTS")
	weak.MaxAge, weak.Storage = time.Hour, jetstream.MemoryStorage
	stream, err := in.js.CreateStream(t.Context(), weak)
	if err != nil {
		t.Fatal(err)
	}
	durable, err := stream.CreateConsumer(t.Context(), jetstream.ConsumerConfig{Durable: "points-worker", AckPolicy: jetstream.AckExplicitPolicy,
		AckWait: 30 * time.Second, MaxAckPending: 5, MaxRequestMaxBytes: 3 << 19, FilterSubject: "points.events.>"})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		in.publish(order(i))
	}
	core, logs := observer.New(zap.WarnLevel)
	r, err := consumers.NewRunner(consumers.Deps{JetStream: in.js, Recorder: in.store, Rules: in.rules, Log: zap.New(core), Observer: in},
		consumers.Config{Stream: "POINTS", Durable: "points-worker", Batch: 100, BatchesInFlight: 1, AckWait: 30 * time.Second, BatchTime: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx, context.WithoutCancel(ctx)) }()
	testkit.Eventually(t, 30*time.Second, "the events to be acknowledged", func() bool { return in.settled() == 20 && in.quiet() })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	var said []string
	for _, entry := range logs.All() {
		said = append(said, entry.Message+": "+entry.ContextMap()["setting"].(string))
	}
	text := strings.Join(said, "\n")
	for _, want := range []string{"stream setting is weaker than it should be: storage is memory", "weaker than it should be: max age is 1h0m0s",
		"consumer setting differs: max ack pending is 5", "consumer setting differs: max bytes of a fetch is 1572864"} {
		if strings.Count(text, want) != 1 {
			t.Errorf("want once %q, got\n%s", want, text)
		}
	}
	if len(said) != 4 {
		t.Errorf("%d warnings, want 4:\n%s", len(said), text)
	}
	now, err := durable.Info(t.Context())
	if err != nil || now.Config.MaxAckPending != 5 || now.Config.MaxRequestMaxBytes != 3<<19 {
		t.Errorf("the durable was changed: %+v, %v", now, err)
	}
}

// An event that nobody records is warned about when half of its time is over,
// also while the database is away, which is when it matters.
func TestKeeperWarnsOfLateEvents(t *testing.T) {
	t.Parallel()
	for name, database := range map[string]func(*testing.T) string{
		"database there": func(t *testing.T) string { return testkit.Postgres(t) },
		"database away":  func(*testing.T) string { return "postgres://nobody@127.0.0.1:1/away?connect_timeout=1" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := newIntake(t)
			short := consumers.StreamConfig("POINTS")
			short.MaxAge, short.Duplicates = 8*time.Second, 8*time.Second
			stream, err := in.js.CreateStream(t.Context(), short)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := stream.CreateConsumer(t.Context(), jetstream.ConsumerConfig{Durable: "points-worker", AckPolicy: jetstream.AckExplicitPolicy}); err != nil {
				t.Fatal(err)
			}
			k := in.keep(database(t))
			published := time.Now()
			in.publish(order(1))
			testkit.Eventually(t, 20*time.Second, "the warning", func() bool {
				return strings.Contains(strings.Join(k.Warnings(), ""), "the oldest event that is not recorded is ") &&
					strings.Contains(strings.Join(k.Warnings(), ""), "drops events after 8s")
			})
			if after := time.Since(published); after < 3*time.Second {
				t.Errorf("warned after %v, half of the time is 4s", after)
			}
			testkit.Eventually(t, 20*time.Second, "the warning to end with the event", func() bool { return len(k.Warnings()) == 0 })
		})
	}
}
