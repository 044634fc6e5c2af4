package continuity_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pointsledger/consumers"
	"pointsledger/continuity"
	"pointsledger/internal/testkit"
	"pointsledger/internal/testkit/intakes"
	"pointsledger/ledger"
)

// A witness that is deleted, key or bucket, under a running worker or between
// two runs, is made again and said; nothing is doubted.
func TestKeeperWitnessGone(t *testing.T) {
	t.Parallel()
	in, dsn, k := newKept(t)
	k.fill(5, consumers.Config{})
	back := func(what string) {
		t.Helper()
		before := int64(countIn(t, dsn, `SELECT beat FROM ledger_identity`))
		testkit.Eventually(t, 30*time.Second, "the witness to be back after "+what, func() bool {
			seen, ok := in.witness()
			return ok && seen.Beat > before
		})
		testkit.Eventually(t, 30*time.Second, "the loss to be said after "+what, func() bool {
			return strings.Contains(strings.Join(k.Warnings(), "\n"), "the ledger's witness was deleted, or is new")
		})
		if p := k.Problem(); p != "" {
			t.Errorf("%s: %s", what, p)
		}
	}
	if err := in.bucket().Delete(t.Context(), "points-worker"); err != nil {
		t.Fatal(err)
	}
	back("the entry was deleted")
	if err := in.bucket().Purge(t.Context(), "points-worker"); err != nil {
		t.Fatal(err)
	}
	back("the entry was purged")
	if err := in.JS.DeleteKeyValue(t.Context(), "POINTS_witness"); err != nil {
		t.Fatal(err)
	}
	back("the bucket was deleted")
	k.stop()
	if err := in.JS.DeleteKeyValue(t.Context(), "POINTS_witness"); err != nil {
		t.Fatal(err)
	}
	k = in.keep(dsn)
	k.waitSure()
	back("the bucket was deleted between two runs")
	if n := countIn(t, dsn, `SELECT count(*) FROM outbox WHERE in_doubt`); n != 0 {
		t.Errorf("%d rows are in doubt", n)
	}
}

// Another ledger on the same stream and durable is refused, and the witness is
// left as it is; the way out that the refusal names works, and doubts what is
// open.
func TestKeeperOtherLedger(t *testing.T) {
	t.Parallel()
	in, _, k := newKept(t)
	stop := k.fill(5, consumers.Config{})
	stop()
	k.stop()
	k.Beat(t.Context())
	before, _ := in.witness()

	// A ledger of its own, used with the same events elsewhere.
	other, second, o := newKept(t)
	stop = other.Start(o.store, consumers.Config{})
	other.publishAll(0, 5)
	stop()
	o.stop()

	k = in.keep(second)
	testkit.Eventually(t, 30*time.Second, "the other ledger to be refused", func() bool { return strings.Contains(k.Problem(), "knows another ledger") })
	if after, _ := in.witness(); after != before {
		t.Errorf("the witness was overwritten: %+v, before %+v", after, before)
	}
	var advice string
	if _, rest, ok := strings.Cut(k.Problem(), "`nats kv put POINTS_witness points-worker '"); ok {
		advice, _, _ = strings.Cut(rest, "'`")
	}
	if _, err := in.bucket().Put(t.Context(), "points-worker", []byte(advice)); err != nil {
		t.Fatalf("%v: no command in: %s", err, k.Problem())
	}
	k.waitSure()
	if n := countIn(t, second, `SELECT count(*) FROM outbox WHERE NOT in_doubt`); n != 0 {
		t.Errorf("%d rows are not in doubt after the ledger was taken over", n)
	}
	testkit.Eventually(t, 20*time.Second, "the witness to speak for this ledger", func() bool {
		seen, _ := in.witness()
		return seen.LedgerID != before.LedgerID && seen.Timeline == 1
	})
}

// A server from before a failover stops, also when its worker never stopped:
// the witness has seen a later timeline.
func TestKeeperLowerTimeline(t *testing.T) {
	t.Parallel()
	in, dsn, k := newKept(t)
	k.fill(5, consumers.Config{})
	// The worker on the server that took over has written.
	seen, _ := in.witness()
	later := fmt.Sprintf(`{"ledger_id":%q,"system_identifier":%d,"timeline":2,"beat":%d}`, seen.LedgerID, seen.System, seen.Beat+1_000_000)
	if _, err := in.bucket().Put(t.Context(), "points-worker", []byte(later)); err != nil {
		t.Fatal(err)
	}
	refused := func() bool {
		return strings.Contains(k.Problem(), "seen on timeline 2, and this database is on timeline 1")
	}
	testkit.Eventually(t, 30*time.Second, "the running worker to stop", refused)
	if _, err := k.store.Claim(t.Context(), ledger.Claim{Account: "zhimai", Token: 1, Limit: 1, Lease: time.Minute, KeyMemory: time.Hour}); err == nil {
		t.Error("a worker on the earlier server still claims")
	}
	k.stop()
	k = in.keep(dsn)
	testkit.Eventually(t, 30*time.Second, "the next start to be refused", refused)
	entry, err := in.bucket().Get(t.Context(), "points-worker")
	if err != nil || string(entry.Value()) != later {
		t.Errorf("the witness was overwritten: %v %v", entry, err)
	}
}

// A renamed durable does not hide that the database was rolled back.
func TestKeeperRenamedDurableAfterRollback(t *testing.T) {
	t.Parallel()
	in, right, k := newKept(t)
	stop := k.fill(10, brief)
	snapshot := k.backUp()
	k.postAll(10)
	stop()
	k.stop()
	k.Beat(t.Context())
	swap(t, right, snapshot)
	k = in.keepAs(right, continuity.KeeperConfig{Durable: "renamed"})
	k.waitSure()
	if n := countIn(t, right, `SELECT count(*) FROM outbox WHERE in_doubt`); n != 10 {
		t.Errorf("%d rows are in doubt, want 10", n)
	}
}

// An empty ledger without a durable on a stream with a history waits for the
// first start that its refusal names. The value lets in no other stream, and no
// ledger that was used.
func TestKeeperFirstStart(t *testing.T) {
	t.Parallel()
	in := newIntake(t)
	in.MakeStream()
	for i := range 5 {
		in.Publish(intakes.Order(i))
	}
	dsn := testkit.Postgres(t)
	refused := func(k *kept) string {
		t.Helper()
		testkit.Eventually(t, 30*time.Second, "the first start to be refused", func() bool { return strings.Contains(k.Problem(), "--first-start ") })
		if n := countIn(t, dsn, `SELECT count(*) FROM ledger_identity`); n != 0 {
			t.Error("a refused database was written to")
		}
		_, rest, _ := strings.Cut(k.Problem(), "--first-start ")
		value, _, _ := strings.Cut(rest, " ")
		k.stop()
		return value
	}
	named, err := time.Parse(time.RFC3339, refused(in.keep(dsn)))
	if err != nil {
		t.Fatal(err)
	}
	refused(in.keepAs(dsn, continuity.KeeperConfig{FirstStart: named.Add(-time.Second)}))
	k := in.keepAs(dsn, continuity.KeeperConfig{FirstStart: named})
	k.waitSure()
	stop := in.Start(k.store, consumers.Config{})
	in.publishAll(5, 7)
	if n := countIn(t, dsn, `SELECT count(*) FROM outbox WHERE NOT in_doubt`); n != 7 {
		t.Errorf("%d rows without doubt, want 7", n)
	}
	in.beaten(dsn, 7)
	stop() // it would make the durable again, which is deleted below
	k.stop()
	// Left on by mistake: a database that was lost is not filled again.
	stream, err := in.JS.Stream(t.Context(), "POINTS")
	if err != nil {
		t.Fatal(err)
	}
	lost := testkit.Postgres(t)
	again := in.keepAs(lost, continuity.KeeperConfig{FirstStart: named})
	again.waitRefused("the ledger is empty")
	again.stop()
	if err := stream.DeleteConsumer(t.Context(), "points-worker"); err != nil {
		t.Fatal(err)
	}
	again = in.keepAs(lost, continuity.KeeperConfig{FirstStart: named})
	testkit.Eventually(t, 30*time.Second, "the witness to be heard", func() bool { return strings.Contains(again.Problem(), "knows another ledger") })
	if n := countIn(t, lost, `SELECT count(*) FROM operations`); n != 0 {
		t.Errorf("%d operations in the empty ledger", n)
	}
}

// A person who knows of a rollback that nothing shows says so in the witness: what
// is open is put in doubt, once.
func TestKeeperDoubtByHand(t *testing.T) {
	t.Parallel()
	in, dsn, k := newKept(t)
	stop := k.fill(5, consumers.Config{})
	stop()
	k.stop()
	seen, _ := in.witness()
	beat := countIn(t, dsn, `SELECT beat FROM ledger_identity`)
	if _, err := in.bucket().Put(t.Context(), "points-worker", fmt.Appendf(nil, `{"ledger_id":"%s","beat":%d}`, seen.LedgerID, beat+1)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		k = in.keep(dsn)
		k.waitSure()
		k.stop()
	}
	for sql, want := range map[string]int{
		`SELECT count(*) FROM outbox WHERE in_doubt`:                5,
		`SELECT count(*) FROM ops_actions WHERE action = 'recover'`: 1,
	} {
		if n := countIn(t, dsn, sql); n != want {
			t.Errorf("%s: %d, want %d", sql, n, want)
		}
	}
}

// A worker was cut off from the database while others used it, and the database
// was rolled back to a state that is newer than the one this worker saw: its new
// connections wait until it has looked at the witness.
func TestKeeperReconnectWaitsForTheWitness(t *testing.T) {
	t.Parallel()
	in, dsn, k := newKept(t)
	stop := k.fill(20, consumers.Config{})
	stop()
	name := nameOf(t, dsn)
	admin(t, dsn, "ALTER DATABASE "+name+" ALLOW_CONNECTIONS false", "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '"+name+"'")
	testkit.Eventually(t, 30*time.Second, "the worker to notice", func() bool { return k.store.Ping(t.Context()) != nil })
	// The others' beats reached the witness; the database shows what this worker saw.
	seen, _ := in.witness()
	if _, err := in.bucket().Put(t.Context(), "points-worker", fmt.Appendf(nil, `{"ledger_id":"%s","beat":%d}`, seen.LedgerID, seen.Beat+500)); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, 30*time.Second, "a look that fails", func() bool { return !k.guard.Fresh() })
	admin(t, dsn, "ALTER DATABASE "+name+" ALLOW_CONNECTIONS true")
	testkit.Eventually(t, 30*time.Second, "the worker's pool to work again", func() bool {
		claimed, err := k.store.Claim(t.Context(), ledger.Claim{Account: "zhimai", Token: 3, Limit: 100, Lease: time.Minute, KeyMemory: time.Hour})
		for _, c := range claimed {
			if c.NeverSent {
				t.Fatal("a row is sent as if it never had been")
			}
		}
		return err == nil
	})
	if n := countIn(t, dsn, `SELECT count(*) FROM outbox WHERE in_doubt`); n != 20 {
		t.Errorf("%d rows are in doubt, want 20", n)
	}
}
