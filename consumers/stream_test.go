package consumers

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Each limit that is too low is named with what to do, at its border too; what
// the broker would turn away for ever cannot be used.
func TestConsumerDifferences(t *testing.T) {
	t.Parallel()
	const payload = 1 << 20
	want := Config{Durable: "d", Batch: 1000, BatchesInFlight: 2, AckWait: 30 * time.Second, Called: Called{Batch: "WORKER_BATCH"}}
	for name, c := range map[string]struct {
		change   func(*jetstream.ConsumerConfig)
		says     string // empty: nothing
		unusable bool
	}{
		"ours":                          {func(*jetstream.ConsumerConfig) {}, "", false},
		"ack pending enough":            {func(c *jetstream.ConsumerConfig) { c.MaxAckPending = 4000 }, "", false},
		"ack pending too low":           {func(c *jetstream.ConsumerConfig) { c.MaxAckPending = 3999 }, "want 20000, or lower WORKER_BATCH", false},
		"ack pending without limit":     {func(c *jetstream.ConsumerConfig) { c.MaxAckPending = -1 }, "", false},
		"batch enough":                  {func(c *jetstream.ConsumerConfig) { c.MaxRequestBatch = 1000 }, "", false},
		"batch too low":                 {func(c *jetstream.ConsumerConfig) { c.MaxRequestBatch = 999 }, "lower WORKER_BATCH", true},
		"bytes enough":                  {func(c *jetstream.ConsumerConfig) { c.MaxRequestMaxBytes = maxFetchBytes }, "", false},
		"bytes low":                     {func(c *jetstream.ConsumerConfig) { c.MaxRequestMaxBytes = maxFetchBytes - 1 }, "want 2097152 or no limit", false},
		"bytes for one event":           {func(c *jetstream.ConsumerConfig) { c.MaxRequestMaxBytes = payload + fetchRoom }, "want 2097152 or no limit", false},
		"bytes for less than one event": {func(c *jetstream.ConsumerConfig) { c.MaxRequestMaxBytes = payload + fetchRoom - 1 }, "raise the durable's max bytes to 2097152", true},
		"expires enough":                {func(c *jetstream.ConsumerConfig) { c.MaxRequestExpires = fetchWait }, "", false},
		"expires too low":               {func(c *jetstream.ConsumerConfig) { c.MaxRequestExpires = fetchWait - 1 }, "max expires", true},
		"ack wait low":                  {func(c *jetstream.ConsumerConfig) { c.AckWait = 29 * time.Second }, "ack wait is 29s", false},
		"deliveries end":                {func(c *jetstream.ConsumerConfig) { c.MaxDeliver = 5 }, "max deliver is 5", false},
		"other filter":                  {func(c *jetstream.ConsumerConfig) { c.FilterSubject = "x" }, "filter is", false},
		"new events only":               {func(c *jetstream.ConsumerConfig) { c.DeliverPolicy = jetstream.DeliverNewPolicy }, "deliver policy", false},
	} {
		config := consumerConfig("d", want.AckWait)
		c.change(&config)
		found, err := consumerDifferences(config, want, payload)
		text := strings.Join(found, "\n")
		if err != nil {
			text = err.Error()
		}
		if errors.Is(err, ErrUnusableConsumer) != c.unusable || (text == "") != (c.says == "") || !strings.Contains(text, c.says) || len(found) > 1 {
			t.Errorf("%s: got %q, %v; want %q", name, found, err, c.says)
		}
	}
}

func TestStreamWeaknesses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*jetstream.StreamConfig)
		says   string
	}{
		"ours":             {func(*jetstream.StreamConfig) {}, ""},
		"memory":           {func(c *jetstream.StreamConfig) { c.Storage = jetstream.MemoryStorage }, "storage is memory"},
		"work queue":       {func(c *jetstream.StreamConfig) { c.Retention = jetstream.WorkQueuePolicy }, "retention is"},
		"old and limited":  {func(c *jetstream.StreamConfig) { c.Discard, c.MaxBytes = jetstream.DiscardOld, 1<<30 }, "discard is old"},
		"old, not limited": {func(c *jetstream.StreamConfig) { c.Discard = jetstream.DiscardOld }, ""},
		"new and limited":  {func(c *jetstream.StreamConfig) { c.MaxBytes = 1 << 30 }, ""},
		"short":            {func(c *jetstream.StreamConfig) { c.MaxAge = streamMaxAge - 1 }, "max age is"},
		"for ever":         {func(c *jetstream.StreamConfig) { c.MaxAge = 0 }, ""},
		"small messages":   {func(c *jetstream.StreamConfig) { c.MaxMsgSize = 256<<10 - 1 }, "max message size is 262143"},
		"just enough":      {func(c *jetstream.StreamConfig) { c.MaxMsgSize = 256 << 10 }, ""},
		"no acks":          {func(c *jetstream.StreamConfig) { c.NoAck = true }, "acknowledgements to publishers are off"},
	} {
		config := StreamConfig("POINTS")
		c.change(&config)
		text := strings.Join(streamWeaknesses(config), "\n")
		if (text == "") != (c.says == "") || !strings.Contains(text, c.says) {
			t.Errorf("%s: got %q, want %q", name, text, c.says)
		}
	}
}

// Subjects that leave out events are told in full, in the words of the
// configuration or in ours.
func TestSubjectsWarning(t *testing.T) {
	t.Parallel()
	for want, called := range map[string]Called{"correct NATS_STREAM": {Stream: "NATS_STREAM"}, "correct the stream's name": {}} {
		want = "its subjects are a.> b: events that are published to points.events.> do not all reach it; add points.events.> to its subjects, or " + want
		if got := SubjectsWarning([]string{"a.>", "b"}, called); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
	some := jetstream.StreamConfig{Subjects: []string{"points.events.order.>"}}
	if got := uncovered(some); len(got) != 1 || uncovered(StreamConfig("POINTS")) != nil || uncovered(jetstream.StreamConfig{Mirror: &jetstream.StreamSource{}}) != nil {
		t.Errorf("got %q", got)
	}
}
