package consumers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// SubjectPrefix stands before the event's type in every subject.
const SubjectPrefix = "points.events."

// The settings of the stream and the durable consumer that we create when they
// are absent. What exists is never changed: it belongs to whoever made it.
const (
	streamMaxAge     = 30 * 24 * time.Hour
	streamDuplicates = 2 * time.Minute
	streamMaxMessage = 1 << 20
	// maxAckPending allows ten workers with two batches of 1,000 each: one is
	// recorded, the next waits.
	maxAckPending = 20_000
)

// StreamConfig is the stream as we create it. Discard new: a full stream
// refuses the publisher, who can try again, instead of dropping what nobody
// has read.
func StreamConfig(name string) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:        name,
		Description: "points-ledger events",
		Subjects:    []string{SubjectPrefix + ">"},
		Storage:     jetstream.FileStorage,
		Retention:   jetstream.LimitsPolicy,
		Discard:     jetstream.DiscardNew,
		MaxAge:      streamMaxAge,
		Duplicates:  streamDuplicates,
		MaxMsgSize:  streamMaxMessage,
	}
}

// ensureStream opens the stream, creating it when it is absent, and lists the
// settings of an existing one that are weaker than ours.
func ensureStream(ctx context.Context, js jetstream.JetStream, name string, called Called) (jetstream.Stream, []string, error) {
	stream, err := js.Stream(ctx, name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		stream, err = js.CreateStream(ctx, StreamConfig(name))
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another worker was faster
			stream, err = js.Stream(ctx, name)
		}
	}
	if err != nil {
		return nil, nil, fmt.Errorf("open stream %s: %w", name, err)
	}
	config := stream.CachedInfo().Config
	found := streamWeaknesses(config)
	if subjects := uncovered(config); subjects != nil {
		found = append(found, SubjectsWarning(subjects, called))
	}
	return stream, found, nil
}

// opensOf are the beginnings of the subjects at which stream and durable are
// opened and made.
func opensOf(stream, durable string) []string {
	return []string{"$JS.API.STREAM.INFO." + stream, "$JS.API.STREAM.CREATE." + stream,
		"$JS.API.CONSUMER.INFO." + stream + "." + durable, "$JS.API.CONSUMER.CREATE." + stream + "." + durable}
}

// streamWeaknesses compares an existing stream with what we would have made.
func streamWeaknesses(c jetstream.StreamConfig) []string {
	var found []string
	weak := func(is bool, text string, args ...any) {
		if is {
			found = append(found, fmt.Sprintf(text, args...))
		}
	}
	weak(c.Storage != jetstream.FileStorage, "storage is memory: events are lost when the server restarts; want file")
	weak(c.Retention != jetstream.LimitsPolicy, "retention is %v: events leave the stream before their age; want limits, so that a lost database can be rebuilt", c.Retention)
	weak(c.Discard == jetstream.DiscardOld && (c.MaxMsgs > 0 || c.MaxBytes > 0 || c.MaxMsgsPerSubject > 0),
		"discard is old and the size is limited: a full stream drops events that nobody has read; want new")
	weak(c.MaxAge > 0 && c.MaxAge < streamMaxAge, "max age is %v; want %v, so that a long outage loses nothing", c.MaxAge, streamMaxAge)
	weak(c.MaxMsgSize > 0 && c.MaxMsgSize < 256<<10, "max message size is %d; want at least 262144, the largest event", c.MaxMsgSize)
	weak(c.NoAck, "acknowledgements to publishers are off: a publisher cannot know that its event is stored")
	return found
}

// consumerConfig is the durable consumer as we create it.
func consumerConfig(name string, ackWait time.Duration) jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Durable:       name,
		Description:   "points-ledger worker",
		DeliverPolicy: jetstream.DeliverAllPolicy,
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       ackWait,
		MaxDeliver:    -1,
		MaxAckPending: maxAckPending,
		FilterSubject: SubjectPrefix + ">",
	}
}

// ensureConsumer opens the durable consumer, creating it when it is absent.
// One that cannot be used (push, or other acknowledgements) is an error; other
// differences are listed.
func ensureConsumer(ctx context.Context, stream jetstream.Stream, want Config, payload int) (jetstream.Consumer, []string, error) {
	name, made := want.Durable, ""
	consumer, err := stream.Consumer(ctx, name)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		if held := stream.CachedInfo().State.Msgs; held > 0 {
			made = fmt.Sprintf("it was not there, and is made anew: the stream's %d messages come again, and what the ledger has of them is counted as duplicates", held)
		}
		consumer, err = stream.CreateConsumer(ctx, consumerConfig(name, want.AckWait))
		if errors.Is(err, jetstream.ErrConsumerExists) {
			consumer, err = stream.Consumer(ctx, name)
		}
	}
	if err != nil {
		return nil, nil, openConsumerError(want, err)
	}
	found, err := consumerDifferences(consumer.CachedInfo().Config, want, payload)
	if err != nil {
		return nil, nil, err
	}
	if made != "" {
		found = append(found, made)
	}
	return consumer, found, nil
}

// CreateStream makes the stream, and with it the durable: whoever starts the
// first worker later need not say that nothing of the stream was recorded
// before. What is there already is left as it is.
func CreateStream(ctx context.Context, js jetstream.JetStream, want Config) error {
	_, err := js.CreateStream(ctx, StreamConfig(want.Stream))
	if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		return nil // a worker was faster, and makes the durable
	}
	if err != nil {
		return fmt.Errorf("make stream %s: %w", want.Stream, err)
	}
	if _, err := js.CreateConsumer(ctx, want.Stream, consumerConfig(want.Durable, want.AckWait)); err != nil {
		return fmt.Errorf("make consumer %s: %w", want.Durable, err)
	}
	return nil
}

// openConsumerError names a push consumer as one that cannot be used.
func openConsumerError(want Config, err error) error {
	name := want.Durable
	if errors.Is(err, jetstream.ErrNotPullConsumer) {
		return fmt.Errorf("%w: %s is a push consumer, want pull: %s", ErrUnusableConsumer, name, want.Called.anotherDurable())
	}
	return fmt.Errorf("open consumer %s: %w", name, err)
}

// consumerDifferences compares an existing consumer with what we would have
// made; one that cannot be used is an error. payload is the broker's
// max_payload. Limits on a fetch count as unusable where the broker would turn
// every fetch away, or a large event would stand in the way: the client keeps
// both to itself, and the worker would wait in silence.
func consumerDifferences(c jetstream.ConsumerConfig, want Config, payload int) ([]string, error) {
	name, batch, ackWait := want.Durable, want.Batch, want.AckWait
	switch {
	case c.AckPolicy != jetstream.AckExplicitPolicy:
		return nil, fmt.Errorf("%w: %s has ack policy %v, want explicit: %s", ErrUnusableConsumer, name, c.AckPolicy, want.Called.anotherDurable())
	case c.HeadersOnly:
		return nil, fmt.Errorf("%w: %s delivers headers only, which would make every event a reject: %s", ErrUnusableConsumer, name, want.Called.anotherDurable())
	case c.MaxRequestBatch > 0 && c.MaxRequestBatch < batch:
		return nil, fmt.Errorf("%w: %s allows %d messages in a fetch, the configuration says %d: %s, or raise the durable's max batch", ErrUnusableConsumer, name, c.MaxRequestBatch, batch,
			want.Called.lowerBatch())
	case c.MaxRequestMaxBytes > 0 && c.MaxRequestMaxBytes < payload+fetchRoom:
		return nil, fmt.Errorf("%w: %s allows %d bytes in a fetch, an event and its subject may take %d: raise the durable's max bytes to %d or more, or remove it",
			ErrUnusableConsumer, name, c.MaxRequestMaxBytes, payload+fetchRoom, FetchBytes(payload))
	case c.MaxRequestExpires > 0 && c.MaxRequestExpires < fetchWait:
		return nil, fmt.Errorf("%w: %s allows a fetch to wait %v, a worker's waits %v: raise the durable's max expires, or remove it",
			ErrUnusableConsumer, name, c.MaxRequestExpires, fetchWait)
	}
	var found []string
	if c.MaxRequestMaxBytes > 0 && c.MaxRequestMaxBytes < FetchBytes(payload) {
		found = append(found, fmt.Sprintf("max bytes of a fetch is %d: fetches are made that small, and slower; want %d or no limit", c.MaxRequestMaxBytes, FetchBytes(payload)))
	}
	if under := 2 * batch * want.BatchesInFlight; c.MaxAckPending > 0 && c.MaxAckPending < under {
		found = append(found, fmt.Sprintf("max ack pending is %d for all workers, one worker holds up to %d: events wait at the broker although workers have room; want %d, or %s",
			c.MaxAckPending, under, maxAckPending, want.Called.lowerBatch()))
	}
	if c.MaxDeliver > 0 {
		found = append(found, fmt.Sprintf("max deliver is %d: an event may be given up during an outage; want -1", c.MaxDeliver))
	}
	if c.DeliverPolicy != jetstream.DeliverAllPolicy {
		found = append(found, fmt.Sprintf("deliver policy is %v: events from before it was made are never seen; want all", c.DeliverPolicy))
	}
	if c.AckWait < ackWait {
		found = append(found, fmt.Sprintf("ack wait is %v; the configuration says %v", c.AckWait, ackWait))
	}
	if c.FilterSubject != SubjectPrefix+">" || len(c.FilterSubjects) > 0 {
		found = append(found, fmt.Sprintf("filter is %q %q; want %q", c.FilterSubject, c.FilterSubjects, SubjectPrefix+">"))
	}
	return found, nil
}

// Lag is how far a durable consumer is behind its stream.
type Lag struct {
	// Pending events were not delivered to a worker yet; Unacknowledged ones
	// were, and are not recorded yet as far as the broker knows.
	Pending, Unacknowledged uint64
	// Oldest is the broker's time of the oldest event that is not acknowledged;
	// zero when all are.
	Oldest time.Time
	// MaxAge is the age at which the stream drops events; 0 is never.
	MaxAge time.Duration
}

// ReadLag asks the broker, in two requests, or three when something waits. It
// is an error when the stream or the consumer is not there.
func ReadLag(ctx context.Context, js jetstream.JetStream, name, durable string) (Lag, error) {
	stream, err := js.Stream(ctx, name)
	if err != nil {
		return Lag{}, fmt.Errorf("look at stream %s: %w", name, err)
	}
	consumer, err := stream.Consumer(ctx, durable)
	if err != nil {
		return Lag{}, fmt.Errorf("look at consumer %s: %w", durable, err)
	}
	c := consumer.CachedInfo()
	lag := Lag{Pending: c.NumPending, Unacknowledged: uint64(c.NumAckPending), MaxAge: stream.CachedInfo().Config.MaxAge}
	if lag.Pending > 0 || lag.Unacknowledged > 0 {
		lag.Oldest, err = timeFrom(ctx, stream, c.AckFloor.Stream+1)
	}
	return lag, err
}
