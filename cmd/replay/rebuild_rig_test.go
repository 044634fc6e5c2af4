package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"pointsledger/consumers"
	"pointsledger/continuity"
	"pointsledger/dispatch"
	"pointsledger/internal/accounts"
	"pointsledger/internal/advice"
	"pointsledger/internal/config"
	"pointsledger/internal/testkit"
	"pointsledger/ledger"
	"pointsledger/ledger/database"
	"pointsledger/ledger/rulefiles"
	"pointsledger/migrations"
	"pointsledger/reconcile/seal"
	"pointsledger/vendorapi/sim"
)

// rebuildRig is a stream, both vendors and a ledger that can be lost.
type rebuildRig struct {
	firstStart time.Time // of the stream that workers may begin with
	*console
	dsn    string
	js     jetstream.JetStream
	vendor *sim.Simulator
	file   string
	last   uint64 // sequence of the last event published
}

// quickAccounts makes the accounts of the built-in file quick for a test. A
// key is remembered for 9 s, and replay takes the lease of 7 s off.
var quickAccounts = strings.NewReplacer("timeout: 10s", "timeout: 1s", "connect_timeout: 3s", "connect_timeout: 1s",
	"lease: 30s", "lease: 7s", "verify_after: 5s", "verify_after: 20ms",
	"retry_schedule: [0.5s, 1s, 2s, 5s, 15s, 1m, 5m, 15m, 30m, 1h]", "retry_schedule: [100ms]")

func newRebuildRig(t *testing.T, vendor sim.Config, edits ...string) *rebuildRig {
	t.Helper()
	r := &rebuildRig{console: newConsole(t)}
	r.dsn = strings.TrimPrefix(r.env[0], "DATABASE_URL=")
	broker := testkit.NATS(t)
	conn, err := nats.Connect(broker)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	if r.js, err = jetstream.New(conn); err != nil {
		t.Fatal(err)
	}
	stream, err := r.js.CreateStream(t.Context(), consumers.StreamConfig("POINTS"))
	if err != nil {
		t.Fatal(err)
	}
	// Tests publish before a worker has looked at the stream.
	r.firstStart = stream.CachedInfo().Created.Truncate(time.Second)
	if r.vendor, err = sim.New(vendor); err != nil {
		t.Fatal(err)
	}
	url, stop, err := r.vendor.Start("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	r.file = filepath.Join(t.TempDir(), "points.yaml")
	r.rules(edits...)
	r.env = append(r.env, "NATS_URL="+broker, "ZHIMAI_URL="+url+"/api/v2", "ZHIMAI_OPEN_ID="+sim.DefaultOpenID,
		"ZHIMAI_GRANT_CODE="+sim.DefaultGrantCode, "ZHIMAI_OPEN_KEY="+sim.DefaultOpenKey, "KYLIN_URL="+url, "WORKER_CONFIG="+r.file, "ZHIMAI_RATE=0")
	return r
}

// rules writes the rule file: the built-in one with texts replaced.
func (r *rebuildRig) rules(edits ...string) {
	r.t.Helper()
	text := strings.NewReplacer(edits...).Replace(quickAccounts.Replace(string(config.DefaultFile())))
	if err := os.WriteFile(r.file, []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// publish stores events and returns the time of the last one.
func (r *rebuildRig) publish(events ...string) {
	r.t.Helper()
	for _, e := range events {
		typ := "order.paid"
		if _, rest, found := strings.Cut(e, `"type":"`); found {
			typ, _, _ = strings.Cut(rest, `"`)
		}
		ack, err := r.js.Publish(r.t.Context(), "points.events."+typ, []byte(e))
		if err != nil {
			r.t.Fatal(err)
		}
		r.last = ack.Sequence
	}
}

// order is a paid order; of every third, points are frozen at Kylin, too.
func order(i int) string {
	used := 0
	if i%3 == 0 {
		used = 30
	}
	return orderOf(i, fmt.Sprintf(`"amountFen":%d,"pointsUsed":%d`, 10000+100*i, used))
}

func orderOf(i int, fields string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":"o%d","source":"shop","type":"order.paid","data":{"orderId":"SO-%d",`+
		`"member":{"customerId":"3839330914559590%02d","memberId":"M%d"},"channel":"pos",%s}}`, i, i, i%7, i%7, fields)
}

func orders(from, to int) (events []string) {
	for i := from; i < to; i++ {
		events = append(events, order(i))
	}
	return events
}

// mixture has duplicates, a conflict, garbage, an ignored event, an anonymous
// sale and a check-in among the orders.
func mixture(n int) []string {
	events := orders(0, n)
	return append(events, order(1), order(2), orderOf(3, `"amountFen":1`), "not json", `{"specversion":"1.0"}`,
		`{"specversion":"1.0","id":"x","source":"shop","type":"order.created","data":{}}`,
		`{"specversion":"1.0","id":"a","source":"shop","type":"order.paid","data":{"orderId":"SO-anonymous","member":null,"channel":"pos","amountFen":500}}`,
		`{"specversion":"1.0","id":"c","source":"app","type":"member.checked_in","data":{"member":{"customerId":"383933091455959001"},"channel":"app","date":"`+time.Now().UTC().Format(time.DateOnly)+`"}}`)
}

// quietIntake is an observer of the intake that nobody listens to.
type quietIntake struct{}

func (quietIntake) Fetched(int)                                       {}
func (quietIntake) BatchRecorded(consumers.Tally, int, time.Duration) {}

// testWorker is a worker of the real parts, wired as cmd/worker does.
type testWorker struct {
	*continuity.Keeper
	stop func()
}

// Problem is the keeper's as a worker shows it.
func (w *testWorker) Problem() string { return advice.Words(w.Keeper.Problem()) }

// work starts a worker. It registers its rules and does all that a worker does.
func (r *rebuildRig) work() *testWorker {
	r.t.Helper()
	ok := func(err error) {
		if err != nil {
			r.t.Helper()
			r.t.Fatal(err)
		}
	}
	cfg, err := config.Load(r.env, os.ReadFile)
	ok(err)
	guard := continuity.NewGuard()
	pool, err := database.OpenGuardedPool(r.t.Context(), r.dsn, 14, guard)
	ok(err)
	own, err := database.OpenWorkerPool(r.t.Context(), r.dsn, 3)
	ok(err)
	ok(rulefiles.New(own).RegisterMapping(r.t.Context(), cfg.RulesVersion, string(cfg.RulesText)))
	store := ledger.New(pool)
	w := &testWorker{}
	w.Keeper, err = continuity.NewKeeper(continuity.KeeperDeps{JetStream: r.js, Pool: own, Store: ledger.New(own), Guard: guard, Reset: pool.Reset,
		Rules: cfg.Rules, Log: zap.NewNop()}, continuity.KeeperConfig{Stream: "POINTS", Durable: "points-worker", Every: 50 * time.Millisecond, Rest: 100 * time.Millisecond,
		FirstStart: r.firstStart})
	ok(err)
	var dispatchers []*dispatch.Dispatcher
	for _, v := range cfg.Accounts {
		account, err := accounts.New(v)
		ok(err)
		account.PollEvery = 20 * time.Millisecond
		d, err := dispatch.New(dispatch.NewLedger(store, pool), account, zap.NewNop(), silent{})
		ok(err)
		dispatchers = append(dispatchers, d)
	}
	runner, err := consumers.NewRunner(consumers.Deps{JetStream: r.js, Rules: cfg.Rules, Recorder: dispatch.NewHandover(store, dispatchers),
		Log: zap.NewNop(), Observer: quietIntake{}}, consumers.Config{Stream: "POINTS", Durable: "points-worker", Batch: 100,
		BatchesInFlight: 1, AckWait: 5 * time.Second, BatchTime: time.Second})
	ok(err)
	accept, stopAccepting := context.WithCancel(context.Background())
	var loops sync.WaitGroup
	loop := func(run func(accept, work context.Context) error, first bool) {
		loops.Go(func() {
			if first {
				select {
				case <-w.Sure():
				case <-accept.Done():
					return
				}
			}
			if err := run(accept, context.Background()); err != nil {
				r.t.Error(err)
			}
		})
	}
	loop(w.Run, false)
	loop(runner.Run, true)
	for _, d := range dispatchers {
		loop(d.Run, true)
	}
	w.stop = sync.OnceFunc(func() {
		stopAccepting()
		loops.Wait()
		pool.Close()
		own.Close()
	})
	r.t.Cleanup(w.stop)
	return w
}

// loseDatabase drops the database under whoever is connected, and makes a new,
// migrated one of the same name.
func (r *rebuildRig) loseDatabase() {
	r.t.Helper()
	r.replaceDatabase("template0")
	if err := migrations.Up(r.t.Context(), r.dsn); err != nil {
		r.t.Fatal(err)
	}
}

// replaceDatabase drops the database and makes it anew from a template.
func (r *rebuildRig) replaceDatabase(template string) {
	r.t.Helper()
	r.admin("DROP DATABASE "+r.database()+" WITH (FORCE)", "CREATE DATABASE "+r.database()+" TEMPLATE "+template)
	r.pool.Reset()
}

// backUp copies the database as it is. Nobody may be connected but this test.
func (r *rebuildRig) backUp() (name string) {
	r.t.Helper()
	r.pool.Reset()
	name = r.database() + "_backup"
	r.admin("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '"+r.database()+"'",
		"CREATE DATABASE "+name+" TEMPLATE "+r.database())
	r.t.Cleanup(func() { r.admin("DROP DATABASE " + name + " WITH (FORCE)") })
	return name
}

func (r *rebuildRig) database() string {
	config, err := pgx.ParseConfig(r.dsn)
	if err != nil {
		r.t.Fatal(err)
	}
	return config.Database
}

func (r *rebuildRig) admin(statements ...string) {
	r.t.Helper()
	config, err := pgx.ParseConfig(r.dsn)
	if err != nil {
		r.t.Fatal(err)
	}
	config.Database = "postgres"
	conn, err := pgx.ConnectConfig(context.Background(), config)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	for _, sql := range statements {
		if _, err := conn.Exec(context.Background(), sql); err != nil {
			r.t.Fatalf("%s: %v", sql, err)
		}
	}
}

// acknowledged waits until the workers have acknowledged all.
func (r *rebuildRig) acknowledged() {
	r.t.Helper()
	testkit.Eventually(r.t, patience, "all events to be acknowledged", func() bool {
		consumer, err := r.js.Consumer(r.t.Context(), "POINTS", "points-worker")
		return err == nil && consumer.CachedInfo().AckFloor.Stream == r.last
	})
}

// drained waits until nothing is left to be done by workers.
func (r *rebuildRig) drained() {
	r.t.Helper()
	r.acknowledged()
	r.waitFor("the outbox to be drained", `SELECT count(*) FROM outbox WHERE state <> 'parked'`, 0)
}

// plan makes a plan for a part of the stream.
func (r *rebuildRig) plan(args ...string) streamReport {
	r.t.Helper()
	var report streamReport
	r.json(&report, append([]string{"stream"}, args...)...)
	return report
}

// rebuild adds all that the stream has, and says how much that was.
func (r *rebuildRig) rebuild() streamReport {
	r.t.Helper()
	report := r.plan("--from-seq", "1")
	r.must(0, "stream", "--plan", report.Plan, "--yes", "--reason", "database lost", "--operator", "lin")
	return report
}

// release puts back what was rebuilt, and waits until it is done. code is what
// replay run ends with.
func (r *rebuildRig) release(code int, filter ...string) string {
	r.t.Helper()
	n := r.count(`SELECT count(*) FROM outbox WHERE state = 'parked' AND ($1 = '' OR target = $1)`, strings.TrimPrefix(strings.Join(filter, " "), "--account "))
	out := r.must(code, slices.Concat([]string{"run"}, filter, []string{"--expect", fmt.Sprint(n), "--reason", "rebuilt", "--yes"})...)
	r.waitFor("the outbox to be drained", `SELECT count(*) FROM outbox WHERE state <> 'parked'`, 0)
	return out
}

// booksAgree compares the postings with the vendors' books, key by key, and
// wants no key applied twice. open is how many operations are parked.
func (r *rebuildRig) booksAgree(open int) {
	r.t.Helper()
	posted := map[string]int64{}
	rows, err := r.pool.Query(r.t.Context(), `SELECT o.target || ' ' || o.biz_id, o.points FROM postings JOIN operations o ON o.id = operation_id WHERE postings.kind = 'posted'`)
	if err != nil {
		r.t.Fatal(err)
	}
	var key string
	var points int64
	if _, err := pgx.ForEachRow(rows, []any{&key, &points}, func() error { posted[key] = points; return nil }); err != nil {
		r.t.Fatal(err)
	}
	applied := 0
	for _, e := range r.vendor.Book() {
		key := string(e.Vendor) + " " + e.Key
		if e.Applied > 1 || e.Mismatched > 0 {
			r.t.Errorf("%s: applied %d times, %d calls with other parameters", key, e.Applied, e.Mismatched)
		}
		if points, found := posted[key]; found && (e.Applied != 1 || e.AppliedPoints != points) {
			r.t.Errorf("%s: %d points posted, the vendor applied %d, %d times", key, points, e.AppliedPoints, e.Applied)
		}
		if _, found := posted[key]; !found && e.Applied > 0 {
			applied++ // and not posted
		}
		delete(posted, key)
	}
	for key := range posted {
		r.t.Errorf("%s: posted, and the vendor has never heard of it", key)
	}
	if parked := r.count(`SELECT count(*) FROM outbox`); applied > parked || parked != open {
		r.t.Errorf("%d operations are open, want %d; %d keys are applied and not posted", parked, open, applied)
	}
	r.verifies()
}

// verifies wants a ledger that was lost and rebuilt not to look like one that was edited.
func (r *rebuildRig) verifies() {
	r.t.Helper()
	v := &seal.Verifier{Pool: r.pool, Rules: config.RulesOf}
	use, some, err := rulefiles.New(r.pool).LastMapping(r.t.Context())
	if err != nil || !some {
		r.t.Fatalf("read the rules: %v, %v", some, err)
	}
	rules, err := config.RulesOf([]byte(use.Text))
	if err != nil {
		r.t.Fatal(err)
	}
	v.Stream = continuity.NewStreamReader(r.js, ledger.New(r.pool), rules.WithAccountsOn(func(string) bool { return true }), "POINTS", "points-worker")
	found, err := v.Verify(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	for _, f := range found.Findings {
		r.t.Errorf("verify finds %s: %s", f.Kind, f.What)
	}
}
