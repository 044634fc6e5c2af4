package continuity_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go/jetstream"

	"pointsledger/consumers"
	"pointsledger/continuity"
	"pointsledger/internal/advice"
	"pointsledger/internal/testkit"
	"pointsledger/internal/testkit/intakes"
	"pointsledger/ledger"
	"pointsledger/ledger/database"
)

// kept is a keeper with the pool that its guard watches, on one database.
type kept struct {
	*continuity.Keeper
	in    *intake
	dsn   string
	guard *continuity.Guard
	pool  *pgxpool.Pool
	store *ledger.Store
	stop  func()
}

// newKept is a stream with nothing in it, a new ledger, and a keeper that is sure
// of both.
func newKept(t *testing.T) (in *intake, dsn string, k *kept) {
	t.Helper()
	in, dsn = newIntake(t), testkit.Postgres(t)
	in.MakeStream()
	k = in.keep(dsn)
	k.waitSure()
	return in, dsn, k
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
	k := &kept{in: in, dsn: dsn, guard: guard, pool: in.open(dsn, guard)}
	own := in.open(dsn, nil)
	k.store = ledger.New(k.pool)
	var err error
	k.Keeper, err = continuity.NewKeeper(continuity.KeeperDeps{JetStream: in.Worker, Pool: own, Store: ledger.New(own), Guard: guard, Reset: k.pool.Reset,
		Rules: in.Rules, Log: in.Log}, config)
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

// Problem is the keeper's as a worker shows it.
func (k *kept) Problem() string { return advice.Words(k.Keeper.Problem()) }

func (in *intake) open(dsn string, guard database.ConnGuard) *pgxpool.Pool {
	in.t.Helper()
	pool, err := database.OpenGuardedPool(in.t.Context(), dsn, 4, guard)
	if err != nil {
		in.t.Fatal(err)
	}
	in.t.Cleanup(pool.Close)
	return pool
}

// brief is for a ledger that is taken away amid batches: they give it up after a
// second.
var brief = consumers.Config{AckWait: 30 * time.Second, BatchTime: time.Second}

// fill starts the intake, which goes on until it is stopped, and waits until the
// ledger has n orders and has noted that they are acknowledged.
func (k *kept) fill(n int, c consumers.Config) (stop func()) {
	k.in.t.Helper()
	stop = k.in.Start(k.store, c)
	k.in.publishAll(0, n)
	k.in.beaten(k.dsn, n)
	return stop
}

// backUp copies the ledger's database as it is, under whoever is connected, and
// waits until the keeper has found back to it.
func (k *kept) backUp() (copied string) {
	k.in.t.Helper()
	copied = copyOf(k.in.t, k.dsn)
	k.waitSure()
	return copied
}

func (k *kept) waitSure() {
	k.in.t.Helper()
	testkit.Eventually(k.in.t, 20*time.Second, "the keeper to be sure", func() bool { return k.Problem() == "" })
}

func (k *kept) waitRefused(words string) {
	k.in.t.Helper()
	testkit.Eventually(k.in.t, 20*time.Second, "the keeper to say "+words, func() bool { return strings.Contains(k.Problem(), words) })
	for _, way := range []string{"let them stay there", "begins at sequence", "restore a backup", "Do not delete the consumer"} {
		if !strings.Contains(k.Problem(), way) {
			k.in.t.Errorf("no word of %q in: %s", way, k.Problem())
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
		in.Publish(intakes.Order(i))
	}
	testkit.Eventually(in.t, time.Minute, "all events to be acknowledged", in.Quiet)
}

// beaten waits until the ledger has noted that all is acknowledged.
func (in *intake) beaten(dsn string, acked int) {
	in.t.Helper()
	testkit.Eventually(in.t, 20*time.Second, "the acknowledged events to be noted", func() bool {
		return countIn(in.t, dsn, `SELECT COALESCE(max(acked_seq), -1) FROM ledger_identity`) == acked
	})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// seenBy is what the witness of the tests' durable holds.
type seenBy struct {
	LedgerID string `json:"ledger_id"`
	Timeline int64  `json:"timeline"`
	System   int64  `json:"system_identifier"`
	Beat     int64  `json:"beat"`
	Acked    int    `json:"acked_seq"`
}

func (in *intake) bucket() jetstream.KeyValue {
	in.t.Helper()
	bucket, err := in.JS.KeyValue(in.t.Context(), "POINTS_witness")
	if err != nil {
		in.t.Fatal(err)
	}
	return bucket
}

// witness reads what the witness has seen; false when there is none.
func (in *intake) witness() (seen seenBy, ok bool) {
	in.t.Helper()
	bucket, err := in.JS.KeyValue(in.t.Context(), "POINTS_witness")
	if err != nil {
		return seen, false
	}
	entry, err := bucket.Get(in.t.Context(), "points-worker")
	if err != nil {
		return seen, false
	}
	if err := json.Unmarshal(entry.Value(), &seen); err != nil {
		in.t.Fatal(err)
	}
	return seen, true
}

// postAll claims what is open and confirms it, as the dispatcher would.
func (k *kept) postAll(want int) {
	k.in.t.Helper()
	posted := 0
	testkit.Eventually(k.in.t, 30*time.Second, "all rows to be claimed", func() bool {
		claimed, err := k.store.Claim(k.in.t.Context(), ledger.Claim{Account: "zhimai", Token: 1, Limit: 100, Lease: time.Minute, KeyMemory: time.Hour})
		var heard []ledger.Confirmation
		for _, c := range claimed {
			heard = append(heard, ledger.Confirmation{ID: c.ID, Evidence: ledger.Answered, MemberID: c.MemberID})
		}
		if err == nil && len(heard) > 0 {
			_, err = k.store.Confirm(k.in.t.Context(), heard)
		}
		if err == nil {
			posted += len(heard)
		}
		return posted == want
	})
}

// claimedAsNeverSent is how many rows a worker would send for the first time.
func (k *kept) claimedAsNeverSent() int {
	k.in.t.Helper()
	claimed, err := k.store.Claim(k.in.t.Context(), ledger.Claim{Account: "zhimai", Token: 2, Limit: 100, Lease: time.Minute, KeyMemory: time.Hour})
	if err != nil {
		k.in.t.Fatal(err)
	}
	n := 0
	for _, c := range claimed {
		if c.NeverSent {
			n++
		}
	}
	return n
}

// waitWarning waits until readiness shows words, and the keeper is sure.
func (k *kept) waitWarning(words string) {
	k.in.t.Helper()
	testkit.Eventually(k.in.t, 30*time.Second, "a warning of "+words, func() bool {
		return strings.Contains(strings.Join(k.Warnings(), "\n"), words)
	})
}
