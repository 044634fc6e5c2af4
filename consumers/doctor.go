package consumers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"pointsledger/ledger"
)

// Intake is what the broker has for a worker.
type Intake struct {
	// StreamFound and DurableFound: what is absent, a worker makes when it starts.
	StreamFound, DurableFound bool
	// Subjects are the stream's own; Uncovered says that they leave out some of
	// the subjects that events are published to.
	Subjects  []string
	Uncovered bool
	// MirrorOf is the stream that this one is a mirror of; empty: none. Events
	// are published to that one, and Subjects is empty.
	MirrorOf string
	Created  time.Time
	// Messages is how many the stream holds, Waiting how many of them the
	// durable has not delivered, Unacked how many it waits for.
	Messages, Waiting uint64
	Unacked           int
	// PausedUntil is zero unless the durable is paused.
	PausedUntil time.Time
	// StreamWeak and DurableWeak list settings that are weaker than ours.
	StreamWeak, DurableWeak []string
}

// Inspect looks at stream and durable and changes nothing. The error is
// ErrUnusableConsumer when a worker could not use the durable, and anything
// else when it could not be read; what was found until then is returned too.
func Inspect(ctx context.Context, js jetstream.JetStream, want Config) (Intake, error) {
	ctx, finish := WatchDenied(js.Conn()).during(ctx, asksOf(want.Stream)...)
	in, err := inspect(ctx, js, want)
	if err = finish(err); err != nil {
		return in, inBrokersWords(err, js)
	}
	return in, nil
}

func inspect(ctx context.Context, js jetstream.JetStream, want Config) (Intake, error) {
	name, durable := want.Stream, want.Durable
	var in Intake
	stream, err := js.Stream(ctx, name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return in, nil
	}
	if err != nil {
		return in, fmt.Errorf("open stream %s: %w", name, err)
	}
	info := stream.CachedInfo()
	in.StreamFound, in.Subjects, in.Messages = true, info.Config.Subjects, info.State.Msgs
	in.StreamWeak = streamWeaknesses(info.Config)
	in.Uncovered, in.Created = subjectsWarning(info.Config) != "", info.Created
	if info.Config.Mirror != nil {
		in.MirrorOf = info.Config.Mirror.Name
	}
	consumer, err := stream.Consumer(ctx, durable)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return in, nil
	}
	if err != nil {
		return in, openConsumerError(durable, err)
	}
	durableInfo := consumer.CachedInfo()
	in.DurableFound, in.Waiting, in.Unacked = true, durableInfo.NumPending, durableInfo.NumAckPending
	in.PausedUntil = pausedUntil(durableInfo, time.Now())
	in.DurableWeak, err = consumerDifferences(durableInfo.Config, want, int(js.Conn().MaxPayload()))
	return in, err
}

// coversEvents tells whether one of the subjects takes in every event's.
func coversEvents(subjects []string) bool {
	for _, s := range subjects {
		switch s {
		case ">", "points.>", "*.>", "points.*.>", "*.*.>", "*.events.>", SubjectPrefix + ">":
			return true
		}
	}
	return false
}

// subjectsWarning says that a stream's own subjects leave out events; empty when
// they do not. A mirror has none, and what it gets is its origin's matter; what a
// stream takes from others comes with their subjects.
func subjectsWarning(c jetstream.StreamConfig) string {
	if c.Mirror != nil || len(c.Sources) > 0 || coversEvents(c.Subjects) {
		return ""
	}
	return fmt.Sprintf("its subjects are %s: events that are published to %s> do not all reach it; add %s> to its subjects, or correct NATS_STREAM",
		strings.Join(c.Subjects, " "), SubjectPrefix, SubjectPrefix)
}

// Witnessed is what the witness beside the stream has seen of a ledger.
type Witnessed struct {
	// Bucket and Key are where it is kept.
	Bucket, Key string
	// Found is false while no worker has written it.
	Found    bool
	LedgerID string
	// Timeline is of the database that showed the counter Beat; 0: not readable.
	Timeline, Beat int64
	// At is the broker's time of the last write.
	At time.Time

	seen *testimony
}

// InspectWitness reads the witness of a durable and makes nothing. The error says
// why it cannot be read, the missing right too.
func InspectWitness(ctx context.Context, js jetstream.JetStream, stream, durable string) (Witnessed, error) {
	found := Witnessed{Bucket: WitnessBucket(stream), Key: WitnessKey(durable)}
	w := witness{js: js, denied: WatchDenied(js.Conn()), stream: stream, durable: durable, lookOnly: true}
	seen, err := w.read(ctx, durable)
	if err != nil || seen == nil {
		return found, err
	}
	found.Found, found.LedgerID, found.Timeline, found.Beat, found.At, found.seen = true, seen.LedgerID, seen.Timeline, seen.Beat, seen.at, seen
	return found, nil
}

// Against says what speaks against a state of the ledger that was read after the
// witness: stops tells that workers refuse it, otherwise they mend it. The text
// is empty when nothing does. used is false for a ledger that was never used.
func (w Witnessed) Against(remembered ledger.Identity, used bool, now ledger.Database) (what string, stops bool) {
	f := facts{now: now, remembered: remembered, found: used, witness: w.seen}
	if what := f.superseded(); what != "" {
		return what, true
	}
	return f.lostCause(), false
}
