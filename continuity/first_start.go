package continuity

import (
	"fmt"
	"time"

	"pointsledger/consumers"
)

// firstStartOf is how a stream is named by its creation time.
func firstStartOf(created time.Time) time.Time { return created.Truncate(time.Second) }

// firstStartText says why an empty ledger is not filled from a stream that has a
// history, and which act begins with it. Without a durable the stream may be the
// copy of another broker, or its durable was deleted: each event would be
// granted once more (TestKeeperFirstStart).
func (k *Keeper) firstStartText(at *consumers.Position) string {
	return fmt.Sprintf("the ledger is empty and was never used, stream %s already holds %d messages since %s, and there is no durable %s that tells which of them "+
		"were recorded before: nothing is recorded or sent, because they may have been granted by another ledger. "+
		"If this is the very first start and none of them was ever granted, start the worker once with --first-start %s (or WORKER_FIRST_START=%s): "+
		"all of them are recorded, and sent. The value names this very stream, so it may stay set. "+
		"Else point DATABASE_URL to the ledger's database (or NATS_URL, NATS_STREAM and NATS_DURABLE to what it had), restore a backup, or rebuild the ledger: "+
		"`replay stream --from-seq 1 --to-seq %d` shows what it would add, parked and in doubt. "+
		"To begin with later events alone, make the pull consumer %s (explicit acks, begins at sequence %d) by hand",
		k.config.Stream, at.Messages, at.FirstAt.UTC().Format(time.RFC3339), k.config.Durable,
		firstStartOf(at.Created).UTC().Format(time.RFC3339), firstStartOf(at.Created).UTC().Format(time.RFC3339),
		at.Last, k.config.Durable, at.Last+1)
}
