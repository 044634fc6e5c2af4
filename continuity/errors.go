package continuity

import (
	"errors"
	"fmt"
	"time"
)

// ErrAnotherDatabase is returned for a connection to a database that is not
// known to be the ledger's, or not to hold everything that it held: by a pool
// whose Guard keeps it out, and by Session.Raise for another ledger. Only a look
// of the keeper, or a person, ends it.
var ErrAnotherDatabase = errors.New("the database is not known to be the one it was")

// ErrStandby is returned for a database that is in recovery: a standby that
// has not taken over. It becomes usable by itself, or is the wrong server.
var ErrStandby = errors.New("the database is a standby: it cannot be written to")

// ErrNoStream is returned by a Rebuilder when the stream to read from is not
// there. Nothing was changed.
var ErrNoStream = errors.New("no such stream")

// ErrOtherStream is returned by Rebuilder.Add when the stream was made anew since
// the caller looked: its sequences mean other events. Nothing was added since.
var ErrOtherStream = errors.New("the stream was made anew")

// ForeignStreamError is returned by Rebuilder.Add for a ledger of another stream,
// that knows none of the newest events of this one. Nothing was added.
type ForeignStreamError struct {
	// Stream and Created are of the ledger's, Here and HereCreated of the one that was to be
	// added.
	Stream, Here         string
	Created, HereCreated time.Time
}

func (e *ForeignStreamError) Error() string {
	return fmt.Sprintf("the ledger is of stream %s created %s, and knows none of the newest events of stream %s created %s: nothing was added",
		e.Stream, e.Created.UTC().Format(time.RFC3339), e.Here, e.HereCreated.UTC().Format(time.RFC3339))
}

// NotTheLedgerError is returned by Keeper.Problem for a database that is not the one that
// the stream's acknowledged events were recorded in. A ledger that is rebuilt from the
// stream holds everything in doubt (TestRebuildUnderAWaitingWorker), and a new
// consumer that begins behind Delivered grants nothing twice
// (TestKeeperGoesOnWithoutTheLedger).
type NotTheLedgerError struct {
	// What says which ledger it is.
	What            string
	Stream, Durable string
	// Acked and Delivered are sequences: Position has both.
	Acked, Delivered uint64
	// FirstAt is of the oldest event that is left in the stream; zero: none is.
	FirstAt time.Time
}

func (e *NotTheLedgerError) Error() string {
	return fmt.Sprintf("%s, but its consumer %s has acknowledged events up to %d of stream %s: this is not the database that they were recorded in, "+
		"and nothing is recorded or sent", e.What, e.Durable, e.Acked, e.Stream)
}

// SupersededError is returned by Keeper.Problem when the witness speaks for another
// ledger, or for a later state than this database can ever have held. With a
// counter above both, the witness would speak for this database: then what is
// open is put in doubt and the stream is read again (TestKeeperLowerTimeline,
// TestKeeperOtherLedger).
type SupersededError struct {
	// What says who the witness speaks for.
	What string
	// Bucket and Key are where the witness is.
	Bucket, Key string
	// Used tells that this database holds a ledger that was used: LedgerID. Beat is
	// a counter above its own and the witness's.
	Used     bool
	LedgerID string
	Beat     int64
}

func (e *SupersededError) Error() string {
	return fmt.Sprintf("%s: nothing is recorded or sent, and the witness (bucket %s, key %s) is left as it is", e.What, e.Bucket, e.Key)
}

// RebuildingError is returned by Keeper.Problem while the ledger is being rebuilt
// from the stream, or was until that was stopped.
type RebuildingError struct {
	Stream string
	// Acked is the sequence up to which the ledger must hold the events.
	Acked uint64
}

func (e *RebuildingError) Error() string {
	return fmt.Sprintf("the ledger is being rebuilt from stream %s and does not hold all of its acknowledged events (up to %d) yet: nothing is recorded or sent, "+
		"because an event that is published again would be taken for a new one", e.Stream, e.Acked)
}

// FirstStartError is returned by Keeper.Problem for a ledger that was never used, when
// the stream has a history and no durable: it may be the copy of another broker, or
// its durable was deleted, and each event would be granted once more
// (TestKeeperFirstStart).
type FirstStartError struct {
	Stream, Durable string
	// Messages is how many the stream holds, since FirstAt and up to the sequence
	// Last.
	Messages, Last uint64
	FirstAt        time.Time
	// FirstStart is the KeeperConfig.FirstStart that takes all of them as new.
	FirstStart time.Time
}

func (e *FirstStartError) Error() string {
	return fmt.Sprintf("the ledger is empty and was never used, stream %s already holds %d messages since %s, and there is no durable %s that tells which of them "+
		"were recorded before: nothing is recorded or sent, because they may have been granted by another ledger",
		e.Stream, e.Messages, e.FirstAt.UTC().Format(time.RFC3339), e.Durable)
}
