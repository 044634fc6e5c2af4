package dispatch_test

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/zap"

	"pointsledger/desk"
	"pointsledger/dispatch"
	"pointsledger/internal/testkit"
	"pointsledger/ledger"
	"pointsledger/ledger/database"
	"pointsledger/ledger/knowledge"
	"pointsledger/vendorapi"
	"pointsledger/vendorapi/sim"
	"pointsledger/vendorapi/zhimai"
)

func TestMain(m *testing.M) { os.Exit(testkit.Run(m)) }

// bench is a ledger, a simulator and one account that is served.
type bench struct {
	t     *testing.T
	pool  *pgxpool.Pool
	store *ledger.Store
	sim   *sim.Simulator
	url   string
	seq   int
	// honours: the simulator applies a repeated key once.
	honours bool
}

func newBench(t *testing.T, config sim.Config) *bench {
	t.Helper()
	pool, err := database.OpenWorkerPool(t.Context(), testkit.Postgres(t), 12)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	simulator, err := sim.New(config)
	if err != nil {
		t.Fatal(err)
	}
	url, stop, err := simulator.Start("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stop() })
	return &bench{t: t, pool: pool, store: ledger.New(pool), sim: simulator, url: url,
		honours: config.Zhimai.Dedup.Mode != sim.DedupOff && config.Zhimai.Dedup.KeyMemory == 0}
}

// account is impatient, so that tests end soon.
func (b *bench) account() dispatch.Account {
	b.t.Helper()
	client, err := zhimai.New(zhimai.Config{URL: b.url + "/api/v2", OpenID: sim.DefaultOpenID, GrantCode: sim.DefaultGrantCode,
		OpenKey: sim.DefaultOpenKey, Signing: zhimai.DefaultSigning(),
		Codes: zhimai.Codes{AlreadyApplied: []string{"40901"}},
		HTTP:  vendorapi.HTTPConfig{ConnectTimeout: time.Second, Timeout: time.Second}})
	if err != nil {
		b.t.Fatal(err)
	}
	return dispatch.Account{Name: "zhimai", Vendor: client, Concurrency: 16,
		Timeout: time.Second, Lease: 8 * time.Second, Schedule: dispatch.Schedule{20 * time.Millisecond, 100 * time.Millisecond},
		KeysHonoured: b.honours, QuietAfter: time.Second, ClockSkew: 2 * time.Second, Sampling: dispatch.SampleEvery(time.Second),
		GiveUpAfter: time.Hour, ProbeEvery: 300 * time.Millisecond, PollEvery: 100 * time.Millisecond}
}

// start runs a dispatcher until the test ends or stop is called.
func (b *bench) start(a dispatch.Account) (d *dispatch.Dispatcher, stop func()) {
	b.t.Helper()
	return b.startWatched(a, &counts{})
}

func (b *bench) startWatched(a dispatch.Account, observer dispatch.Observer) (d *dispatch.Dispatcher, stop func()) {
	b.t.Helper()
	d, err := dispatch.New(dispatch.NewLedger(b.store, b.pool), a, zap.NewNop(), observer)
	if err != nil {
		b.t.Fatal(err)
	}
	return d, b.run(d)
}

// run runs a dispatcher until the test ends or stop is called.
func (b *bench) run(d *dispatch.Dispatcher) (stop func()) {
	b.t.Helper()
	accept, stopAccepting := context.WithCancel(context.Background())
	work, stopWorking := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(accept, work) }()
	stop = sync.OnceFunc(func() {
		stopAccepting()
		timer := time.AfterFunc(10*time.Second, stopWorking)
		if err := <-done; err != nil {
			b.t.Errorf("dispatcher: %v", err)
		}
		timer.Stop()
		stopWorking()
	})
	b.t.Cleanup(stop)
	return stop
}

// accept records n orders of 10 points for different members; edit may change each.
func (b *bench) accept(n int, edit func(i int, op *ledger.Operation)) {
	b.t.Helper()
	if _, err := b.store.Record(b.t.Context(), b.orders(n, edit)); err != nil {
		b.t.Fatal(err)
	}
}

// orders makes what accept records.
func (b *bench) orders(n int, edit func(i int, op *ledger.Operation)) (entries []ledger.Entry) {
	now := time.Now()
	for range n {
		b.seq++
		order := fmt.Sprintf("SO-%d", b.seq)
		id := ledger.NewBizID("pa", "zhimai", "shop", "order.paid", order, "pa")
		op := ledger.Operation{Account: "zhimai", Kind: ledger.PointsAdd, BizID: id, BusinessKey: order,
			MemberID: fmt.Sprintf("38393309145595%04d", b.seq), Points: 10, SourceType: 1, PointsChannel: 3,
			Reason: order + " #" + ledger.ReferenceOf(id), Reference: ledger.ReferenceOf(id),
			BusinessDate: "2026-11-20", MappingVersion: "test"}
		if edit != nil {
			edit(b.seq, &op)
		}
		entries = append(entries, ledger.Entry{
			Message: ledger.Message{Stream: "POINTS", StreamCreated: now, Seq: uint64(b.seq), Subject: "points.events.order.paid", BrokerTime: now},
			Event: &ledger.Event{Source: "shop", ID: order, Type: "order.paid", Time: now,
				Content: fmt.Sprintf(`{"orderId":%q}`, order), FactKey: ledger.NewFactKey("shop", "order.paid", order), Operations: []ledger.Operation{op}}})
	}
	return entries
}

func (b *bench) count(sql string, args ...any) int {
	b.t.Helper()
	var n int
	if err := b.pool.QueryRow(b.t.Context(), sql, args...).Scan(&n); err != nil {
		b.t.Fatalf("%s: %v", sql, err)
	}
	return n
}

func (b *bench) open() int { return b.count(`SELECT count(*) FROM outbox WHERE state <> 'parked'`) }

// agree checks the ledger against the simulator's book, key by key.
func (b *bench) agree(posted int) {
	b.t.Helper()
	applied := map[string]sim.Entry{}
	for _, e := range b.sim.Book() {
		if e.Applied > 0 {
			applied[e.Key] = e
		}
		if e.Applied > 1 {
			b.t.Errorf("%s was applied %d times", e.Key, e.Applied)
		}
		if e.Mismatched > 0 {
			b.t.Errorf("%s came with other parameters %d times", e.Key, e.Mismatched)
		}
	}
	n := 0
	err := desk.New(b.pool, b.store).EachOperation(b.t.Context(), func(st desk.Status) error {
		e, there := applied[string(st.BizID)]
		if (st.State == "posted") != there {
			b.t.Errorf("%s is %s, the vendor applied it: %v", st.BusinessKey, st.State, there)
		}
		if there && (e.Points != int64(st.Points) || e.Member != st.MemberID) {
			b.t.Errorf("%s: %d points to %s, the vendor applied %d to %s", st.BusinessKey, st.Points, st.MemberID, e.Points, e.Member)
		}
		if st.State == "posted" {
			n++
		}
		return nil
	})
	if err != nil {
		b.t.Fatal(err)
	}
	if n != posted || len(applied) != posted {
		b.t.Errorf("posted %d, applied %d, want %d", n, len(applied), posted)
	}
}

// counts is an observer.
type counts struct{}

func (*counts) Attempted(string, vendorapi.Outcome, time.Duration)  {}
func (*counts) Claimed(string, int, time.Duration)                  {}
func (*counts) Settled(string, string, int)                         {}
func (*counts) Written(string, int, time.Duration, []time.Duration) {}
func (*counts) LeasesLost(string, int)                              {}
func (*counts) LeasesExpired(string, int)                           {}
func (*counts) Sampled(string, knowledge.Sighting)                  {}

func TestEveryOperationOnceUnderHeavyFaults(t *testing.T) {
	t.Parallel()
	faults, err := sim.FaultsPreset("heavy")
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range []sim.DedupMode{sim.DedupSuccess, sim.DedupCode} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			b := newBench(t, sim.Config{Seed: 5, Zhimai: sim.ZhimaiConfig{Faults: faults, Dedup: sim.Dedup{Mode: mode}}})
			b.accept(600, nil)
			b.start(b.account())
			testkit.Eventually(t, time.Minute, "all operations to end", func() bool { return b.open() == 0 })
			b.agree(600)
			if b.count(`SELECT count(*) FROM attempts WHERE outcome = 'unknown'`) == 0 {
				t.Error("no attempt was unclear: the faults did not bite")
			}
		})
	}
}

// A wrong key leaves at most ten rows parked, and the corrected key drains the
// rest without any replay.
func TestWrongKeyParksAtMostTen(t *testing.T) {
	t.Parallel()
	for _, confirmed := range []bool{false, true} {
		t.Run(fmt.Sprintf("confirmed before %v", confirmed), func(t *testing.T) {
			t.Parallel()
			b := newBench(t, sim.Config{})
			if confirmed {
				if err := b.store.MarkAccountConfirmed(t.Context(), "zhimai"); err != nil {
					t.Fatal(err)
				}
			}
			if err := b.sim.SetOpenKey("another key"); err != nil {
				t.Fatal(err)
			}
			b.accept(1000, nil)
			d, _ := b.start(b.account())
			testkit.Eventually(t, 30*time.Second, "the gate to close", func() bool {
				return d.Status().Gate.Reason == dispatch.GateSuspicious
			})
			// Several probes fail; none of them parks a row.
			refusals := b.sim.Totals(sim.Zhimai).WrongSignature
			testkit.Eventually(t, 30*time.Second, "three more probes", func() bool {
				return b.sim.Totals(sim.Zhimai).WrongSignature >= refusals+3
			})
			if used := b.count(`SELECT count(*) FROM outbox WHERE state <> 'parked' AND attempts > 0`); used > 0 {
				t.Errorf("%d waiting rows have used an attempt", used)
			}
			if err := b.sim.SetOpenKey(sim.DefaultOpenKey); err != nil {
				t.Fatal(err)
			}
			testkit.Eventually(t, time.Minute, "the rest to drain", func() bool { return b.open() == 0 })
			parked := b.count(`SELECT count(*) FROM outbox WHERE state = 'parked'`)
			if parked > 10 { // those that were refused before the suspicion
				t.Errorf("%d rows are parked, want at most 10", parked)
			}
			b.agree(1000 - parked)
		})
	}
}

func TestScannedCodes(t *testing.T) {
	t.Parallel()
	faults := sim.Faults{Rates: map[sim.FaultKind]float64{"apply_then_drop": 0.3}}
	b := newBench(t, sim.Config{Zhimai: sim.ZhimaiConfig{Faults: faults}})
	b.accept(50, func(i int, op *ledger.Operation) {
		op.MemberCode, op.MemberID = "UC"+op.MemberID, ""
		if i == 7 {
			op.MemberCode = "no such code"
		}
	})
	b.start(b.account())
	testkit.Eventually(t, time.Minute, "all operations to end", func() bool { return b.open() == 0 })
	b.agree(49)
	if n := b.count(`SELECT count(*) FROM outbox WHERE cause = 'member_unresolved' AND NOT in_doubt AND first_sent_at IS NULL`); n != 1 {
		t.Errorf("%d rows parked as unresolved and never sent, want 1", n)
	}
}

func TestOldScannedCodeIsNotResolved(t *testing.T) {
	t.Parallel()
	b := newBench(t, sim.Config{})
	b.accept(1, func(_ int, op *ledger.Operation) { op.MemberCode, op.MemberID = "UC77", "" })
	a := b.account()
	a.CodeMaxAge = time.Nanosecond
	b.start(a)
	testkit.Eventually(t, 30*time.Second, "the row to be parked", func() bool { return b.open() == 0 })
	if reads := b.sim.Totals(sim.Zhimai).Reads; reads != 0 {
		t.Errorf("the vendor was asked %d times for a code that may be somebody else's", reads)
	}
	if n := b.count(`SELECT count(*) FROM attempts WHERE error LIKE 'the scanned member code is % old%'`); n != 1 {
		t.Errorf("%d attempts say that the code is old, want 1", n)
	}
}

// A worker that dies after its vendor call leaves leased rows: another takes
// them back in doubt and sends the same key again.
func TestRowsOfADeadWorker(t *testing.T) {
	t.Parallel()
	b := newBench(t, sim.Config{})
	b.accept(20, nil)
	a := b.account()
	rows, err := b.store.Claim(t.Context(), ledger.Claim{Account: "zhimai", Token: 1, Limit: 20, Lease: time.Millisecond, KeyMemory: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows[:10] { // half of the calls were made, none was settled
		if reply := a.Vendor.Send(t.Context(), &rows[i].VendorCall); reply.Outcome != vendorapi.Applied {
			t.Fatalf("call %d: %+v", i, reply)
		}
	}
	b.start(a)
	testkit.Eventually(t, 30*time.Second, "all operations to end", func() bool { return b.open() == 0 })
	b.agree(20)
	if n := b.count(`SELECT count(*) FROM attempts WHERE outcome = 'lease_expired'`); n != 20 {
		t.Errorf("%d attempts ended with their lease, want 20", n)
	}
}

// A stopped worker finishes its calls and hands the rest back at once, as if
// never claimed.
func TestStopHandsBack(t *testing.T) {
	t.Parallel()
	b := newBench(t, sim.Config{Latency: 200 * time.Millisecond})
	if err := b.store.MarkAccountConfirmed(t.Context(), "zhimai"); err != nil {
		t.Fatal(err)
	}
	b.accept(200, nil)
	d, stop := b.start(b.account())
	testkit.Eventually(t, 30*time.Second, "calls in flight", func() bool { return d.Status().InFlight >= 16 })
	stop()
	if n := b.count(`SELECT count(*) FROM outbox WHERE state = 'sending' OR in_doubt OR first_sent_at IS NOT NULL OR attempts > 0`); n != 0 {
		t.Errorf("%d rows are not as if never claimed", n)
	}
	left := b.open()
	if left == 0 || left == 200 {
		t.Fatalf("%d of 200 rows are left: the stop came too early or too late to show anything", left)
	}
	b.agree(200 - left)
	b.start(b.account())
	testkit.Eventually(t, 30*time.Second, "the rest to drain", func() bool { return b.open() == 0 })
	b.agree(200)
}

// Calls that are cut off by the end of the grace are in doubt, not lost.
func TestStopCutsOffHangingCalls(t *testing.T) {
	t.Parallel()
	b := newBench(t, sim.Config{Zhimai: sim.ZhimaiConfig{Faults: sim.Faults{
		Rates: map[sim.FaultKind]float64{"hang_after": 1}, MaxPerKey: 1, HangFor: time.Minute}}})
	b.accept(1, nil)
	a := b.account()
	a.Timeout, a.Lease = 30*time.Second, time.Minute
	d, err := dispatch.New(dispatch.NewLedger(b.store, b.pool), a, zap.NewNop(), &counts{})
	if err != nil {
		t.Fatal(err)
	}
	accept, stopAccepting := context.WithCancel(t.Context())
	work, stopWorking := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Run(accept, work) }()
	testkit.Eventually(t, 30*time.Second, "the call to hang", func() bool { return b.sim.Totals(sim.Zhimai).Applied == 1 })
	stopAccepting()
	stopWorking()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if n := b.count(`SELECT count(*) FROM outbox WHERE state = 'pending' AND in_doubt`); n != 1 {
		t.Fatalf("%d rows wait in doubt, want 1", n)
	}
	b.start(b.account())
	testkit.Eventually(t, 30*time.Second, "the operation to end", func() bool { return b.open() == 0 })
	b.agree(1)
}

// Database connections are cut again and again: nothing is lost or doubled.
func TestDatabaseConnectionsAreCut(t *testing.T) {
	t.Parallel()
	b := newBench(t, sim.Config{Latency: 5 * time.Millisecond})
	b.accept(500, nil)
	b.start(b.account())
	cuts := 0
	testkit.Eventually(t, time.Minute, "all operations to end", func() bool {
		var cut int
		err := b.pool.QueryRow(t.Context(), `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
			WHERE datname = current_database() AND pid <> pg_backend_pid()`).Scan(&cut)
		if err != nil {
			return false
		}
		cuts += cut
		open := 0
		err = b.pool.QueryRow(t.Context(), `SELECT count(*) FROM outbox`).Scan(&open)
		return err == nil && open == 0
	})
	if cuts == 0 {
		t.Error("no connection was cut")
	}
	b.agree(500)
}

func TestAccountIsChecked(t *testing.T) {
	for what, edit := range map[string]func(*dispatch.Account){
		"no name":                func(a *dispatch.Account) { a.Name = "" },
		"no vendor":              func(a *dispatch.Account) { a.Vendor = nil },
		"negative concurrency":   func(a *dispatch.Account) { a.Concurrency = -1 },
		"lease below a call":     func(a *dispatch.Account) { a.Lease = a.Timeout },
		"memory below a lease":   func(a *dispatch.Account) { a.KeyMemory = a.Lease },
		"rate below none":        func(a *dispatch.Account) { a.RatePerSecond = -1 },
		"impossible concurrency": func(a *dispatch.Account) { a.Concurrency = 1 << 20 },
	} {
		a := dispatch.Account{Name: "zhimai", Vendor: &zhimai.Client{}, Timeout: time.Second, Lease: 10 * time.Second}
		edit(&a)
		if _, err := dispatch.New(nil, a, zap.NewNop(), &counts{}); err == nil {
			t.Errorf("%s: accepted", what)
		}
	}
	if _, err := dispatch.New(nil, dispatch.Account{Name: "zhimai", Vendor: &zhimai.Client{}}, zap.NewNop(), &counts{}); err != nil {
		t.Errorf("defaults: %v", err)
	}
}
