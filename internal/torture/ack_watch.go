package torture

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go/jetstream"
)

// ackWatch looks, while the run goes on, whether what is acknowledged is
// recorded. The books at the end cannot tell: a worker that acknowledged too
// early and lived has recorded it since, and one that did not is found out by
// the next, which reads the stream again.
//
// It looks at messages that must be rejects, because each stored copy of them
// has a row of its own.
type ackWatch struct {
	rig     *rig
	publish *publisher

	looked, early int
	first         string

	// looking is held while it looks, and while what was recorded is taken away.
	looking sync.Mutex
	// waiting are acknowledged messages that are still to be looked up.
	waiting map[int64]int
}

// sqlRejected are the rejects among some sequences of the stream.
const sqlRejected = `SELECT stream_seq FROM rejects WHERE stream_seq = ANY($1)`

// run watches until ctx ends. Only after that its counts may be read.
func (w *ackWatch) run(ctx context.Context) {
	for ctx.Err() == nil {
		w.looking.Lock()
		if len(w.waiting) == 0 {
			w.waiting = w.acknowledged(ctx)
		}
		if len(w.waiting) > 0 && w.look(ctx, w.waiting) == nil {
			w.waiting = nil
		}
		w.looking.Unlock()
		pause(ctx, pollEvery)
	}
}

// without runs a fault that takes committed rejects away. What was acknowledged
// by its end cannot be looked up at once any more; the end of the run will.
func (w *ackWatch) without(ctx context.Context, fault func() error) error {
	w.looking.Lock()
	defer w.looking.Unlock()
	if err := fault(); err != nil {
		return err
	}
	w.waiting = nil
	return until(ctx, patience, "the broker to say what is acknowledged", func(ctx context.Context) bool {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		consumer, err := w.rig.js.Consumer(ctx, streamName, durableName)
		if err == nil {
			w.publish.takeRejected(consumer.CachedInfo().AckFloor.Stream)
		}
		return err == nil || errors.Is(err, jetstream.ErrConsumerNotFound)
	})
}

// acknowledged takes the messages that are acknowledged by now.
func (w *ackWatch) acknowledged(ctx context.Context) map[int64]int {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	consumer, err := w.rig.js.Consumer(ctx, streamName, durableName)
	if err != nil {
		return nil // the broker is away
	}
	return w.publish.takeRejected(consumer.CachedInfo().AckFloor.Stream)
}

// look asks the ledger for their rejects. They were acknowledged before it
// asks, so one that is not there was acknowledged too early.
func (w *ackWatch) look(ctx context.Context, sequences map[int64]int) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	asked := slices.Sorted(maps.Keys(sequences))
	rows, err := w.rig.pool.Query(ctx, sqlRejected, asked)
	if err != nil {
		return fmt.Errorf("read rejects: %w", err)
	}
	there, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return fmt.Errorf("read rejects: %w", err)
	}
	w.looked += len(asked)
	for _, sequence := range asked {
		if slices.Contains(there, sequence) {
			continue
		}
		if w.early++; w.early == 1 {
			w.first = fmt.Sprintf("message %d (sequence %d) was acknowledged, and the ledger had no reject of it at that moment", sequences[sequence], sequence)
		}
	}
	return nil
}
