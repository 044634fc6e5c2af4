package advice

import (
	"fmt"
	"time"

	"pointsledger/continuity"
)

func continuityWords(err error) string {
	switch e := err.(type) {
	case *continuity.NotTheLedgerError:
		return e.Error() + notTheLedger(e)
	case *continuity.SupersededError:
		return e.Error() + superseded(e)
	case *continuity.RebuildingError:
		return e.Error() + ". While `replay stream` runs, wait for it. " +
			"If it was stopped, or added a part, `replay stream --from-seq 1` shows the rest and prints the command that adds it; then this worker goes on by itself"
	case *continuity.FirstStartError:
		return e.Error() + firstStart(e)
	case *continuity.ForeignStreamError:
		return e.Error() + ". Point DATABASE_URL or NATS_URL to the right one"
	}
	return ""
}

// notTheLedger is what is safe to do.
func notTheLedger(e *continuity.NotTheLedgerError) string {
	left := "The stream has none of these events any more"
	if !e.FirstAt.IsZero() {
		left = fmt.Sprintf("The stream still has the events since %s: let them stay there", e.FirstAt.UTC().Format(time.RFC3339))
	}
	return fmt.Sprintf(". Point DATABASE_URL (or NATS_URL) to the right one, or restore a backup: "+
		"what the backup lacks is then read from the stream by itself. Without a backup, rebuild the ledger from the stream: "+
		"`replay stream --from-seq 1` shows what it would add and prints the command that adds it, parked and in doubt; "+
		"then this worker goes on by itself, and `replay run --cause rebuilt` releases what was added, looked up at the vendor first. %s. "+
		"To go on with later events alone, make another pull consumer (explicit acks) that begins at sequence %d, and set NATS_DURABLE to its name; "+
		"earlier events grant no points any more, so compare them with the vendors' records by hand. "+
		"Do not delete the consumer, and use none that begins earlier: every event would be granted again", left, e.Delivered+1)
}

// superseded is the ways out. The last of them lets the witness speak for this
// database.
func superseded(e *continuity.SupersededError) string {
	text := ". Point DATABASE_URL to the database that the ledger is in, or NATS_URL and NATS_DURABLE to this ledger's own stream and consumer. "
	if !e.Used {
		return text + fmt.Sprintf("If the other ledger is lost for good, restore a backup of it, or rebuild it from the stream: "+
			"`replay stream --from-seq 1` shows what it would add and prints the command that adds it, parked and in doubt, and takes the witness over. "+
			"If what it held was never meant to count (a trial), delete the entry: `nats kv del %s %s`", e.Bucket, e.Key)
	}
	return text + fmt.Sprintf("Only if the other one is gone for good and no worker uses it any more, let the witness speak for this database: "+
		"`nats kv put %s %s '{\"ledger_id\":\"%s\",\"beat\":%d}'`. Then this worker goes on by itself: "+
		"what is open is put in doubt, and the stream is read again", e.Bucket, e.Key, e.LedgerID, e.Beat)
}

// firstStart is which act begins with this stream, and the ways out when it is
// none.
func firstStart(e *continuity.FirstStartError) string {
	value := e.FirstStart.UTC().Format(time.RFC3339)
	return fmt.Sprintf(". If this is the very first start and none of them was ever granted, start the worker once with --first-start %s (or WORKER_FIRST_START=%s): "+
		"all of them are recorded, and sent. The value names this very stream, so it may stay set. "+
		"Else point DATABASE_URL to the ledger's database (or NATS_URL, NATS_STREAM and NATS_DURABLE to what it had), restore a backup, or rebuild the ledger: "+
		"`replay stream --from-seq 1 --to-seq %d` shows what it would add, parked and in doubt. "+
		"To begin with later events alone, make the pull consumer %s (explicit acks, begins at sequence %d) by hand",
		value, value, e.Last, e.Durable, e.Last+1)
}
