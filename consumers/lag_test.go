package consumers_test

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"pointsledger/consumers"
	"pointsledger/internal/testkit"
	"pointsledger/internal/testkit/intakes"
)

// What waits in the stream, and since when, is what was not acknowledged:
// fetched events count as waiting until then.
func TestReadLag(t *testing.T) {
	t.Parallel()
	js := intakes.Dial(t, testkit.NATS(t))
	read := func() consumers.Lag {
		t.Helper()
		lag, err := consumers.ReadLag(t.Context(), js, "POINTS", "worker")
		if err != nil {
			t.Fatal(err)
		}
		return lag
	}
	if _, err := consumers.ReadLag(t.Context(), js, "POINTS", "worker"); err == nil {
		t.Error("no error without a stream")
	}
	stream, err := js.CreateStream(t.Context(), consumers.StreamConfig("POINTS"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := consumers.ReadLag(t.Context(), js, "POINTS", "worker"); err == nil {
		t.Error("no error without a consumer")
	}
	consumer, err := stream.CreateConsumer(t.Context(), jetstream.ConsumerConfig{Durable: "worker", AckPolicy: jetstream.AckExplicitPolicy})
	if err != nil {
		t.Fatal(err)
	}
	if lag := read(); lag != (consumers.Lag{MaxAge: consumers.StreamConfig("").MaxAge}) {
		t.Errorf("nothing waits: %+v", lag)
	}
	for range 3 {
		if _, err := js.Publish(t.Context(), consumers.SubjectPrefix+"order.paid", []byte("{}")); err != nil {
			t.Fatal(err)
		}
	}
	stored := func(seq uint64) time.Time {
		m, err := stream.GetMsg(t.Context(), seq)
		if err != nil {
			t.Fatal(err)
		}
		return m.Time
	}
	if lag := read(); lag.Pending != 3 || lag.Unacknowledged != 0 || !lag.Oldest.Equal(stored(1)) {
		t.Errorf("three wait: %+v", lag)
	}
	fetched, err := consumer.Fetch(2)
	if err != nil {
		t.Fatal(err)
	}
	for m := range fetched.Messages() {
		if lag := read(); lag.Pending != 1 || lag.Unacknowledged == 0 || lag.Oldest.IsZero() {
			t.Errorf("two are fetched: %+v", lag)
		}
		if err := m.DoubleAck(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if lag := read(); lag.Pending != 1 || lag.Unacknowledged != 0 || !lag.Oldest.Equal(stored(3)) {
		t.Errorf("one waits: %+v", lag)
	}
}
