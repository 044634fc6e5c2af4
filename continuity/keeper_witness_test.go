package continuity_test

import (
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"pointsledger/consumers"
	"pointsledger/internal/testkit"
	"pointsledger/internal/testkit/intakes"
)

// Twenty rows wait, the disk is snapshotted, the queue drains, the worker stops
// or is killed, the disk is rolled back: timeline, system identifier and
// acknowledged events are as before, and none of the rows may count as never
// sent.
func TestKeeperQuietSnapshot(t *testing.T) {
	t.Parallel()
	for name, killed := range map[string]bool{"stopped": false, "killed a beat later": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in, right, k := newKept(t)
			stop := k.fill(20, brief)
			snapshot := k.backUp()
			k.postAll(20)
			stop()
			if killed {
				beat := countIn(t, right, `SELECT beat FROM ledger_identity`)
				testkit.Eventually(t, 20*time.Second, "a beat after the last posting", func() bool {
					seen, ok := in.witness()
					return ok && seen.Beat > int64(beat)
				})
				k.stop()
			} else {
				k.stop()
				k.Beat(t.Context())
			}
			if n := countIn(t, right, `SELECT count(*) FROM postings`); n != 20 {
				t.Fatalf("%d postings, want 20", n)
			}
			swap(t, right, snapshot)
			k = in.keep(right)
			k.waitSure()
			for sql, want := range map[string]int{
				`SELECT count(*) FROM postings`:                                                 0,
				`SELECT count(*) FROM outbox WHERE in_doubt`:                                    20,
				`SELECT count(*) FROM outbox WHERE first_sent_at IS NULL`:                       0,
				`SELECT count(*) FROM ops_actions WHERE action = 'recover'`:                     1,
				`SELECT count(*) FROM outbox WHERE next_attempt_at < now() + interval '59 min'`: 0,
			} {
				if n := countIn(t, right, sql); n != want {
					t.Errorf("%s: %d, want %d", sql, n, want)
				}
			}
			if n := k.claimedAsNeverSent(); n != 0 {
				t.Errorf("%d rows would be sent as if they never had been", n)
			}
			// Mended once: the next start finds nothing.
			k.stop()
			k = in.keep(right)
			k.waitSure()
			if n := countIn(t, right, `SELECT count(*) FROM ops_actions WHERE action = 'recover'`); n != 1 {
				t.Errorf("mended %d times", n)
			}
		})
	}
}

// The same under a running worker, and while the broker is not asked at all: the
// guard refuses the database that was rolled back.
func TestKeeperSnapshotUnderARunningWorker(t *testing.T) {
	t.Parallel()
	_, right, k := newKept(t)
	stop := k.fill(20, brief)
	snapshot := k.backUp()
	k.postAll(20)
	beat := countIn(t, right, `SELECT beat FROM ledger_identity`)
	testkit.Eventually(t, 20*time.Second, "two more beats", func() bool { return countIn(t, right, `SELECT beat FROM ledger_identity`) > beat+1 })
	swap(t, right, snapshot)
	testkit.Eventually(t, 30*time.Second, "the rows to be in doubt", func() bool {
		return countIn(t, right, `SELECT count(*) FROM outbox WHERE in_doubt`) == 20
	})
	k.waitSure()
	stop()
	if n := k.claimedAsNeverSent(); n != 0 {
		t.Errorf("%d rows would be sent as if they never had been", n)
	}
}

// The database lost commits, and the durable is not there, or was made anew:
// nothing tells which events were recorded, so all up to the stream's end are
// in doubt.
func TestKeeperLostCommitsWithoutTheDurable(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]func(in *intake, stream jetstream.Stream){
		"gone": func(in *intake, stream jetstream.Stream) {
			if err := stream.DeleteConsumer(in.t.Context(), "points-worker"); err != nil {
				in.t.Fatal(err)
			}
		},
		"made anew, and behind": func(in *intake, stream jetstream.Stream) {
			if err := stream.DeleteConsumer(in.t.Context(), "points-worker"); err != nil {
				in.t.Fatal(err)
			}
			consumer, err := stream.CreateConsumer(in.t.Context(), jetstream.ConsumerConfig{Durable: "points-worker", AckPolicy: jetstream.AckExplicitPolicy,
				FilterSubject: "points.events.>"})
			if err != nil {
				in.t.Fatal(err)
			}
			batch, err := consumer.Fetch(12)
			if err != nil {
				in.t.Fatal(err)
			}
			for m := range batch.Messages() {
				if err := m.DoubleAck(in.t.Context()); err != nil {
					in.t.Fatal(err)
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in, right, k := newKept(t)
			stop := k.fill(10, brief)
			backup := k.backUp()
			in.publishAll(10, 25)
			in.beaten(right, 25)
			stop()
			k.stop()
			k.Beat(t.Context())
			swap(t, right, backup)
			execIn(t, right, `UPDATE ledger_identity SET timeline = timeline + 7`)
			stream, err := in.JS.Stream(t.Context(), "POINTS")
			if err != nil {
				t.Fatal(err)
			}
			after(in, stream)
			k = in.keep(right)
			k.waitSure()
			in.Start(k.store, consumers.Config{})
			in.publishAll(25, 28)
			for sql, want := range map[string]int{
				`SELECT count(*) FROM operations`: 28,
				`SELECT count(*) FROM outbox x JOIN operations o ON o.id = x.operation_id WHERE o.stream_seq BETWEEN 11 AND 25 AND x.in_doubt AND x.cause = 'rebuilt'`: 15,
				`SELECT count(*) FROM outbox x JOIN operations o ON o.id = x.operation_id WHERE o.stream_seq > 25 AND NOT x.in_doubt`:                                  3,
			} {
				if n := countIn(t, right, sql); n != want {
					t.Errorf("%s: %d, want %d", sql, n, want)
				}
			}
		})
	}
}

// A durable that was deleted although nothing is lost is made anew; what comes
// again is known.
func TestKeeperDeletedDurable(t *testing.T) {
	t.Parallel()
	in, dsn, k := newKept(t)
	stop := in.Start(k.store, consumers.Config{})
	in.publishAll(0, 10)
	in.Publish("not json")
	in.beaten(dsn, 11)
	stop()
	k.stop()
	stream, err := in.JS.Stream(t.Context(), "POINTS")
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.DeleteConsumer(t.Context(), "points-worker"); err != nil {
		t.Fatal(err)
	}
	in.Publish(intakes.Order(10)) // of which no worker knows
	k = in.keep(dsn)
	k.waitSure()
	in.Start(k.store, consumers.Config{})
	testkit.Eventually(t, time.Minute, "all events to be acknowledged", func() bool { return in.Settled() == 23 && in.Quiet() })
	for sql, want := range map[string]int{
		`SELECT count(*) FROM operations`:                11,
		`SELECT count(*) FROM rejects`:                   1,
		`SELECT count(*) FROM outbox WHERE NOT in_doubt`: 11,
	} {
		if n := countIn(t, dsn, sql); n != want {
			t.Errorf("%s: %d, want %d", sql, n, want)
		}
	}
}

// Three workers beat at once: nobody takes the others' counters for a rollback,
// and the witness only rises.
func TestKeeperThreeAtOnce(t *testing.T) {
	t.Parallel()
	in := newIntake(t)
	in.MakeStream()
	dsn := testkit.Postgres(t)
	var keepers []*kept
	for range 3 {
		keepers = append(keepers, in.keep(dsn))
	}
	for _, k := range keepers {
		k.waitSure()
	}
	in.Start(keepers[0].store, consumers.Config{})
	in.publishAll(0, 5)
	last := int64(0)
	testkit.Eventually(t, time.Minute, "sixty beats", func() bool {
		seen, ok := in.witness()
		if ok && seen.Beat < last {
			t.Fatalf("the witness went from %d to %d", last, seen.Beat)
		}
		last = max(last, seen.Beat)
		for _, k := range keepers {
			if p := k.Problem(); p != "" {
				t.Fatal(p)
			}
		}
		return last >= 60
	})
	// Each may beat at its stop too, all at once.
	var group sync.WaitGroup
	for _, k := range keepers {
		k.stop()
		group.Go(func() { k.Beat(t.Context()) })
	}
	group.Wait()
	seen, _ := in.witness()
	if beat := countIn(t, dsn, `SELECT beat FROM ledger_identity`); seen.Beat != int64(beat) {
		t.Errorf("the witness has seen %d, the ledger shows %d", seen.Beat, beat)
	}
	for sql, want := range map[string]int{
		`SELECT count(*) FROM ops_actions WHERE action = 'recover'`: 0,
		`SELECT count(*) FROM outbox WHERE in_doubt`:                0,
	} {
		if n := countIn(t, dsn, sql); n != want {
			t.Errorf("%s: %d, want %d", sql, n, want)
		}
	}
}
