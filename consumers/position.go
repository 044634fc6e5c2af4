package consumers

import (
	"context"
	"errors"
	"fmt"
	"time"

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
		first: info.State.FirstSeq, firstTime: info.State.FirstTime}
	consumer, err := stream.Consumer(ctx, durable)
	if errors.Is(err, jetstream.ErrConsumerNotFound) || errors.Is(err, jetstream.ErrNotPullConsumer) {
		// The runner makes it, or ends with advice.
		return at, nil
	}
	if err != nil {
		return position{}, fmt.Errorf("look at consumer %s: %w", durable, err)
	}
	c := consumer.CachedInfo()
	at.acked, at.hasAcked, at.delivered = c.AckFloor.Stream, c.AckFloor.Consumer > 0, c.Delivered.Stream
	if c.NumPending > 0 || c.NumAckPending > 0 {
		at.oldestUnacked, err = at.timeFrom(ctx, at.acked+1)
	}
	return at, err
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
