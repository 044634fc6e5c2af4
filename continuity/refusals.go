package continuity

import (
	"fmt"
	"time"

	"pointsledger/consumers"
)

// refusal is a state that only a person can end.
type refusal struct{ text string }

func (r *refusal) Error() string { return r.text }

// refusalText says what is the matter, and what is safe. A rebuilt ledger holds
// everything in doubt (TestRebuildUnderAWaitingWorker), and a new consumer that
// begins behind all that was delivered grants nothing twice
// (TestKeeperGoesOnWithoutTheLedger).
func (k *Keeper) refusalText(what string, at *consumers.Position) string {
	left := "The stream has none of these events any more"
	if !at.FirstAt.IsZero() {
		left = fmt.Sprintf("The stream still has the events since %s: let them stay there", at.FirstAt.UTC().Format(time.RFC3339))
	}
	return fmt.Sprintf("%s, but its consumer %s has acknowledged events up to %d of stream %s: this is not the database that they were recorded in, "+
		"and nothing is recorded or sent. Point DATABASE_URL (or NATS_URL) to the right one, or restore a backup: "+
		"what the backup lacks is then read from the stream by itself. Without a backup, rebuild the ledger from the stream: "+
		"`replay stream --from-seq 1` shows what it would add and prints the command that adds it, parked and in doubt; "+
		"then this worker goes on by itself, and `replay run --cause rebuilt` releases what was added, looked up at the vendor first. %s. "+
		"To go on with later events alone, make another pull consumer (explicit acks) that begins at sequence %d, and set NATS_DURABLE to its name; "+
		"earlier events grant no points any more, so compare them with the vendors' records by hand. "+
		"Do not delete the consumer, and use none that begins earlier: every event would be granted again",
		what, k.config.Durable, at.Acked, k.config.Stream, left, at.Delivered+1)
}

// supersededText says what is the matter, and the ways out. The last of them
// lets the witness speak for this database: with its counter above the
// ledger's, what is open is put in doubt and the stream is read again
// (TestKeeperLowerTimeline, TestKeeperOtherLedger).
func (k *Keeper) supersededText(what string, f *facts) string {
	bucket, key := WitnessBucket(k.config.Stream), WitnessKey(k.config.Durable)
	text := fmt.Sprintf("%s: nothing is recorded or sent, and the witness (bucket %s, key %s) is left as it is. "+
		"Point DATABASE_URL to the database that the ledger is in, or NATS_URL and NATS_DURABLE to this ledger's own stream and consumer. ", what, bucket, key)
	w := f.witness
	if w == nil {
		w = f.elder
	}
	if !f.found {
		return text + fmt.Sprintf("If the other ledger is lost for good, restore a backup of it, or rebuild it from the stream: "+
			"`replay stream --from-seq 1` shows what it would add and prints the command that adds it, parked and in doubt, and takes the witness over. "+
			"If what it held was never meant to count (a trial), delete the entry: `nats kv del %s %s`", bucket, key)
	}
	return text + fmt.Sprintf("Only if the other one is gone for good and no worker uses it any more, let the witness speak for this database: "+
		"`nats kv put %s %s '{\"ledger_id\":\"%s\",\"beat\":%d}'`. Then this worker goes on by itself: "+
		"what is open is put in doubt, and the stream is read again", bucket, key, f.remembered.LedgerID, max(w.Beat, f.remembered.Beat)+1)
}

// unfinishedText says that a rebuild stopped before all was added.
func (k *Keeper) unfinishedText(at *consumers.Position) string {
	return fmt.Sprintf("the ledger is being rebuilt from stream %s and does not hold all of its acknowledged events (up to %d) yet: nothing is recorded or sent, "+
		"because an event that is published again would be taken for a new one. While `replay stream` runs, wait for it. "+
		"If it was stopped, or added a part, `replay stream --from-seq 1` shows the rest and prints the command that adds it; then this worker goes on by itself",
		k.config.Stream, at.Acked)
}

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
