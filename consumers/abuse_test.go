package consumers_test

import (
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"pointsledger/consumers"
	"pointsledger/internal/testkit"
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
	conn, err := nats.Connect(broker.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	in := newIntake(t)
	if in.js, err = jetstream.New(conn); err != nil {
		t.Fatal(err)
	}
	in.worker = in.js
	config := consumers.StreamConfig("POINTS")
	config.MaxMsgSize = most
	if _, err := in.js.CreateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	in.publish(order(1))
	large := &nats.Msg{Subject: "points.events.order.paid", Header: nats.Header{"x": {"y"}}, Data: make([]byte, most-64)}
	if _, err := in.js.PublishMsg(t.Context(), large); err != nil {
		t.Fatal(err)
	}
	in.publish(order(2))
	in.start(in.store, consumers.Config{})
	testkit.Eventually(t, 20*time.Second, "all events to be recorded", func() bool { return in.settled() == 3 })
	if n := in.count(`SELECT count(*) FROM operations`); n != 2 {
		t.Errorf("%d operations, want 2", n)
	}
	if n := in.count(`SELECT length(payload) FROM rejects WHERE reason_code = 'too_large'`); n != len(large.Data) {
		t.Errorf("the reject keeps %d bytes, want %d", n, len(large.Data))
	}
}
