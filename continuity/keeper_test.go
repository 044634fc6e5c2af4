package continuity_test

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"pointsledger/consumers"
	"pointsledger/internal/testkit"
	"pointsledger/internal/testkit/intakes"
)

// A new ledger is taken as it is, also beside a stream whose first events are
// gone and a consumer that has acknowledged nothing.
func TestKeeperNewLedger(t *testing.T) {
	t.Parallel()
	in := newIntake(t)
	in.MakeStream()
	for i := range 5 {
		in.Publish(intakes.Order(i))
	}
	stream, err := in.JS.Stream(t.Context(), "POINTS")
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Purge(t.Context(), jetstream.WithPurgeKeep(2)); err != nil {
		t.Fatal(err)
	}
	consumer, err := stream.CreateConsumer(t.Context(), jetstream.ConsumerConfig{Durable: "points-worker", AckPolicy: jetstream.AckExplicitPolicy})
	if err != nil {
		t.Fatal(err)
	}
	if floor := consumer.CachedInfo().AckFloor; floor.Stream == 0 || floor.Consumer != 0 {
		t.Fatalf("a new consumer's floor is %+v: this test shows nothing", floor)
	}
	dsn := testkit.Postgres(t)
	k := in.keep(dsn)
	k.waitSure()
	in.Start(k.store, consumers.Config{})
	in.publishAll(5, 10)
	in.beaten(dsn, 10)
	if n := countIn(t, dsn, `SELECT count(*) FROM outbox WHERE NOT in_doubt`); n != 7 {
		t.Errorf("%d rows never sent, want 7", n)
	}
}

// An empty ledger is not filled with what was acknowledged for another one.
func TestKeeperRefusesEmptiedDatabase(t *testing.T) {
	t.Parallel()
	in := newIntake(t)
	in.MakeStream()
	stop := in.Start(in.Store, consumers.Config{})
	in.publishAll(0, 10)
	stop()
	dsn := testkit.Postgres(t)
	k := in.keep(dsn)
	k.waitRefused("the ledger is empty")
	if n := countIn(t, dsn, `SELECT count(*) FROM ledger_identity`); n != 0 {
		t.Error("a refused database was written to")
	}
}

// The way out that a refusal names for a ledger that is lost: a consumer that
// begins where the refusal says. No event is recorded, and so sent, again.
func TestKeeperGoesOnWithoutTheLedger(t *testing.T) {
	t.Parallel()
	in := newIntake(t)
	in.MakeStream()
	stop := in.Start(in.Store, consumers.Config{})
	in.publishAll(0, 10)
	stop()
	dsn := testkit.Postgres(t)
	refused := in.keep(dsn)
	refused.waitRefused("another pull consumer (explicit acks) that begins at sequence 11, and set NATS_DURABLE")
	refused.stop()
	// Here it has the old one's name, which the rig uses everywhere.
	stream, err := in.JS.Stream(t.Context(), "POINTS")
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.DeleteConsumer(t.Context(), "points-worker"); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.CreateConsumer(t.Context(), jetstream.ConsumerConfig{Durable: "points-worker", AckPolicy: jetstream.AckExplicitPolicy,
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: 11}); err != nil {
		t.Fatal(err)
	}
	k := in.keep(dsn)
	k.waitSure()
	stop = in.Start(k.store, consumers.Config{})
	in.publishAll(10, 13)
	in.beaten(dsn, 13)
	stop()
	k.stop()
	again := in.keep(dsn)
	again.waitSure()
	if n := countIn(t, dsn, `SELECT count(*) FROM operations WHERE stream_seq > 10`); n != 3 {
		t.Errorf("%d operations of new events, want 3", n)
	}
	if n := countIn(t, dsn, `SELECT count(*) FROM operations WHERE stream_seq <= 10`); n != 0 {
		t.Errorf("%d operations of old events, want none", n)
	}
}

// The database is exchanged under a running worker for an empty one: nothing
// is fetched into it, and the work goes on when the right one is back.
func TestKeeperDatabaseSwappedForEmpty(t *testing.T) {
	t.Parallel()
	in, right, k := newKept(t)
	empty := testkit.Postgres(t)
	k.fill(10, brief)
	swap(t, right, empty)
	for i := 10; i < 20; i++ {
		in.Publish(intakes.Order(i))
	}
	k.waitRefused("the ledger is empty")
	if n := countIn(t, right, `SELECT count(*) FROM operations`); n != 0 {
		t.Errorf("%d operations in the wrong database", n)
	}
	if waiting, unacked := in.Pending(); waiting+unacked != 10 {
		t.Errorf("%d events are not acknowledged, want 10", waiting+unacked)
	}
	swap(t, right, empty)
	k.waitSure()
	testkit.Eventually(t, 30*time.Second, "all events to be acknowledged", in.Quiet)
	if n := countIn(t, right, `SELECT count(*) FROM operations`); n != 20 {
		t.Errorf("%d operations, want 20", n)
	}
	if n := countIn(t, right, `SELECT count(*) FROM outbox WHERE in_doubt AND cause IS DISTINCT FROM 'rebuilt'`); n != 0 {
		t.Errorf("%d rows of the right database are in doubt", n)
	}
}

// The database is exchanged for an older copy of itself: what it lacks is read
// from the stream, and whatever may have been sent is in doubt and rests.
func TestKeeperDatabaseSwappedForBackup(t *testing.T) {
	t.Parallel()
	for name, running := range map[string]bool{"under a running worker": true, "between two runs": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in, right, k := newKept(t)
			stop := in.Start(k.store, brief)
			in.publishAll(0, 10)
			in.Publish("not json")
			in.beaten(right, 11)
			backup := k.backUp()
			in.publishAll(10, 25)
			in.Publish("no json either")
			in.beaten(right, 27)
			if !running {
				stop()
				k.stop()
			}
			swap(t, right, backup)
			if !running {
				k = in.keep(right)
				in.Start(k.store, consumers.Config{})
			}
			// On a busy machine an event may have to be delivered again first, after the ack wait of 30 s.
			testkit.Eventually(t, 90*time.Second, "the backup to be completed", func() bool {
				return countIn(t, right, `SELECT count(*) FROM operations`) == 25
			})
			k.waitSure()
			in.publishAll(25, 30)
			for what, c := range map[string]struct {
				sql  string
				want int
			}{
				"added":        {`SELECT count(*) FROM outbox x JOIN operations o ON o.id = x.operation_id WHERE x.cause = 'rebuilt' AND x.in_doubt AND x.first_sent_at = o.broker_time AND x.next_attempt_at > now() + interval '59 min'`, 15},
				"open before":  {`SELECT count(*) FROM outbox WHERE cause = 'database_changed' AND in_doubt AND next_attempt_at > now() + interval '59 min'`, 10},
				"new":          {`SELECT count(*) FROM outbox WHERE NOT in_doubt`, 5},
				"rejects":      {`SELECT count(*) FROM rejects`, 2},
				"all together": {`SELECT count(*) FROM operations`, 30},
			} {
				if n := countIn(t, right, c.sql); n != c.want {
					t.Errorf("%s: %d, want %d", what, n, c.want)
				}
			}
		})
	}
}

// A restart that lacks nothing doubts nothing, however much was acknowledged
// since the last look.
func TestKeeperRestartDoubtsNothing(t *testing.T) {
	t.Parallel()
	in, dsn, k := newKept(t)
	k.stop() // as if killed: nothing is noted any more
	stop := in.Start(k.store, consumers.Config{})
	in.Publish(`{"specversion":"1.0","id":"c","source":"shop","type":"order.created","data":{}}`)
	in.Publish("not json")
	in.Publish(intakes.Order(0)) // and again below
	in.publishAll(0, 20)
	stop()
	if n := countIn(t, dsn, `SELECT acked_seq FROM ledger_identity`); n != 0 {
		t.Fatalf("%d events are noted: this test shows nothing", n)
	}
	in.keep(dsn).waitSure()
	in.beaten(dsn, 23)
	if n := countIn(t, dsn, `SELECT count(*) FROM outbox WHERE in_doubt`); n != 0 {
		t.Errorf("%d rows are in doubt after a restart that lost nothing", n)
	}
}

// A stream that is made anew is followed; one that belongs to another ledger
// is refused.
func TestKeeperStreamRecreated(t *testing.T) {
	t.Parallel()
	in, dsn, k := newKept(t)
	stop := k.fill(10, consumers.Config{})
	if err := in.JS.DeleteStream(t.Context(), "POINTS"); err != nil {
		t.Fatal(err)
	}
	in.MakeStream()
	in.publishAll(10, 13)
	in.beaten(dsn, 3)
	k.waitSure()
	if n := countIn(t, dsn, `SELECT count(*) FROM outbox WHERE NOT in_doubt`); n != 13 {
		t.Errorf("%d rows without doubt, want 13", n)
	}
	stop()
	k.stop()

	// Another broker, whose stream another ledger has consumed.
	other := newIntake(t)
	other.MakeStream()
	stop = other.Start(other.Store, consumers.Config{})
	other.publishAll(50, 60)
	stop()
	k = other.keep(dsn)
	k.waitRefused("the ledger is of stream POINTS created")
	if n := countIn(t, dsn, `SELECT count(*) FROM operations`); n != 13 {
		t.Errorf("%d operations: the other ledger's events came in", n)
	}
}
