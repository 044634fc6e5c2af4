package consumers_test

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"pointsledger/consumers"
	"pointsledger/internal/testkit"
	"pointsledger/internal/testkit/intakes"
)

// A worker that starts on a stream and a durable of somebody else's making says
// what is weaker than it should be, works all the same, and changes nothing. The
// durable's small fetches are kept.
func TestRunnerWarnsAtStart(t *testing.T) {
	t.Parallel()
	in := intakes.New(t)
	weak := consumers.StreamConfig("POINTS")
	weak.MaxAge, weak.Storage = time.Hour, jetstream.MemoryStorage
	stream, err := in.JS.CreateStream(t.Context(), weak)
	if err != nil {
		t.Fatal(err)
	}
	durable, err := stream.CreateConsumer(t.Context(), jetstream.ConsumerConfig{Durable: "points-worker", AckPolicy: jetstream.AckExplicitPolicy,
		AckWait: 30 * time.Second, MaxAckPending: 5, MaxRequestMaxBytes: 3 << 19, FilterSubject: "points.events.>"})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		in.Publish(intakes.Order(i))
	}
	core, logs := observer.New(zap.WarnLevel)
	in.Log = zap.New(core)
	stop := in.Start(in.Store, consumers.Config{Batch: 100})
	testkit.Eventually(t, 30*time.Second, "the events to be acknowledged", func() bool { return in.Settled() == 20 && in.Quiet() })
	stop()
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
