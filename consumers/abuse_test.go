package consumers_test

import (
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"pointsledger/consumers"
	"pointsledger/internal/testkit"
	"pointsledger/internal/testkit/intakes"
)

// A broker that takes larger messages than ours would: one that is larger than
// a whole fetch becomes a reject, and does not stand in the way of the others.
func TestRunnerMessageLargerThanFetch(t *testing.T) {
	t.Parallel()
	const most = 24 << 20
	broker, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true,
		StoreDir: t.TempDir(), MaxPayload: most, NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	broker.Start()
	t.Cleanup(func() { broker.Shutdown(); broker.WaitForShutdown() })
	if !broker.ReadyForConnections(20 * time.Second) {
		t.Fatal("the broker does not start")
	}
	js := intakes.Dial(t, broker.ClientURL())
	in := intakes.At(t, js, js)
	config := consumers.StreamConfig("POINTS")
	config.MaxMsgSize = most
	if _, err := in.JS.CreateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	in.Publish(intakes.Order(1))
	large := &nats.Msg{Subject: "points.events.order.paid", Header: nats.Header{"x": {"y"}}, Data: make([]byte, most-64)}
	if _, err := in.JS.PublishMsg(t.Context(), large); err != nil {
		t.Fatal(err)
	}
	in.Publish(intakes.Order(2))
	in.Start(in.Store, consumers.Config{})
	testkit.Eventually(t, 20*time.Second, "all events to be recorded", func() bool { return in.Settled() == 3 })
	if n := in.Count(`SELECT count(*) FROM operations`); n != 2 {
		t.Errorf("%d operations, want 2", n)
	}
	if n := in.Count(`SELECT length(payload) FROM rejects WHERE reason_code = 'too_large'`); n != len(large.Data) {
		t.Errorf("the reject keeps %d bytes, want %d", n, len(large.Data))
	}
}
