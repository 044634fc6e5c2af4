package continuity_test

import (
	"context"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go/jetstream"

	"pointsledger/consumers"
	"pointsledger/continuity"
	"pointsledger/internal/devstack"
	"pointsledger/internal/testkit"
	"pointsledger/ledger"
	"pointsledger/migrations"
)

// kept is a keeper with the pool that its guard watches, on one database.
type kept struct {
	*continuity.Keeper
	in    *intake
	guard *continuity.Guard
	pool  *pgxpool.Pool
	store *ledger.Store
	stop  func()
}

// keep starts a keeper on a database; the intake then records through the
// guarded pool.
func (in *intake) keep(dsn string) *kept {
	in.t.Helper()
	return in.keepAs(dsn, continuity.KeeperConfig{})
}

// keepAs is keep with a durable of another name, or a first start.
func (in *intake) keepAs(dsn string, config continuity.KeeperConfig) *kept {
	in.t.Helper()
	config.Stream, config.Every, config.Rest = "POINTS", 100*time.Millisecond, time.Hour
	if config.Durable == "" {
		config.Durable = "points-worker"
	}
	guard := continuity.NewGuard()
	k := &kept{in: in, guard: guard, pool: in.open(dsn, guard)}
	own := in.open(dsn, nil)
	k.store = ledger.New(k.pool)
	var err error
	k.Keeper, err = continuity.NewKeeper(continuity.KeeperDeps{JetStream: in.worker, Pool: own, Store: ledger.New(own), Guard: guard, Reset: k.pool.Reset,
		Rules: in.rules, Log: in.log}, config)
	if err != nil {
		in.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- k.Run(ctx, ctx) }()
	k.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			in.t.Errorf("keeper: %v", err)
		}
	})
	in.t.Cleanup(k.stop)
	return k
}

func (in *intake) open(dsn string, guard ledger.ConnGuard) *pgxpool.Pool {
	in.t.Helper()
	pool, err := ledger.OpenGuardedPool(in.t.Context(), dsn, 4, guard)
	if err != nil {
		in.t.Fatal(err)
	}
	in.t.Cleanup(pool.Close)
	return pool
}

func (k *kept) waitSure() {
	k.in.t.Helper()
	testkit.Eventually(k.in.t, 20*time.Second, "the keeper to be sure", func() bool { return k.Problem() == "" })
}

func (k *kept) waitRefused(words string) {
	k.in.t.Helper()
	testkit.Eventually(k.in.t, 20*time.Second, "the keeper to say "+words, func() bool { return strings.Contains(k.Problem(), words) })
	for _, advice := range []string{"let them stay there", "begins at sequence", "restore a backup", "Do not delete the consumer"} {
		if !strings.Contains(k.Problem(), advice) {
			k.in.t.Errorf("no word of %q in: %s", advice, k.Problem())
		}
	}
	if err := k.store.Ping(k.in.t.Context()); !errors.Is(err, continuity.ErrAnotherDatabase) {
		k.in.t.Errorf("the worker's pool still works: %v", err)
	}
}

// publishAll publishes orders and waits until all is acknowledged: longer than
// the ack wait, because a runner that stopped may have been handed some.
func (in *intake) publishAll(from, to int) {
	in.t.Helper()
	for i := from; i < to; i++ {
		in.publish(order(i))
	}
	testkit.Eventually(in.t, time.Minute, "all events to be acknowledged", in.quiet)
}

// beaten waits until the ledger has noted that all is acknowledged.
func (in *intake) beaten(dsn string, acked int) {
	in.t.Helper()
	testkit.Eventually(in.t, 20*time.Second, "the acknowledged events to be noted", func() bool {
		return countIn(in.t, dsn, `SELECT COALESCE(max(acked_seq), -1) FROM ledger_identity`) == acked
	})
}

func countIn(t *testing.T, dsn, sql string) int {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	var n int
	if err := conn.QueryRow(t.Context(), sql).Scan(&n); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return n
}

// admin executes statements one by one in the maintenance database.
func admin(t *testing.T, dsn string, statements ...string) {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/postgres"
	conn, err := pgx.Connect(t.Context(), u.String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	for _, sql := range statements {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

func nameOf(t *testing.T, dsn string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(u.Path, "/")
}

// swap exchanges two databases under whoever is connected.
func swap(t *testing.T, a, b string) {
	t.Helper()
	x, y := nameOf(t, a), nameOf(t, b)
	statements := []string{"ALTER DATABASE " + x + " ALLOW_CONNECTIONS false", "ALTER DATABASE " + y + " ALLOW_CONNECTIONS false",
		"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname IN ('" + x + "', '" + y + "')",
		"ALTER DATABASE " + x + " RENAME TO " + x + "_aside", "ALTER DATABASE " + y + " RENAME TO " + x, "ALTER DATABASE " + x + "_aside RENAME TO " + y,
		"ALTER DATABASE " + x + " ALLOW_CONNECTIONS true", "ALTER DATABASE " + y + " ALLOW_CONNECTIONS true"}
	admin(t, a, statements...)
}

// copyOf clones a database as it is, as a backup would.
func copyOf(t *testing.T, dsn string) string {
	t.Helper()
	name := nameOf(t, dsn)
	admin(t, dsn, "ALTER DATABASE "+name+" ALLOW_CONNECTIONS false",
		"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '"+name+"'",
		"CREATE DATABASE "+name+"_copy TEMPLATE "+name, "ALTER DATABASE "+name+" ALLOW_CONNECTIONS true")
	t.Cleanup(func() {
		u, _ := url.Parse(dsn)
		u.Path = "/postgres"
		conn, err := pgx.Connect(context.Background(), u.String())
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = conn.Close(context.Background()) }()
		if _, err := conn.Exec(context.Background(), "DROP DATABASE "+name+"_copy WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	return strings.Replace(dsn, "/"+name+"?", "/"+name+"_copy?", 1)
}

// A new ledger is taken as it is, also beside a stream whose first events are
// gone and a consumer that has acknowledged nothing.
func TestKeeperNewLedger(t *testing.T) {
	t.Parallel()
	in := newIntake(t)
	in.stream()
	for i := range 5 {
		in.publish(order(i))
	}
	stream, err := in.js.Stream(t.Context(), "POINTS")
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
	in.start(k.store, consumers.Config{})
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
	in.stream()
	stop := in.start(in.store, consumers.Config{})
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
	in.stream()
	stop := in.start(in.store, consumers.Config{})
	in.publishAll(0, 10)
	stop()
	dsn := testkit.Postgres(t)
	refused := in.keep(dsn)
	refused.waitRefused("another pull consumer (explicit acks) that begins at sequence 11, and set NATS_DURABLE")
	refused.stop()
	// Here it has the old one's name, which the rig uses everywhere.
	stream, err := in.js.Stream(t.Context(), "POINTS")
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
	stop = in.start(k.store, consumers.Config{})
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
	in := newIntake(t)
	in.stream()
	right, empty := testkit.Postgres(t), testkit.Postgres(t)
	k := in.keep(right)
	k.waitSure()
	in.start(k.store, consumers.Config{AckWait: 30 * time.Second, BatchTime: time.Second})
	in.publishAll(0, 10)
	in.beaten(right, 10)
	swap(t, right, empty)
	for i := 10; i < 20; i++ {
		in.publish(order(i))
	}
	k.waitRefused("the ledger is empty")
	if n := countIn(t, right, `SELECT count(*) FROM operations`); n != 0 {
		t.Errorf("%d operations in the wrong database", n)
	}
	if waiting, unacked := in.pending(); waiting+unacked != 10 {
		t.Errorf("%d events are not acknowledged, want 10", waiting+unacked)
	}
	swap(t, right, empty)
	k.waitSure()
	testkit.Eventually(t, 30*time.Second, "all events to be acknowledged", in.quiet)
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
			in := newIntake(t)
			in.stream()
			right := testkit.Postgres(t)
			k := in.keep(right)
			k.waitSure()
			stop := in.start(k.store, consumers.Config{AckWait: 30 * time.Second, BatchTime: time.Second})
			in.publishAll(0, 10)
			in.publish("not json")
			in.beaten(right, 11)
			backup := copyOf(t, right)
			k.waitSure()
			in.publishAll(10, 25)
			in.publish("no json either")
			in.beaten(right, 27)
			if !running {
				stop()
				k.stop()
			}
			swap(t, right, backup)
			if !running {
				k = in.keep(right)
				in.start(k.store, consumers.Config{})
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
	in := newIntake(t)
	in.stream()
	dsn := testkit.Postgres(t)
	k := in.keep(dsn)
	k.waitSure()
	k.stop() // as if killed: nothing is noted any more
	stop := in.start(k.store, consumers.Config{})
	in.publish(`{"specversion":"1.0","id":"c","source":"shop","type":"order.created","data":{}}`)
	in.publish("not json")
	in.publish(order(0)) // and again below
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
	in := newIntake(t)
	in.stream()
	dsn := testkit.Postgres(t)
	k := in.keep(dsn)
	k.waitSure()
	stop := in.start(k.store, consumers.Config{})
	in.publishAll(0, 10)
	in.beaten(dsn, 10)
	if err := in.js.DeleteStream(t.Context(), "POINTS"); err != nil {
		t.Fatal(err)
	}
	in.stream()
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
	other.stream()
	stop = other.start(other.store, consumers.Config{})
	other.publishAll(50, 60)
	stop()
	k = other.keep(dsn)
	k.waitRefused("the ledger is of stream POINTS created")
	if n := countIn(t, dsn, `SELECT count(*) FROM operations`); n != 13 {
		t.Errorf("%d operations: the other ledger's events came in", n)
	}
}

// A real standby takes over that lacks the newest commits: what was acknowledged
// is recorded again, in doubt, and the row that was claimed is in doubt.
func TestKeeperFailover(t *testing.T) {
	t.Parallel()
	in := newIntake(t)
	in.stream()
	base := t.TempDir()
	if err := os.Chmod(filepath.Dir(base), 0o711); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(base, 0o711); err != nil {
		t.Fatal(err)
	}
	first, second := filepath.Join(base, "first"), filepath.Join(base, "second")
	start := func(dir string) *devstack.Postgres {
		t.Helper()
		server, err := devstack.StartPostgres(t.Context(), devstack.PostgresConfig{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = server.Stop() })
		return server
	}
	// A cluster with ten events, and a copy that becomes its standby.
	primary := start(first)
	dsn, err := primary.CreateDatabase(t.Context(), "ledger")
	if err != nil {
		t.Fatal(err)
	}
	if err := migrations.Up(t.Context(), dsn); err != nil {
		t.Fatal(err)
	}
	k := in.keep(dsn)
	k.waitSure()
	stop := in.start(k.store, consumers.Config{})
	in.publishAll(0, 10)
	in.beaten(dsn, 10)
	stop()
	k.stop()
	if err := primary.Stop(); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("cp", "-a", first, second).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	if out, err := exec.Command("cp", "-a", filepath.Join(second, "data", "PG_VERSION"), filepath.Join(second, "data", "standby.signal")).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	primary, standby := start(first), start(second)

	// The worker knows both hosts. The standby gets nothing of what follows.
	a, b := must(url.Parse(primary.DSN("ledger"))), must(url.Parse(standby.DSN("ledger")))
	a.Host, a.RawQuery = a.Host+","+b.Host, "sslmode=disable&target_session_attrs=primary"
	both := a.String()
	k = in.keep(both)
	k.waitSure()
	in.start(k.store, consumers.Config{AckWait: 30 * time.Second, BatchTime: time.Second})
	in.publishAll(10, 20)
	in.beaten(both, 20)
	claimed, err := k.store.Claim(t.Context(), ledger.Claim{Account: "zhimai", Token: 1, Limit: 1, Lease: time.Minute, KeyMemory: time.Hour})
	if err != nil || len(claimed) != 1 {
		t.Fatalf("claimed %v: %v", claimed, err)
	}
	if err := primary.Stop(); err != nil {
		t.Fatal(err)
	}
	if n := countIn(t, standby.DSN("ledger"), `SELECT count(*) FROM operations`); n != 10 {
		t.Fatalf("the standby has %d operations, want the 10 from before", n)
	}
	admin(t, standby.DSN("ledger"), `SELECT pg_promote()`)
	testkit.Eventually(t, 30*time.Second, "the new primary to be completed", func() bool {
		return countIn(t, both, `SELECT count(*) FROM operations`) == 20
	})
	k.waitSure()
	in.publishAll(20, 25)
	for what, c := range map[string]struct {
		sql  string
		want int
	}{
		"timeline":   {`SELECT timeline FROM ledger_identity`, 2},
		"added":      {`SELECT count(*) FROM outbox x JOIN operations o ON o.id = x.operation_id WHERE x.cause = 'rebuilt' AND x.in_doubt AND x.first_sent_at = o.broker_time`, 10},
		"open":       {`SELECT count(*) FROM outbox WHERE cause = 'database_changed' AND in_doubt`, 10},
		"new":        {`SELECT count(*) FROM outbox WHERE NOT in_doubt`, 5},
		"operations": {`SELECT count(*) FROM operations`, 25},
		// Whoever retries a reject later learns of it.
		"the act": {`SELECT count(*) FROM ops_actions WHERE actor = 'worker' AND action = 'recover' AND set_size = 10`, 1},
	} {
		if n := countIn(t, both, c.sql); n != c.want {
			t.Errorf("%s: %d, want %d", what, n, c.want)
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
