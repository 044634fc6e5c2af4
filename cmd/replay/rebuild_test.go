package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pointsledger/internal/config"
	"pointsledger/internal/testkit"
	"pointsledger/vendorapi/sim"
)

// mixtureSize is how many orders the mixture has in these tests, and
// mixtureQueued how many operations with points come of it: a third of the
// orders freezes, too, and there is a check-in.
const (
	mixtureSize   = 30
	mixtureQueued = mixtureSize + mixtureSize/3 + 1
)

// showsReasons is a vendor that honours keys, and shows our reason in its records.
var showsReasons = sim.Config{Zhimai: sim.ZhimaiConfig{Records: sim.RecordsConfig{EchoReason: true}}}

// The database is dropped under a running worker, which then waits, says which
// command helps, and goes on by itself once the ledger is rebuilt. In the
// mixture nothing is counted twice.
func TestRebuildUnderAWaitingWorker(t *testing.T) {
	t.Parallel()
	r := newRebuildRig(t, showsReasons)
	worker := r.work()
	r.publish(mixture(mixtureSize)...)
	r.drained()
	r.booksAgree(0)
	r.loseDatabase()
	testkit.Eventually(t, patience, "the worker to name the command", func() bool {
		return strings.Contains(worker.Problem(), "the ledger is empty") && strings.Contains(worker.Problem(), "`replay stream --from-seq 1`")
	})

	text := r.must(0, "stream", "--from-seq", "1", "--reason", "disk died")
	contains(t, text, "People's decisions: voids, settlements by hand", "as far as workers have read", "workers none has used this ledger",
		"Nothing has been added", "ignored 1", "repeats 2", "conflicts 1", "rejects 1: not_json", "rejects 1: missing_field",
		"to be added 32 events: 42 operations", "kylin freeze_point 10", "--reason 'disk died' --yes")
	if n := r.count(`SELECT (SELECT count(*) FROM operations) + (SELECT count(*) FROM rejects) + (SELECT count(*) FROM ops_actions)`); n != 0 {
		t.Fatal("the preview added something")
	}
	report := r.rebuild()
	if n := &report.Counts; n.Read != 38 || n.Added != 32 || n.Operations() != mixtureQueued+1 || n.Conflicts != 1 || n.There != 0 || n.Members != 7+7 {
		t.Errorf("counts %+v", n)
	}
	if n := r.count(`SELECT count(*) FROM outbox x JOIN operations o ON o.id = operation_id
	                  WHERE state = 'parked' AND in_doubt AND cause = 'rebuilt' AND first_sent_at = broker_time`); n != mixtureQueued {
		t.Errorf("%d operations are parked in doubt, want %d", n, mixtureQueued)
	}
	if n := r.count(`SELECT count(*) FROM action_operations`); n != mixtureQueued+1 {
		t.Errorf("%d operations are noted with the action", n)
	}
	if n := r.count(`SELECT count(*) FROM ops_actions WHERE actor = 'lin' AND reason = 'database lost' AND action IN ('stream', 'stream_end')`); n != 2 {
		t.Errorf("%d actions are recorded, want the beginning and the end", n)
	}
	if n := r.count(`SELECT count(*) FROM operations WHERE id < 1000000000`); n != 0 {
		t.Error("ids of the lost ledger are given out again: a confirmation that a worker holds could fall on them")
	}
	testkit.Eventually(t, patience, "the worker to go on", func() bool { return worker.Problem() == "" })
	r.publish(orders(100, 105)...)
	r.publish(order(4)) // published again after the loss: no new one
	r.drained()
	r.booksAgree(mixtureQueued)
	contains(t, r.must(0, "stream", "--from-seq", "1"), "there already 43", "nothing to do")
	contains(t, r.must(0, "run", "--cause", "rebuilt"), fmt.Sprint(mixtureQueued), "rebuilt")
	r.release(0)
	r.booksAgree(0)
	if n := r.count(`SELECT count(*) FROM rejects`); n != 3 {
		t.Errorf("%d rejects, want 3", n)
	}
}

// A vendor that forgets its keys applies every repeat again: verification finds
// each grant by the reference, and nothing is applied twice. Kylin has no
// records; what was frozen longer ago than it remembers stays parked.
func TestRebuildWithoutDedup(t *testing.T) {
	t.Parallel()
	r := newRebuildRig(t, sim.Config{
		Zhimai: sim.ZhimaiConfig{Dedup: sim.Dedup{Mode: sim.DedupOff}, Records: sim.RecordsConfig{EchoReason: true}},
		Kylin:  sim.KylinConfig{Dedup: sim.Dedup{KeyMemory: time.Second}},
	}, "key_memory: 24h", "key_memory: 9s")
	worker := r.work()
	r.publish(mixture(mixtureSize)...)
	r.drained()
	worker.stop()
	sent := time.Now()
	r.loseDatabase()
	r.rebuild()
	// Replay takes the lease off the memory of 9 s.
	testkit.Eventually(t, patience, "the keys to be forgotten", func() bool { return time.Since(sent) > 2100*time.Millisecond })
	r.work()
	out := r.release(3)
	contains(t, out, "10", "in doubt")
	r.booksAgree(mixtureSize / 3)
	if n := r.count(`SELECT count(*) FROM outbox WHERE state = 'parked' AND in_doubt AND target = 'kylin' AND cause = 'rebuilt'`); n != mixtureSize/3 {
		t.Errorf("%d freezes are parked, want %d", n, mixtureSize/3)
	}
	if n := r.count(`SELECT count(*) FROM postings WHERE evidence = 'verified'`); n != mixtureSize+1 {
		t.Errorf("%d grants were verified, want %d", n, mixtureSize+1)
	}
	contains(t, r.must(0, "show", "SO-3"), "read from the stream again", "kylin surely remembers a dedup key")
}

// A rule set that was added since maps no earlier event; and rules that were
// edited map to other points under the same keys, which are not granted again.
func TestRebuildWithOtherRules(t *testing.T) {
	t.Parallel()
	r := newRebuildRig(t, sim.Config{Zhimai: sim.ZhimaiConfig{Dedup: sim.Dedup{Mode: sim.DedupOff}, Records: sim.RecordsConfig{EchoReason: true}}})
	worker := r.work()
	r.publish(orders(0, 10)...)
	r.drained()
	worker.stop()
	// The same sets once more, in force a moment from now, with another rate.
	from := time.Now().Add(500 * time.Millisecond)
	_, sets, _ := strings.Cut(string(config.DefaultFile()), "rules:\n")
	sets, _, _ = strings.Cut(sets, "\n# The vendor accounts.")
	later := strings.NewReplacer("2020-01-01T00:00:00+08:00", from.UTC().Format(time.RFC3339Nano), "points: 1, per: 100", "points: 3, per: 100").Replace(sets)
	r.rules("\n# The vendor accounts.", "\n"+later+"\n# The vendor accounts.")
	worker = r.work()
	testkit.Eventually(t, patience, "the new rules to be in force", func() bool { return time.Now().After(from) })
	r.publish(orders(10, 20)...)
	r.drained()
	worker.stop()
	if n := r.count(`SELECT count(*) FROM operations WHERE kind = 'points_add' AND points = amount_fen / 100 * CASE WHEN stream_seq <= 10 THEN 1 ELSE 3 END`); n != 20 {
		t.Fatalf("%d of 20 grants have the points of their rules: this test shows nothing", n)
	}

	r.loseDatabase()
	r.rebuild()
	worker = r.work()
	r.release(0)
	r.booksAgree(0)
	if n := r.count(`SELECT count(*) FROM operations WHERE kind = 'points_add' AND points = amount_fen / 100 * CASE WHEN stream_seq <= 10 THEN 1 ELSE 3 END`); n != 20 {
		t.Errorf("%d of 20 grants have the points that they had", n)
	}
	worker.stop()

	r.loseDatabase()
	r.rules("points: 1, per: 100", "points: 5, per: 100")
	r.rebuild()
	r.work()
	r.release(0, "--account", "zhimai")
	if n := r.count(`SELECT count(*) FROM outbox WHERE state = 'parked' AND in_doubt AND cause = 'verification_points_differ'`); n != 20 {
		t.Errorf("%d grants of other points are parked, want 20", n)
	}
	r.booksAgree(20 + 7)
}

// A backup lacks the newest events, and shows a row as open that has been
// applied since. Only what is missing is added, and that row is not sent again.
func TestRebuildOfABackup(t *testing.T) {
	t.Parallel()
	r := newRebuildRig(t, sim.Config{Zhimai: sim.ZhimaiConfig{Dedup: sim.Dedup{Mode: sim.DedupOff}, Records: sim.RecordsConfig{EchoReason: true}}})
	worker := r.work()
	r.publish(orders(0, 10)...)
	r.drained()
	if err := r.vendor.SetOpenKey("another"); err != nil {
		t.Fatal(err)
	}
	r.publish(order(20))
	r.acknowledged()
	r.waitFor("the refusal", `SELECT count(*) FROM outbox WHERE state = 'parked' AND cause = 'refused'`, 1)
	worker.Beat(t.Context())
	worker.stop()
	r.exec(`UPDATE outbox SET state = 'pending', cause = NULL, attempts = 0`)
	backup := r.backUp()
	if err := r.vendor.SetOpenKey(sim.DefaultOpenKey); err != nil {
		t.Fatal(err)
	}
	worker = r.work()
	r.publish(orders(30, 40)...)
	r.drained()
	worker.stop()
	r.replaceDatabase(backup)

	report := r.plan("--from-seq", "1")
	if n := &report.Counts; n.There != 11 || n.Added != 10 || report.Unknown {
		t.Errorf("report %+v", report)
	}
	out := r.must(0, "stream", "--plan", report.Plan, "--yes", "--reason", "restored")
	contains(t, out, "Added 10 events", "there already 11", "put in doubt 1")
	worker = r.work()
	testkit.Eventually(t, patience, "the worker to be sure", func() bool { return worker.Problem() == "" })
	if n := r.count(`SELECT count(*) FROM outbox WHERE state = 'parked' AND in_doubt AND cause = 'database_changed'`); n != 1 {
		t.Error("the row that was open in the backup is not parked in doubt")
	}
	r.release(0)
	r.booksAgree(0)
}

// What has left the stream cannot be rebuilt, and is said before anything else;
// a part of what is left does not satisfy the workers.
func TestRebuildFromWhatIsLeft(t *testing.T) {
	t.Parallel()
	r := newRebuildRig(t, showsReasons)
	worker := r.work()
	r.publish(orders(0, 12)...)
	r.drained()
	worker.stop()
	stream, err := r.js.Stream(t.Context(), "POINTS")
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.loseDatabase()
	gone := r.plan("--from-seq", "1")
	if gone.Counts.Read != 0 || gone.Plan == "" || len(gone.Warnings) == 0 {
		t.Errorf("report %+v", gone)
	}
	worker = r.work()
	r.publish(orders(12, 20)...)
	testkit.Eventually(t, patience, "the worker to refuse", func() bool { return strings.Contains(worker.Problem(), "the ledger is empty") })
	r.must(0, "stream", "--plan", gone.Plan, "--yes", "--reason", "nothing is left")
	testkit.Eventually(t, patience, "the worker to go on", func() bool { return worker.Problem() == "" })
	r.drained()
	if n := r.count(`SELECT count(*) FROM operations WHERE kind = 'points_add'`); n != 8 {
		t.Errorf("%d grants, want those of the 8 later orders", n)
	}
	worker.stop()

	r.loseDatabase()
	text := r.must(0, "stream", "--from-seq", "17")
	contains(t, text, "WARNING: 12 events have left the stream, which begins with sequence 13", "they would go on waiting")
	part := r.plan("--from-seq", "17")
	contains(t, r.must(3, "stream", "--plan", part.Plan, "--yes", "--reason", "a part"), "Added 4 events", "still missing", "--from-seq 1")
	worker = r.work()
	testkit.Eventually(t, patience, "the worker to wait for the rest", func() bool { return strings.Contains(worker.Problem(), "is being rebuilt from stream POINTS") })
	r.rebuild()
	testkit.Eventually(t, patience, "the worker to go on", func() bool { return worker.Problem() == "" })
	r.release(0)
	if n := r.count(`SELECT count(*) FROM postings`); n != r.count(`SELECT count(*) FROM operations`) || n != 8+3 {
		t.Errorf("%d postings", n)
	}
}

// A vendor that forgets keys and shows no references gives no proof: what may
// be there already is left to a person, and nothing is applied twice.
func TestRebuildWithoutProof(t *testing.T) {
	t.Parallel()
	r := newRebuildRig(t, sim.Config{Zhimai: sim.ZhimaiConfig{Dedup: sim.Dedup{Mode: sim.DedupOff}}})
	worker := r.work()
	r.publish(orders(1, 9)...)
	r.drained()
	worker.stop()
	r.loseDatabase()
	r.rebuild()
	r.work()
	r.release(0)
	r.booksAgree(8)
	if n := r.count(`SELECT count(*) FROM outbox WHERE state = 'parked' AND in_doubt AND cause = 'verification_candidates'`); n != 8 {
		t.Errorf("%d grants are left to a person, want 8", n)
	}
}

// The consumer is lost with the database. Once the part that workers had read is
// added, a consumer that begins anew finds duplicates and grants nothing again.
func TestRebuildWithoutTheConsumer(t *testing.T) {
	t.Parallel()
	r := newRebuildRig(t, sim.Config{Zhimai: sim.ZhimaiConfig{Dedup: sim.Dedup{Mode: sim.DedupOff}, Records: sim.RecordsConfig{EchoReason: true}}})
	worker := r.work()
	r.publish(orders(0, 8)...)
	r.drained()
	worker.stop()
	r.publish(orders(8, 11)...)
	r.loseDatabase()
	if err := r.js.DeleteConsumer(t.Context(), "POINTS", "points-worker"); err != nil {
		t.Fatal(err)
	}
	contains(t, r.must(2, "stream", "--from-seq", "1", "--to-seq", "12"), "the stream's last event is 11")
	contains(t, r.must(0, "stream", "--from-seq", "1", "--to-seq", "8", "--yes", "--reason", "all is lost"), "Added 8 events: 11 operations")
	r.work()
	r.drained()
	if n := r.count(`SELECT count(*) FROM postings`); n != 3+1 {
		t.Errorf("%d postings before the release, want those of the 3 later orders", n)
	}
	r.release(0)
	r.booksAgree(0)
}
