package continuity

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"pointsledger/consumers"
	"pointsledger/ledger"
)

const (
	// rereadMargin is read again before the newest batch that the database
	// still has, whatever was acknowledged.
	rereadMargin = 10 * time.Minute
	// heartbeatSlack covers clocks and the time between a look and its write.
	heartbeatSlack = time.Minute
	// failoverGap is the most that a standby can lack. A database that lacks
	// more is a restored backup: people may have decided since about rows that
	// it shows as open, so all of them are left to people.
	failoverGap = time.Hour
	// foreignSample is how many of the newest acknowledged events are looked up
	// to tell whether a stream is this ledger's.
	foreignSample = 200
)

// facts are what a decision rests on.
type facts struct {
	now Database
	at  *consumers.Position
	// remembered is meaningless unless found.
	remembered Identity
	found      bool
	empty      bool
	// last is what this process saw last, nil at its start.
	last *Identity
	// witness is what the durable's witness has seen, and elder that of the
	// durable that the ledger remembers, when it had another name; nil: none.
	witness, elder *testimony
	// mended: the ledger lacked commits, and what the stream has was added.
	mended bool
}

// lostCause says why the database may lack commits that it once had; empty
// when nothing speaks for it.
func (f *facts) lostCause() string {
	before, now := f.remembered.Database, f.now
	switch {
	case !f.found:
		return ""
	case before.Timeline != 0 && now.Timeline != 0 && before.Timeline != now.Timeline:
		return fmt.Sprintf("its timeline was %d and is %d: a standby took over, or a backup was recovered", before.Timeline, now.Timeline)
	case !sameCluster(before, now):
		return fmt.Sprintf("its system identifier was %d and is %d: a copy in another cluster", before.SystemIdentifier, now.SystemIdentifier)
	case f.last != nil && f.last.LedgerID != f.remembered.LedgerID:
		return "another ledger is in its place"
	case f.last != nil && f.remembered.Beat < f.last.Beat:
		return "it is in an older state than this worker saw"
	}
	if w := f.seenLater(); w != nil {
		return fmt.Sprintf("its counter is %d, and the witness beside the stream has seen %d: it was rolled back, or lost its newest commits", f.remembered.Beat, w.Beat)
	}
	return ""
}

// needsFirstStart tells that nothing says what of the stream was recorded before:
// neither the ledger, which was never used, nor a durable.
func (f *facts) needsFirstStart() bool {
	return !f.found && f.empty && !f.at.DurableFound && f.at.Messages > 0
}

// readTo is the last event that a ledger which lost commits may have held. The
// durable tells; one that is not there, or is behind what was acknowledged
// before, was made anew or restored, and then any event up to the stream's end
// may have been recorded and sent.
func (f *facts) readTo() uint64 {
	if !f.at.DurableFound || f.at.Delivered < f.ackedBefore() {
		return f.at.Last
	}
	return f.at.Delivered
}

// isForeign tells that the ledger holds nothing of what was acknowledged, and
// does not know why: it is new, emptied, or somebody else's.
func (f *facts) isForeign() bool {
	return f.empty && f.at.AnyAcked && (!f.found || f.lostCause() != "" && f.remembered.AckedSeq < f.at.Acked)
}

// streamChanged tells that the stream is not the one that is remembered.
func streamChanged(remembered Identity, name string, at *consumers.Position) bool {
	if remembered.StreamCreated.IsZero() || at.Created.IsZero() {
		return false
	}
	// Postgres keeps microseconds.
	return remembered.Stream != name || !remembered.StreamCreated.Equal(at.Created.Truncate(time.Microsecond))
}

// decide runs under the lock, so that one worker mends and the others find it
// mended. It returns nil when the database may be used, a refusal when a person
// must act.
func (k *Keeper) decide(ctx context.Context, session *Session, now Database, at *consumers.Position) error {
	f := facts{now: now, at: at, last: k.last}
	if err := k.gather(ctx, session, &f); err != nil {
		return err
	}
	if f.found && f.remembered.Rebuilding() {
		return &RebuildingError{Stream: k.config.Stream, Acked: at.Acked}
	}
	if f.isForeign() {
		return k.notTheLedger("the ledger is empty", at)
	}
	if what := f.superseded(); what != "" {
		return k.superseded(what, &f)
	}
	if f.needsFirstStart() {
		if !k.config.FirstStart.Equal(firstStartOf(at.Created)) {
			return k.needsFirstStart(at)
		}
		k.Log.Warn("first start: all events of the stream are taken as new", zap.String("stream", k.config.Stream), zap.Uint64("messages", at.Messages))
	}
	acked := f.remembered.AckedSeq
	if f.found && streamChanged(f.remembered, k.config.Stream, at) {
		if err := k.adoptStream(ctx, &f); err != nil {
			return err
		}
		acked = 0
		f.remembered.AckedSeq, f.remembered.LastBrokerTime = 0, time.Time{}
	}
	if err := k.mend(ctx, &f); err != nil {
		return err
	}
	return session.Remember(ctx, Identity{Database: now, Stream: k.config.Stream, Durable: k.config.Durable, StreamCreated: at.Created,
		AckedSeq: max(acked, at.Acked), Beat: f.highest()})
}

// gather reads what a decision rests on, each witness before the row.
func (k *Keeper) gather(ctx context.Context, session *Session, f *facts) (err error) {
	before, found, err := session.Remembered(ctx)
	if err != nil {
		return err
	}
	if f.witness, err = k.readWitness(ctx, k.config.Durable, nil); err != nil && !isNoWitness(err) {
		return err
	}
	if found && before.Durable != "" && before.Durable != k.config.Durable {
		k.Log.Info("the durable has another name than before", zap.String("durable", k.config.Durable), zap.String("durable_before", before.Durable))
		if f.elder, err = k.readWitness(ctx, before.Durable, nil); err != nil && !isNoWitness(err) {
			return err
		}
	}
	if f.remembered, f.found, err = session.Remembered(ctx); err != nil {
		return err
	}
	f.empty, err = session.Empty(ctx)
	return err
}

// mend adds what the database lacks, if it lacks anything.
func (k *Keeper) mend(ctx context.Context, f *facts) error {
	cause := f.lostCause()
	if f.found && cause == "" && f.at.Acked > f.remembered.AckedSeq {
		// Acknowledged since the last look of any worker: a crash, or a backup
		// that shows no other sign.
		missing, _, err := k.reader(f.at).missing(ctx, stretch{from: f.remembered.AckedSeq + 1, to: f.at.Acked})
		if err != nil {
			return err
		}
		if missing > 0 {
			cause = fmt.Sprintf("%d acknowledged events are not in it: it is a backup, or lost its newest commits", missing)
		}
	}
	if cause == "" {
		if f.found && !f.at.DurableFound && f.at.Found && f.remembered.AckedSeq > 0 {
			k.Log.Warn("the durable is not there, although events were acknowledged: it was deleted, or has another name now. It is made anew; "+
				"what comes again is in the ledger and is counted as duplicates",
				zap.String("durable", k.config.Durable), zap.Uint64("acknowledged_before", f.remembered.AckedSeq))
		}
		return nil
	}
	f.mended = true
	return k.recover(ctx, f, cause)
}

// reader reads the stream again by the rules of the moment.
func (k *Keeper) reader(at *consumers.Position) *reader {
	k.mu.Lock()
	defer k.mu.Unlock()
	return &reader{js: k.JetStream, store: k.Store, rules: k.rules, of: consumers.Origin{Stream: k.config.Stream, Created: at.Created}}
}

// adoptStream accepts another stream than the remembered one, unless its
// consumer has acknowledged events of which this ledger knows none.
func (k *Keeper) adoptStream(ctx context.Context, f *facts) error {
	if f.at.AnyAcked {
		from := uint64(1)
		if f.at.Acked > foreignSample {
			from = f.at.Acked - foreignSample + 1
		}
		missing, there, err := k.reader(f.at).missing(ctx, stretch{from: from, to: f.at.Acked})
		if err != nil {
			return err
		}
		if missing > 0 && there == 0 {
			return k.notTheLedger(fmt.Sprintf("the ledger is of stream %s created %s, not of this one created %s",
				f.remembered.Stream, f.remembered.StreamCreated.Format(time.RFC3339), f.at.Created.Format(time.RFC3339)), f.at)
		}
	}
	k.Log.Warn("the stream was made anew: its sequences begin again",
		zap.String("stream", k.config.Stream), zap.Time("created", f.at.Created),
		zap.String("stream_before", f.remembered.Stream), zap.Time("created_before", f.remembered.StreamCreated))
	return nil
}

// recover marks every open row in doubt and reads the stream again from before
// the loss. What it adds is in doubt too. Both rest until no worker can hold a
// lease that the database does not know of.
func (k *Keeper) recover(ctx context.Context, f *facts, cause string) error {
	if k.Restore != nil {
		if err := k.Restore(ctx); err != nil {
			return fmt.Errorf("restore the registered rules: %w", err)
		}
	}
	since, ackedAt, err := k.lossBegan(ctx, f)
	if err != nil {
		return err
	}
	if w := f.seenLater(); w != nil && w.at.After(ackedAt) {
		ackedAt = w.at // so long the ledger was in use
	}
	parked, to := ackedAt.Sub(f.remembered.BeatAt) > failoverGap, f.readTo()
	k.Log.Warn("the database may have lost its newest commits: reading the stream again", zap.String("cause", cause),
		zap.Time("last_known_at", f.remembered.BeatAt), zap.Time("since", since), zap.Uint64("to_seq", to),
		zap.Bool("parked", parked))
	open, err := DoubtOpen(ctx, k.Pool, Doubt{SentSince: f.remembered.BeatAt.Add(-heartbeatSlack), Rest: k.rest(), Parked: parked})
	if err != nil {
		return err
	}
	added, read := 0, 0
	if f.at.Found && to > 0 && !since.IsZero() {
		how := ledger.Rebuilt{Rest: k.rest(), Parked: parked}
		part := stretch{since: since, to: to}
		read, err = k.reader(f.at).each(ctx, part, func(entries []ledger.Entry) error {
			verdicts, err := k.Store.RecordRebuilt(ctx, entries, how)
			for _, v := range verdicts {
				if v.Kind == ledger.Accepted {
					added++
				}
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	k.Log.Warn("the ledger is whole again as far as the stream tells; what people decided after the last known time is not in the stream",
		zap.Int("events_read", read), zap.Int("events_added_in_doubt", added), zap.Int64("open_rows_in_doubt", open),
		zap.Time("last_known_at", f.remembered.BeatAt), zap.Bool("parked", parked))
	// Whoever maps a reject again later must know that its event may have been
	// accepted by commits that are lost.
	if _, err := k.Store.RecordAct(ctx, ledger.Act{Actor: "worker", Name: ledger.ActRecover, Filter: "stream " + k.config.Stream,
		Reason: "the database may have lost its newest commits: " + cause, SetSize: int64(added),
		Result: fmt.Sprintf("read %d events again, added %d in doubt; %d open rows put in doubt; parked: %t", read, added, open, parked)}); err != nil {
		return err
	}
	if f.at.First > f.remembered.AckedSeq+1 && f.remembered.AckedSeq > 0 {
		k.Log.Error("events may be lost: they left the stream before they could be read again",
			zap.Uint64("from_seq", f.remembered.AckedSeq+1), zap.Uint64("to_seq", f.at.First-1))
	}
	return nil
}

// lossBegan is the broker's time from which to read: of the first event that
// was not known to be acknowledged, and ten minutes before the newest batch,
// whichever is earlier; zero when there is nothing to read. ackedAt is the
// broker's time of the newest acknowledged event, zero when it is not known.
func (k *Keeper) lossBegan(ctx context.Context, f *facts) (since, ackedAt time.Time, err error) {
	if !f.at.Found {
		return since, ackedAt, nil
	}
	if since, err = f.at.TimeFrom(ctx, f.remembered.AckedSeq+1); err != nil {
		return since, ackedAt, err
	}
	if last := f.remembered.LastBrokerTime; !last.IsZero() {
		if margin := last.Add(-rereadMargin); since.IsZero() || margin.Before(since) {
			since = margin
		}
	}
	if f.at.AnyAcked {
		ackedAt, err = f.at.TimeFrom(ctx, f.at.Acked)
	}
	return since, ackedAt, err
}
