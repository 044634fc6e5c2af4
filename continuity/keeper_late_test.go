package continuity_test

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"pointsledger/consumers"
	"pointsledger/internal/testkit"
	"pointsledger/internal/testkit/intakes"
)

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
			stream, err := in.JS.CreateStream(t.Context(), short)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := stream.CreateConsumer(t.Context(), jetstream.ConsumerConfig{Durable: "points-worker", AckPolicy: jetstream.AckExplicitPolicy}); err != nil {
				t.Fatal(err)
			}
			k := in.keep(database(t))
			published := time.Now()
			in.Publish(intakes.Order(1))
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
