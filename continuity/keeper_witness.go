package continuity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"pointsledger/consumers"
)

// isNoWitness tells that no witness can be kept, and the ledger is used without.
func isNoWitness(err error) bool {
	var none *noWitnessError
	return errors.As(err, &none)
}

// readWitness reads what the witness of a durable has seen, nil when there is
// none. While the broker does not even tell the position it is not asked.
func (k *Keeper) readWitness(ctx context.Context, durable string, positionErr error) (*testimony, error) {
	if positionErr != nil {
		return nil, positionErr
	}
	seen, err := k.witness.read(ctx, durable)
	if err != nil && !isNoWitness(err) {
		return nil, &brokerError{err}
	}
	return seen, err
}

// testify writes the witness, and notes when there was none although the ledger
// had one before.
func (k *Keeper) testify(ctx context.Context, now testimony, raise func(above int64) (int64, error)) error {
	made, err := k.witness.testify(ctx, now, raise)
	if made && now.Beat > 1 {
		k.witnessLost = time.Now()
		k.Log.Warn("the ledger's witness was not there and is made", zap.String("bucket", WitnessBucket(k.config.Stream)),
			zap.String("key", WitnessKey(k.config.Durable)), zap.Int64("beat", now.Beat))
	}
	return err
}

// testifyFirst writes the witness after a look that may have mended the ledger,
// and before the guard opens: the counter ends above what anybody wrote
// meanwhile. cannot is why there is no witness.
func (k *Keeper) testifyFirst(ctx context.Context, session *Session, id Identity, now Database, at *consumers.Position) (_ Identity, cannot, err error) {
	raise := func(above int64) (int64, error) {
		beat, err := session.Raise(ctx, id.LedgerID, above)
		if err == nil {
			id.Beat = beat
		}
		return beat, err
	}
	switch err := k.testify(ctx, testimonyOf(id, now, at), raise); {
	case err == nil:
		return id, nil, nil
	case isNoWitness(err):
		return id, err, nil
	case errors.Is(err, errOvertaken), errors.Is(err, ErrAnotherDatabase):
		return id, nil, err
	default:
		return id, nil, &brokerError{err}
	}
}

// seenLater is what a witness has seen that the row does not show; nil when
// nothing was. An earlier durable's witness counts as well.
func (f *facts) seenLater() *testimony {
	for _, w := range []*testimony{f.witness, f.elder} {
		if w != nil && w.LedgerID == f.remembered.LedgerID && f.remembered.Beat < w.Beat {
			return w
		}
	}
	return nil
}

// mendedJump is by how much mending raises the counter above what was seen: a
// worker that still beats in the database from before does not reach it.
const mendedJump = 1_000_000

// highest is the highest counter that a witness has seen of this ledger, raised
// when the ledger was mended.
func (f *facts) highest() (beat int64) {
	if f.mended {
		defer func() { beat = max(beat, f.remembered.Beat) + mendedJump }()
	}
	for _, w := range []*testimony{f.witness, f.elder} {
		if w != nil && w.LedgerID == f.remembered.LedgerID {
			beat = max(beat, w.Beat)
		}
	}
	return beat
}

// ackedBefore is the highest sequence of this stream that is known to have been
// acknowledged, by the row or by a witness.
func (f *facts) ackedBefore() uint64 {
	acked := f.remembered.AckedSeq
	for _, w := range []*testimony{f.witness, f.elder} {
		if w != nil && w.StreamCreated.Equal(f.at.Created) {
			acked = max(acked, w.Acked)
		}
	}
	return acked
}

// witnessAgrees tells that the witness, if there is one, has seen nothing that
// speaks against this state of the ledger in this database.
func (f *facts) witnessAgrees() bool {
	w := f.witness
	return w == nil || w.LedgerID == f.remembered.LedgerID && f.remembered.Beat >= w.Beat &&
		sameCluster(Database{SystemIdentifier: w.SystemIdentifier, Timeline: w.Timeline}, f.now)
}

// superseded says why the ledger may not be used by this database: it goes on
// elsewhere, or this is another one. Empty when nothing speaks for it.
func (f *facts) superseded() string {
	for _, w := range []*testimony{f.witness, f.elder} {
		switch {
		case w == nil:
		case !f.found || w.LedgerID != f.remembered.LedgerID:
			if w == f.witness {
				return fmt.Sprintf("the witness beside the stream knows another ledger (%s, this one %s)", w.LedgerID, nameOf(f.remembered.LedgerID))
			}
		case w.sameCluster(testimony{SystemIdentifier: f.now.SystemIdentifier}) && f.now.Timeline != 0 && w.Timeline > f.now.Timeline:
			return fmt.Sprintf("the ledger has been seen on timeline %d, and this database is on timeline %d: a standby took over from it, "+
				"and this is the server, or a backup, from before", w.Timeline, f.now.Timeline)
		case !w.sameCluster(testimony{SystemIdentifier: f.now.SystemIdentifier}) && w.Beat > f.remembered.Beat &&
			f.remembered.Database.SystemIdentifier == f.now.SystemIdentifier:
			return fmt.Sprintf("a copy of the ledger in another cluster (system identifier %d, this one is %d) has gone on with it",
				w.SystemIdentifier, f.now.SystemIdentifier)
		}
	}
	return ""
}

func nameOf(ledgerID string) string {
	if ledgerID == "" {
		return "was never used"
	}
	return "is " + ledgerID
}
