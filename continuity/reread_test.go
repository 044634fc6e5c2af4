package continuity

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"pointsledger/consumers"
	"pointsledger/ledger"
	"pointsledger/rules"
)

// A re-read comes past a message that is larger than a usual fetch, and takes
// headers for part of a batch's size.
func TestRereadLargeMessages(t *testing.T) {
	t.Parallel()
	const most = 8 << 20
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
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	config := consumers.StreamConfig("POINTS")
	config.MaxMsgSize = most
	stream, err := js.CreateStream(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	publish := func(m *nats.Msg) {
		m.Subject = "points.events.order.paid"
		if _, err := js.PublishMsg(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	publish(&nats.Msg{Data: make([]byte, most-64)})
	const allHeader = 200 // of 60 kB each: more than a batch
	for range allHeader {
		publish(&nats.Msg{Header: nats.Header{"x": {string(bytes.Repeat([]byte("x"), 60_000))}}})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	largest, batches := 0, 0
	read, err := (&reader{js: js, rules: orderRules(t), of: consumers.Origin{Stream: "POINTS", Created: stream.CachedInfo().Created}}).
		each(ctx, stretch{from: 1, to: allHeader + 1}, func(entries []ledger.Entry) error {
			size := 0
			for _, e := range entries {
				size += len(e.Message.Payload) + len(e.Message.Header)
			}
			largest = max(largest, size)
			batches++
			return nil
		})
	if err != nil || read != allHeader+1 {
		t.Fatalf("read %d messages, want %d: %v", read, allHeader+1, err)
	}
	// A batch ends with the message that reaches the bound.
	if limit := consumers.FetchBytes(int(js.Conn().MaxPayload())) + most; largest > limit || batches < 2 {
		t.Errorf("%d batches, the largest of %d bytes, want more than 1 and at most %d", batches, largest, limit)
	}
}

// orderRules accept orders of one account.
func orderRules(t *testing.T) *rules.Rules {
	t.Helper()
	worth := int64(1)
	r, err := rules.Compile(rules.RulesFile{Programme: "points", Timezone: "Asia/Shanghai", Rules: []rules.RuleSetFile{{
		From: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC),
		Events: []rules.RuleFile{{Type: "order.paid", Operations: []rules.OperationFile{
			{Vendor: "zhimai", Call: "points_add", SourceType: 1, Points: rules.PointsFile{Value: &worth}},
		}}},
	}}}, "v1", []rules.Account{{Name: "zhimai", On: true, ReasonMaxChars: 50}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}
