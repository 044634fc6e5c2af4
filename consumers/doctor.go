package consumers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
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
	ctx, finish := WatchDenied(js.Conn()).During(ctx, asksOf(want.Stream)...)
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
	in.Uncovered, in.Created = uncovered(info.Config) != nil, info.Created
	if info.Config.Mirror != nil {
		in.MirrorOf = info.Config.Mirror.Name
	}
	consumer, err := stream.Consumer(ctx, durable)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return in, nil
	}
	if err != nil {
		return in, openConsumerError(want, err)
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

// uncovered are a stream's own subjects when they leave out events, nil when they
// do not. A mirror has none, and what it gets is its origin's matter; what a
// stream takes from others comes with their subjects.
func uncovered(c jetstream.StreamConfig) []string {
	if c.Mirror != nil || len(c.Sources) > 0 || coversEvents(c.Subjects) {
		return nil
	}
	return append([]string{}, c.Subjects...)
}

// SubjectsWarning says that a stream with these subjects does not get every event.
func SubjectsWarning(subjects []string, called Called) string {
	return fmt.Sprintf("its subjects are %s: events that are published to %s> do not all reach it; add %s> to its subjects, or %s",
		strings.Join(subjects, " "), SubjectPrefix, SubjectPrefix, called.anotherStream())
}
