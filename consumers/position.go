package consumers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Position is where the stream and the durable consumer are.
type Position struct {
	// Found tells that the stream is there; without it all else is zero.
	Found   bool
	Created time.Time
	// First and FirstAt are of the oldest event that is left.
	First   uint64
	FirstAt time.Time
	// MaxAge is the age at which the stream drops events; 0 is never.
	MaxAge time.Duration
	// Last is the sequence of the newest event, Messages how many are left.
	Last, Messages uint64
	// Uncovered are the stream's subjects when they leave out some of those that
	// events are published to; nil when they do not.
	Uncovered []string
	// DurableFound tells that the durable is there; without it all that follows is
	// zero, and nothing tells what workers were handed.
	DurableFound bool
	// PausedUntil is zero unless somebody has paused the durable.
	PausedUntil time.Time
	// Acked: every event up to it was acknowledged, or had left the stream
	// before the durable was made. AnyAcked tells that some were.
	Acked    uint64
	AnyAcked bool
	// Delivered: a worker may have recorded events up to it.
	Delivered uint64
	// OldestUnacked is the broker's time of the oldest event that is not
	// acknowledged; zero when all are.
	OldestUnacked time.Time

	stream jetstream.Stream
}

// asksOf are the beginnings of the subjects at which a position is asked for.
func asksOf(stream string) []string {
	return []string{"$JS.API.STREAM.INFO." + stream, "$JS.API.CONSUMER.INFO." + stream + ".",
		"$JS.API.STREAM.MSG.GET." + stream, "$JS.API.DIRECT.GET." + stream}
}

// AskPosition is ReadPosition, whose errors say which right is missing, or that
// JetStream is off.
func AskPosition(ctx context.Context, js jetstream.JetStream, denied *Denied, name, durable string) (Position, error) {
	ctx, finish := denied.During(ctx, asksOf(name)...)
	at, err := ReadPosition(ctx, js, name, durable)
	if err = finish(err); err != nil {
		return Position{}, inBrokersWords(err, js)
	}
	return at, nil
}

// inBrokersWords names the server where the error alone would mislead.
func inBrokersWords(err error, js jetstream.JetStream) error {
	server := js.Conn().ConnectedUrlRedacted()
	has, _ := js.Conn().ConnectedServerJetStream()
	switch {
	case errors.Is(err, nats.ErrNoResponders) && has:
		return fmt.Errorf("JetStream does not answer at %s: it is starting, or its cluster has no leader: %w", server, err)
	case errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		return &JetStreamOffError{Server: server, OfAccount: true, Err: err}
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, nats.ErrNoResponders):
		return &JetStreamOffError{Server: server, Err: err}
	}
	return err
}

// ReadPosition asks the broker. A stream or consumer that is not there yet is
// no error.
func ReadPosition(ctx context.Context, js jetstream.JetStream, name, durable string) (Position, error) {
	stream, err := js.Stream(ctx, name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return Position{}, nil
	}
	if err != nil {
		return Position{}, fmt.Errorf("look at stream %s: %w", name, err)
	}
	info := stream.CachedInfo()
	at := Position{stream: stream, Found: true, Created: info.Created, MaxAge: info.Config.MaxAge,
		First: info.State.FirstSeq, FirstAt: info.State.FirstTime, Last: info.State.LastSeq, Messages: info.State.Msgs,
		Uncovered: uncovered(info.Config)}
	consumer, err := stream.Consumer(ctx, durable)
	if errors.Is(err, jetstream.ErrConsumerNotFound) || errors.Is(err, jetstream.ErrNotPullConsumer) {
		// The runner makes it, or ends with advice.
		return at, nil
	}
	if err != nil {
		return Position{}, fmt.Errorf("look at consumer %s: %w", durable, err)
	}
	c := consumer.CachedInfo()
	at.DurableFound, at.PausedUntil = true, pausedUntil(c, time.Now())
	at.Acked, at.AnyAcked, at.Delivered = c.AckFloor.Stream, c.AckFloor.Consumer > 0, c.Delivered.Stream
	if c.NumPending > 0 || c.NumAckPending > 0 {
		at.OldestUnacked, err = at.TimeFrom(ctx, at.Acked+1)
	}
	return at, err
}

// pausedUntil is when a paused durable goes on, zero for one that is not paused.
func pausedUntil(c *jetstream.ConsumerInfo, now time.Time) time.Time {
	switch {
	case !c.Paused:
		return time.Time{}
	case c.Config.PauseUntil != nil:
		return *c.Config.PauseUntil
	}
	return now.Add(c.PauseRemaining)
}

// TimeFrom is the broker's time of the first event from seq on; zero when
// there is none. The stream must be there.
func (at *Position) TimeFrom(ctx context.Context, seq uint64) (time.Time, error) {
	return timeFrom(ctx, at.stream, seq)
}

func timeFrom(ctx context.Context, stream jetstream.Stream, seq uint64) (time.Time, error) {
	m, err := stream.GetMsg(ctx, max(seq, 1), jetstream.WithGetMsgSubject(SubjectPrefix+">"))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("look at event %d: %w", seq, err)
	}
	return m.Time, nil
}
