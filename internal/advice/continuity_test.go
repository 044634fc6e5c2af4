package advice

import (
	"fmt"
	"testing"
	"time"

	"pointsledger/continuity"
)

// What a worker says when only a person can go on, whole: people act on it.
func TestRefusalsInFull(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)
	tests := []struct {
		err  error
		want string
	}{
		{&continuity.NotTheLedgerError{What: "the ledger is empty", Stream: "POINTS", Durable: "points-worker", Acked: 7, Delivered: 9, FirstAt: at},
			"the ledger is empty, but its consumer points-worker has acknowledged events up to 7 of stream POINTS: " +
				"this is not the database that they were recorded in, and nothing is recorded or sent. " +
				"Point DATABASE_URL (or NATS_URL) to the right one, or restore a backup: what the backup lacks is then read from the stream by itself. " +
				"Without a backup, rebuild the ledger from the stream: " +
				"`replay stream --from-seq 1` shows what it would add and prints the command that adds it, parked and in doubt; " +
				"then this worker goes on by itself, and `replay run --cause rebuilt` releases what was added, looked up at the vendor first. " +
				"The stream still has the events since 2026-11-27T08:00:00Z: let them stay there. " +
				"To go on with later events alone, make another pull consumer (explicit acks) that begins at sequence 10, and set NATS_DURABLE to its name; " +
				"earlier events grant no points any more, so compare them with the vendors' records by hand. " +
				"Do not delete the consumer, and use none that begins earlier: every event would be granted again"},
		{&continuity.NotTheLedgerError{What: "the ledger is empty", Stream: "POINTS", Durable: "points-worker", Acked: 7, Delivered: 9},
			"the ledger is empty, but its consumer points-worker has acknowledged events up to 7 of stream POINTS: " +
				"this is not the database that they were recorded in, and nothing is recorded or sent. " +
				"Point DATABASE_URL (or NATS_URL) to the right one, or restore a backup: what the backup lacks is then read from the stream by itself. " +
				"Without a backup, rebuild the ledger from the stream: " +
				"`replay stream --from-seq 1` shows what it would add and prints the command that adds it, parked and in doubt; " +
				"then this worker goes on by itself, and `replay run --cause rebuilt` releases what was added, looked up at the vendor first. " +
				"The stream has none of these events any more. " +
				"To go on with later events alone, make another pull consumer (explicit acks) that begins at sequence 10, and set NATS_DURABLE to its name; " +
				"earlier events grant no points any more, so compare them with the vendors' records by hand. " +
				"Do not delete the consumer, and use none that begins earlier: every event would be granted again"},
		{&continuity.SupersededError{What: "what", Bucket: "POINTS_witness", Key: "points-worker", Used: true, LedgerID: "abc", Beat: 42},
			"what: nothing is recorded or sent, and the witness (bucket POINTS_witness, key points-worker) is left as it is. " +
				"Point DATABASE_URL to the database that the ledger is in, or NATS_URL and NATS_DURABLE to this ledger's own stream and consumer. " +
				"Only if the other one is gone for good and no worker uses it any more, let the witness speak for this database: " +
				"`nats kv put POINTS_witness points-worker '{\"ledger_id\":\"abc\",\"beat\":42}'`. Then this worker goes on by itself: " +
				"what is open is put in doubt, and the stream is read again"},
		{&continuity.SupersededError{What: "what", Bucket: "POINTS_witness", Key: "points-worker"},
			"what: nothing is recorded or sent, and the witness (bucket POINTS_witness, key points-worker) is left as it is. " +
				"Point DATABASE_URL to the database that the ledger is in, or NATS_URL and NATS_DURABLE to this ledger's own stream and consumer. " +
				"If the other ledger is lost for good, restore a backup of it, or rebuild it from the stream: " +
				"`replay stream --from-seq 1` shows what it would add and prints the command that adds it, parked and in doubt, and takes the witness over. " +
				"If what it held was never meant to count (a trial), delete the entry: `nats kv del POINTS_witness points-worker`"},
		{&continuity.RebuildingError{Stream: "POINTS", Acked: 7},
			"the ledger is being rebuilt from stream POINTS and does not hold all of its acknowledged events (up to 7) yet: " +
				"nothing is recorded or sent, because an event that is published again would be taken for a new one. While `replay stream` runs, wait for it. " +
				"If it was stopped, or added a part, `replay stream --from-seq 1` shows the rest and prints the command that adds it; " +
				"then this worker goes on by itself"},
		{&continuity.FirstStartError{Stream: "POINTS", Durable: "points-worker", Messages: 12, Last: 20, FirstAt: at, FirstStart: at.Add(time.Second)},
			"the ledger is empty and was never used, stream POINTS already holds 12 messages since 2026-11-27T08:00:00Z, and there is no durable points-worker that tells which of them were recorded before: " +
				"nothing is recorded or sent, because they may have been granted by another ledger. " +
				"If this is the very first start and none of them was ever granted, start the worker once with --first-start 2026-11-27T08:00:01Z (or WORKER_FIRST_START=2026-11-27T08:00:01Z): " +
				"all of them are recorded, and sent. The value names this very stream, so it may stay set. " +
				"Else point DATABASE_URL to the ledger's database (or NATS_URL, NATS_STREAM and NATS_DURABLE to what it had), restore a backup, or rebuild the ledger: " +
				"`replay stream --from-seq 1 --to-seq 20` shows what it would add, parked and in doubt. " +
				"To begin with later events alone, make the pull consumer points-worker (explicit acks, begins at sequence 21) by hand"},
		{&continuity.ForeignStreamError{Stream: "POINTS", Here: "SHOP", Created: at, HereCreated: at.Add(time.Hour)},
			"the ledger is of stream POINTS created 2026-11-27T08:00:00Z, and knows none of the newest events of stream SHOP created 2026-11-27T09:00:00Z: " +
				"nothing was added. Point DATABASE_URL or NATS_URL to the right one"},
	}
	for _, test := range tests {
		if got, want := Words(fmt.Errorf("database: %w", test.err)), "database: "+test.want; got != want {
			t.Errorf("%T\n got %s\nwant %s", test.err, got, want)
		}
	}
}
