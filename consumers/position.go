package consumers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// position is where the stream and the durable consumer are.
type position struct {
	// stream is nil while there is none; then all else is zero.
	stream  jetstream.Stream
	created time.Time
	// first and firstTime are of the oldest event that is left.
	first     uint64
	firstTime time.Time
	maxAge    time.Duration
	// last is the sequence of the newest event, messages how many are left.
	last, messages uint64
	// subjectsWarning says that the stream does not take in every event's
	// subject; empty when it does.
	subjectsWarning string
	// consumer tells that the durable is there; without it all that follows is
	// zero, and nothing tells what workers were handed.
	consumer bool
	// pausedUntil is zero unless somebody has paused the durable.
	pausedUntil time.Time
	// acked: every event up to it was acknowledged, or had left the stream
	// before the consumer was made. hasAcked tells that some were.
	acked    uint64
	hasAcked bool
	// delivered: a worker may have recorded events up to it.
	delivered uint64
	// oldestUnacked is the broker's time of the oldest event that is not
	// acknowledged; zero when all are.
	oldestUnacked time.Time
}

// brokerError is a fault of the broker or of what it lets us do, and none of the
// database's.
type brokerError struct{ error }

func (e *brokerError) Unwrap() error { return e.error }

// asksOf are the beginnings of the subjects at which a position is asked for.
func asksOf(stream string) []string {
	return []string{"$JS.API.STREAM.INFO." + stream, "$JS.API.CONSUMER.INFO." + stream + ".",
		"$JS.API.STREAM.MSG.GET." + stream, "$JS.API.DIRECT.GET." + stream}
}

// askPosition is readPosition, whose errors say which right is missing, or that
// JetStream is off.
func askPosition(ctx context.Context, js jetstream.JetStream, denied *Denied, name, durable string) (position, error) {
	ctx, finish := denied.during(ctx, asksOf(name)...)
	at, err := readPosition(ctx, js, name, durable)
	if err = finish(err); err != nil {
		return position{}, &brokerError{inBrokersWords(err, js)}
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
		return fmt.Errorf("JetStream is off for the account of this NATS user at %s: enable it for the account, or correct NATS_CREDS or NATS_URL: %w", server, err)
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, nats.ErrNoResponders):
		return fmt.Errorf("JetStream is off at %s: start the server with it (-js, or jetstream {} in its file), or correct NATS_URL: %w", server, err)
	}
	return err
}

// readPosition asks the broker. A stream or consumer that is not there yet is
// no error.
func readPosition(ctx context.Context, js jetstream.JetStream, name, durable string) (position, error) {
	stream, err := js.Stream(ctx, name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return position{}, nil
	}
	if err != nil {
		return position{}, fmt.Errorf("look at stream %s: %w", name, err)
	}
	info := stream.CachedInfo()
	at := position{stream: stream, created: info.Created, maxAge: info.Config.MaxAge,
		first: info.State.FirstSeq, firstTime: info.State.FirstTime, last: info.State.LastSeq, messages: info.State.Msgs,
		subjectsWarning: subjectsWarning(info.Config)}
	consumer, err := stream.Consumer(ctx, durable)
	if errors.Is(err, jetstream.ErrConsumerNotFound) || errors.Is(err, jetstream.ErrNotPullConsumer) {
		// The runner makes it, or ends with advice.
		return at, nil
	}
	if err != nil {
		return position{}, fmt.Errorf("look at consumer %s: %w", durable, err)
	}
	c := consumer.CachedInfo()
	at.consumer, at.pausedUntil = true, pausedUntil(c, time.Now())
	at.acked, at.hasAcked, at.delivered = c.AckFloor.Stream, c.AckFloor.Consumer > 0, c.Delivered.Stream
	if c.NumPending > 0 || c.NumAckPending > 0 {
		at.oldestUnacked, err = at.timeFrom(ctx, at.acked+1)
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

// pausedWarning says that the broker holds the events back.
func pausedWarning(stream, durable string, until time.Time) string {
	if until.IsZero() {
		return ""
	}
	return fmt.Sprintf("the durable %s is paused until %s: the broker hands out no event until then; if that is not meant, run `nats consumer resume %s %s`",
		durable, until.UTC().Format(time.RFC3339), stream, durable)
}

// timeFrom is the broker's time of the first event from seq on; zero when
// there is none.
func (at *position) timeFrom(ctx context.Context, seq uint64) (time.Time, error) {
	m, err := at.stream.GetMsg(ctx, max(seq, 1), jetstream.WithGetMsgSubject(SubjectPrefix+">"))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("look at event %d: %w", seq, err)
	}
	return m.Time, nil
}

// lateWarning says that events may age out of the stream before they are
// recorded; empty when none is that old.
func (at *position) lateWarning(now time.Time) string {
	age := now.Sub(at.oldestUnacked)
	if at.maxAge <= 0 || at.oldestUnacked.IsZero() || age <= at.maxAge/2 {
		return ""
	}
	return fmt.Sprintf("the oldest event that is not recorded is %v old, and the stream drops events after %v: raise its max age, or get the intake to work",
		age.Round(time.Second), at.maxAge)
}
