package consumers_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"pointsledger/consumers"
	"pointsledger/internal/testkit"
)

// An inspection tells what is there, names what is weaker, and changes nothing.
func TestInspect(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	conn, err := nats.Connect(testkit.NATS(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	look := func() consumers.Intake {
		t.Helper()
		in, err := consumers.Inspect(ctx, js, consumers.Config{Stream: "POINTS", Durable: "points-worker", Batch: 1000, BatchesInFlight: 1, AckWait: 30 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		return in
	}
	if in := look(); in.StreamFound || in.DurableFound {
		t.Errorf("an empty broker: %+v", in)
	}
	config := consumers.StreamConfig("POINTS")
	if _, err := js.CreateStream(ctx, config); err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(ctx, "points.events.x", nil); err != nil {
		t.Fatal(err)
	}
	if in := look(); !in.StreamFound || in.DurableFound || in.Uncovered || len(in.StreamWeak) > 0 || in.Messages != 1 {
		t.Errorf("our stream without a durable: %+v", in)
	}
	config.MaxAge, config.Subjects = time.Hour, []string{"points.events.order.>"}
	if _, err := js.UpdateStream(ctx, config); err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateConsumer(ctx, "POINTS", jetstream.ConsumerConfig{Durable: "points-worker", AckPolicy: jetstream.AckExplicitPolicy,
		FilterSubject: "points.events.>", AckWait: time.Minute, MaxAckPending: 2000, MaxDeliver: 3}); err != nil {
		t.Fatal(err)
	}
	in := look()
	if len(in.StreamWeak) != 1 || !strings.Contains(in.StreamWeak[0], "max age is 1h0m0s") || !in.Uncovered {
		t.Errorf("a weak stream: %+v", in)
	}
	if !in.DurableFound || in.Waiting != 1 || len(in.DurableWeak) != 1 || !strings.Contains(in.DurableWeak[0], "max deliver is 3") {
		t.Errorf("a weak durable: %+v", in)
	}
	if _, err := js.CreateConsumer(ctx, "POINTS", jetstream.ConsumerConfig{Durable: "none", AckPolicy: jetstream.AckNonePolicy}); err != nil {
		t.Fatal(err)
	}
	if _, err := consumers.Inspect(ctx, js, consumers.Config{Stream: "POINTS", Durable: "none", Batch: 1, BatchesInFlight: 1}); !errors.Is(err, consumers.ErrUnusableConsumer) {
		t.Errorf("a durable without acknowledgements: %v", err)
	}
	conn.Close()
	if _, err := consumers.Inspect(ctx, js, consumers.Config{Stream: "POINTS", Durable: "points-worker", Batch: 1, BatchesInFlight: 1}); err == nil {
		t.Error("a closed connection: want an error")
	}
}
