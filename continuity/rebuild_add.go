package continuity

import (
	"context"
	"fmt"
	"time"

	"pointsledger/consumers"
	"pointsledger/continuity/survey"
	"pointsledger/ledger"
)

// lockPatience is how long Add waits for the lock before it says so.
const lockPatience = 2 * time.Second

// Add reads a part of the stream and records what the ledger lacks, in batches,
// under the lock under which workers compare the ledger with the stream. It may
// be stopped at any point and run again. The error is the
// plan's own when it was cancelled before or meanwhile: it is looked at with each
// change. A ledger without an identity, in place of one
// that is lost, is marked first, and workers refuse it until a part that holds
// all of the stream's acknowledged events has been added.
func (r *Rebuilder) Add(ctx context.Context, a survey.Addition) (added survey.Added, err error) {
	session, err := OpenSession(ctx, r.Pool)
	if err != nil {
		return added, err
	}
	defer session.Close()
	now, err := session.Now(ctx)
	if err != nil {
		return added, err
	}
	added.Rejects = map[ledger.RejectCode]int64{}
	var unknown bool
	// The mark must be committed before the first event is.
	err = locked(ctx, session, a.Waiting, func() error {
		at, err := r.current(ctx, a)
		if err != nil {
			return err
		}
		unknown, err = r.prepare(ctx, session, a.Plan, now, at, &added)
		return err
	})
	if err != nil {
		return added, err
	}
	err = locked(ctx, session, a.Waiting, func() error {
		at, err := r.current(ctx, a)
		if err != nil {
			return err
		}
		if err := r.fill(ctx, at, a, &added); err != nil || !unknown {
			return err
		}
		if a.From > max(at.First, 1) || a.To < max(at.Acked, a.Delivered) {
			added.Unfinished = true
			return nil
		}
		added.Rebuilt = true
		return a.Plan.Hold(ctx, func() error {
			return session.Remember(ctx, Identity{Database: now, Stream: r.config.Stream, Durable: r.config.Durable, StreamCreated: at.Created, AckedSeq: at.Acked})
		})
	})
	if err != nil {
		added.Rebuilt, added.Unfinished = false, unknown
	}
	if err == nil && added.Rebuilt {
		err = r.takeWitness(ctx, session, now)
	}
	return added, err
}

// takeWitness lets the witness know the rebuilt ledger, in the place of the one
// that is lost. Where none can be kept, workers do without as well.
func (r *Rebuilder) takeWitness(ctx context.Context, session *Session, now Database) error {
	id, _, err := session.Remembered(ctx)
	if err != nil {
		return err
	}
	at, err := consumers.ReadPosition(ctx, r.JetStream, r.config.Stream, r.config.Durable)
	if err != nil {
		return err
	}
	w := witness{js: r.JetStream, denied: consumers.WatchDenied(r.JetStream.Conn()), stream: r.config.Stream, durable: r.config.Durable}
	if err := w.replace(ctx, testimonyOf(id, now, &at)); err != nil && !isNoWitness(err) {
		return fmt.Errorf("the ledger is rebuilt, but workers will take it for another one: %w", err)
	}
	return nil
}

// current looks at the stream again.
func (r *Rebuilder) current(ctx context.Context, a survey.Addition) (*consumers.Position, error) {
	state, at, err := r.state(ctx)
	if err != nil {
		return nil, err
	}
	if !state.Created.Equal(a.Created) {
		return nil, fmt.Errorf("%w: it was created %s, and %s when the part was chosen", ErrOtherStream,
			state.Created.UTC().Format(time.RFC3339), a.Created.UTC().Format(time.RFC3339))
	}
	return at, nil
}

// prepare makes the ledger one that may be added to. unknown tells that workers
// do not know it yet.
func (r *Rebuilder) prepare(ctx context.Context, session *Session, plan survey.Plan, now Database, at *consumers.Position, added *survey.Added) (unknown bool, err error) {
	remembered, found, err := session.Remembered(ctx)
	if err != nil {
		return false, err
	}
	switch {
	case !found:
		return true, plan.Hold(ctx, func() error {
			return session.MarkRebuilding(ctx, Identity{Database: now, Stream: r.config.Stream, StreamCreated: at.Created})
		})
	case remembered.Rebuilding():
		return true, nil
	case streamChanged(remembered, r.config.Stream, at):
		return false, r.refuseForeign(ctx, remembered, at)
	}
	if at.Acked <= remembered.AckedSeq {
		return false, nil
	}
	// What was acknowledged since the ledger was last known is in it, or it has
	// lost commits; then rows that it shows as open may have been sent, and once
	// the events are added no worker could tell.
	missing, _, err := r.reader(at).missing(ctx, stretch{from: remembered.AckedSeq + 1, to: at.Acked})
	if err != nil || missing == 0 {
		return false, err
	}
	return false, plan.Hold(ctx, func() (err error) {
		added.OpenInDoubt, err = DoubtOpen(ctx, r.Pool, Doubt{SentSince: remembered.BeatAt.Add(-heartbeatSlack), Rest: r.config.Rest, Parked: true})
		return err
	})
}

// refuseForeign refuses a ledger that knows none of the newest events of this
// stream, and remembers another one. A stream that was made anew is no reason.
func (r *Rebuilder) refuseForeign(ctx context.Context, remembered Identity, at *consumers.Position) error {
	if !at.AnyAcked {
		return nil
	}
	from := uint64(1)
	if at.Acked > foreignSample {
		from = at.Acked - foreignSample + 1
	}
	missing, there, err := r.reader(at).missing(ctx, stretch{from: from, to: at.Acked})
	if err != nil || missing == 0 || there > 0 {
		return err
	}
	return &ForeignStreamError{Stream: remembered.Stream, Created: remembered.StreamCreated, Here: r.config.Stream, HereCreated: at.Created}
}

// fill records what the ledger lacks, batch after batch. It asks for the plan
// before each, too, because a batch of which all is there writes nothing.
func (r *Rebuilder) fill(ctx context.Context, at *consumers.Position, a survey.Addition, added *survey.Added) error {
	var events int64
	read, err := r.reader(at).each(ctx, stretch{from: a.From, to: a.To}, func(entries []ledger.Entry) error {
		if err := a.Plan.Stands(ctx); err != nil {
			return err
		}
		verdicts, err := r.Store.RecordRebuilt(ctx, entries, ledger.Rebuilt{Rest: r.config.Rest, Parked: true, While: a.Plan})
		if err != nil {
			return err
		}
		added.Count(entries, verdicts)
		events += int64(len(entries))
		if err := noteRebuilt(ctx, r.Pool, a.Act, a.PlanMade, entries, verdicts); err != nil {
			return err
		}
		a.Progress(entries[len(entries)-1].Message.Seq, added.Events)
		return nil
	})
	added.Read, added.Ignored = int64(read), int64(read)-events
	return err
}

// locked runs f under the lock, and tells waiting when somebody else has it for
// long. f begins only after waiting has returned.
func locked(ctx context.Context, session *Session, waiting func(), f func() error) error {
	began, proceed, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- session.Locked(ctx, func() error {
			close(began)
			<-proceed
			return f()
		})
	}()
	timer := time.NewTimer(lockPatience)
	defer timer.Stop()
	select {
	case <-began:
	case err := <-done:
		return err
	case <-timer.C:
		waiting()
	}
	close(proceed)
	return <-done
}
