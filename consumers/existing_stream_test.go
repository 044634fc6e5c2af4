package consumers_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"pointsledger/consumers"
	"pointsledger/internal/testkit"
	"pointsledger/internal/testkit/intakes"
)

// An existing stream and consumer are used as they are.
func TestRunnerLeavesExistingStreamAlone(t *testing.T) {
	t.Parallel()
	in := intakes.New(t)
	weak := jetstream.StreamConfig{Name: "POINTS", Subjects: []string{"points.events.>"}, MaxAge: time.Hour, Storage: jetstream.MemoryStorage}
	stream, err := in.JS.CreateStream(t.Context(), weak)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.CreateConsumer(t.Context(), jetstream.ConsumerConfig{Durable: "points-worker",
		AckPolicy: jetstream.AckExplicitPolicy, AckWait: 7 * time.Second, MaxDeliver: 5}); err != nil {
		t.Fatal(err)
	}
	in.Publish(intakes.Order(1))
	in.Start(in.Store, consumers.Config{})
	testkit.Eventually(t, 20*time.Second, "the event to be acknowledged", func() bool { return in.Settled() == 1 && in.Quiet() })
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
	in := intakes.New(t)
	in.MakeStream()
	stream, err := in.JS.Stream(t.Context(), "POINTS")
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
		r, err := consumers.NewRunner(consumers.Deps{JetStream: in.JS, Recorder: in.Store, Rules: in.Rules, Log: zap.NewNop(), Observer: in},
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
