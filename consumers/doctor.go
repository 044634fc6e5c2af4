package consumers

import (
	"context"
	"errors"
	"fmt"

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
	// Messages is how many the stream holds, Waiting how many of them the
	// durable has not delivered, Unacked how many it waits for.
	Messages, Waiting uint64
	Unacked           int
	// StreamWeak and DurableWeak list settings that are weaker than ours.
	StreamWeak, DurableWeak []string
}

// Inspect looks at stream and durable and changes nothing. The error is
// ErrUnusableConsumer when a worker could not use the durable, and anything
// else when it could not be read; what was found until then is returned too.
func Inspect(ctx context.Context, js jetstream.JetStream, want Config) (Intake, error) {
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
	in.Uncovered = !coversEvents(info.Config.Subjects)
	consumer, err := stream.Consumer(ctx, durable)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return in, nil
	}
	if err != nil {
		return in, openConsumerError(durable, err)
	}
	durableInfo := consumer.CachedInfo()
	in.DurableFound, in.Waiting, in.Unacked = true, durableInfo.NumPending, durableInfo.NumAckPending
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
