package dispatch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v4"
	"go.uber.org/zap"

	"pointsledger/internal/sabotage"
	"pointsledger/ledger"
)

// settleStore is what the settle loop needs of the ledger.
type settleStore interface {
	Confirm(ctx context.Context, heard []ledger.Confirmation) (ledger.Confirmed, error)
	Settle(ctx context.Context, changes []ledger.Change) ([]ledger.OperationID, error)
}

const (
	// maxSettle bounds one settling statement.
	maxSettle = 1000
	// storePause is the pause after a failed statement of the claim loop.
	storePause = 500 * time.Millisecond
	// settleGrace is how long the database is tried after the last call of a
	// stopping process. What could not be written by then is in doubt when its
	// lease ends, which is the truth.
	settleGrace = 5 * time.Second
)

// settleLoop writes results in batches until the channel is closed: whatever
// has gathered while the last batch was written makes the next. While the
// database is away it waits, and so in the end do the senders. It returns the
// first error, which is one only after ctx has ended.
func (d *Dispatcher) settleLoop(ctx context.Context) (failed error) {
	batch := make([]result, 0, maxSettle)
	for first := range d.results {
		batch = d.gather(append(batch[:0], first))
		if err := d.settle(ctx, batch); err != nil && failed == nil {
			failed = err
		}
	}
	return failed
}

// settle writes one batch: first what was confirmed, then what goes back. While
// the ledger refuses all of it, further results join: if one of them is written,
// the refusal is another row's own (ledger.SetAsideError).
func (d *Dispatcher) settle(ctx context.Context, batch []result) error {
	started := time.Now()
	sabotage.Crash(sabotage.BeforeConfirm)
	again, written := false, 0 // the confirmations in batch[:written] are written
	confirm := func() error {
		if again {
			batch = d.gather(batch)
		}
		again = true
		err := d.confirm(ctx, heardIn(batch[written:]))
		if err == nil {
			written = len(batch)
		}
		return err
	}
	err := retryStore(ctx, d.note, confirm)
	sabotage.Crash(sabotage.AmidSettle)
	if err == nil {
		d.tellSampler(batch)
		again = false
		err = retryStore(ctx, d.note, func() error {
			if err := confirm(); err != nil {
				return err
			}
			return d.giveBack(ctx, changesIn(batch))
		})
	}
	sabotage.Crash(sabotage.AfterSettle)
	var waited []time.Duration
	for _, r := range batch {
		d.leases.remove(r.row)
		if r.confirmation != nil {
			waited = append(waited, started.Sub(r.row.BrokerTime))
		}
	}
	signal(d.room)
	signal(d.reserved.freed)
	if err != nil {
		return fmt.Errorf("settle for %s: %w", d.account.Name, err)
	}
	d.observer.Written(d.account.Name, len(batch), time.Since(started), waited)
	return nil
}

// tellSampler tells of the newest call that the vendor confirmed, and of each
// repeat. A first call that was answered "already applied" is neither: another
// call made its record, and nobody knows when.
func (d *Dispatcher) tellSampler(batch []result) {
	var newest *held
	for _, r := range batch {
		switch {
		case r.confirmation == nil || r.confirmation.Evidence == ledger.Verified:
		case r.row.InDoubt:
			d.sampler.heard(r.row, r.confirmation.Evidence)
		case r.confirmation.Evidence != ledger.Answered:
		case newest == nil || r.row.sentAt().After(newest.sentAt()):
			newest = r.row
		}
	}
	if newest != nil {
		d.sampler.heard(newest, ledger.Answered)
	}
}

// gather adds to a batch what waits to be settled, and never waits itself.
func (d *Dispatcher) gather(batch []result) []result {
	for len(batch) < maxSettle {
		select {
		case r, open := <-d.results:
			if !open {
				return batch
			}
			batch = append(batch, r)
		default:
			return batch
		}
	}
	return batch
}

func heardIn(batch []result) (heard []ledger.Confirmation) {
	for _, r := range batch {
		if r.confirmation != nil {
			heard = append(heard, *r.confirmation)
		}
	}
	return heard
}

func changesIn(batch []result) (changes []ledger.Change) {
	for _, r := range batch {
		if r.confirmation == nil {
			r.change.Reshape = reshapes(&r.row.Claimed, r.change)
			changes = append(changes, *r.change)
		}
	}
	return changes
}

func (d *Dispatcher) confirm(ctx context.Context, heard []ledger.Confirmation) error {
	if len(heard) == 0 {
		return nil
	}
	done, err := d.book.settling.Confirm(ctx, heard)
	d.observer.Settled(d.account.Name, SettledPosted, done.Posted)
	if err = d.noteAside(err); err != nil {
		return err
	}
	d.observer.Settled(d.account.Name, SettledBefore, done.Before)
	if len(done.AfterVoid) > 0 {
		d.observer.Settled(d.account.Name, SettledAfterVoid, len(done.AfterVoid))
		d.log.Error("the vendor applied operations that a person had voided: somebody must look",
			zap.Any("operation_ids", done.AfterVoid))
	}
	if !d.confirmed.Load() {
		if err := d.book.account.MarkAccountConfirmed(ctx, d.account.Name); err != nil {
			return err
		}
		d.confirmed.Store(true)
	}
	return nil
}

func (d *Dispatcher) giveBack(ctx context.Context, changes []ledger.Change) error {
	if len(changes) == 0 {
		return nil
	}
	changed, err := d.book.settling.Settle(ctx, changes)
	if err = d.noteAside(err); err != nil {
		return err
	}
	parked := 0
	for i := range changes {
		if changes[i].State == ledger.Parked {
			parked++
		}
	}
	if lost := len(changes) - len(changed); lost > 0 {
		// Somebody else has the rows, in doubt: normal after a long pause.
		d.observer.LeasesLost(d.account.Name, lost)
		d.log.Warn("results came after the lease had ended; the rows are in doubt", zap.Int("rows", lost))
	}
	d.observer.Settled(d.account.Name, string(ledger.Parked), parked)
	d.observer.Settled(d.account.Name, string(ledger.Pending), len(changes)-parked)
	return nil
}

// noteAside tells of results that the ledger could not write, and returns every
// other error. The rows are parked; nothing else waits for them.
func (d *Dispatcher) noteAside(err error) error {
	var aside *ledger.SetAsideError
	if !errors.As(err, &aside) {
		return err
	}
	d.observer.Settled(d.account.Name, SettledAside, len(aside.Rows))
	d.aside.Add(int64(len(aside.Rows)))
	for _, r := range aside.Rows {
		d.log.Error("a result cannot be written, its row is parked: somebody must look", zap.Int64("operation_id", int64(r.ID)),
			zap.String("cause", string(ledger.CauseSettlingRefused)), zap.String("said", r.Words))
	}
	return nil
}

// retryStore tries a statement until it works or ctx ends, with growing
// pauses, and reports each end to note.
func retryStore(ctx context.Context, note func(error), f func() error) error {
	pauses := backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(50*time.Millisecond), backoff.WithMaxInterval(5*time.Second),
		backoff.WithMaxElapsedTime(0)) // ctx ends it
	return backoff.Retry(func() error {
		err := f()
		note(err)
		return err
	}, backoff.WithContext(pauses, ctx))
}
