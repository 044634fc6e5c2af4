package ledger_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"pointsledger/desk"
	"pointsledger/internal/testkit"
	"pointsledger/internal/testkit/orders"
	"pointsledger/ledger"
	"pointsledger/ledger/database"
)

func TestMain(m *testing.M) { os.Exit(testkit.Run(m)) }

// fixture is a store on a database of its own, and a desk over it.
type fixture struct {
	*desk.Desk
	*ledger.Store
	t    *testing.T
	pool *pgxpool.Pool
	seq  uint64
	// offered are the calls of both accounts.
	offered []ledger.Kind
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	pool, err := database.OpenWorkerPool(t.Context(), testkit.Postgres(t), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	book := ledger.New(pool)
	return &fixture{Desk: desk.New(pool, book), Store: book, t: t, pool: pool,
		offered: []ledger.Kind{ledger.PointsAdd, ledger.FreezePoint, ledger.PointsDeduct, ledger.UnfreezePoint, ledger.ConsumeFrozen}}
}

// event is an order of 100 points at the account zhimai.
func (f *fixture) event(order string) ledger.Entry {
	f.seq++
	return orders.Paid(f.seq, order)
}

// codedEvent is an event of a member whose code was scanned.
func (f *fixture) codedEvent(order, code string) ledger.Entry {
	e := f.event(order)
	e.Event.Operations[0].MemberID, e.Event.Operations[0].MemberCode = "", code
	return e
}

// record records entries and fails the test on an error.
func (f *fixture) record(entries ...ledger.Entry) []ledger.Verdict {
	f.t.Helper()
	verdicts, err := f.Record(f.t.Context(), entries)
	if err != nil {
		f.t.Fatal(err)
	}
	if len(verdicts) != len(entries) {
		f.t.Fatalf("%d verdicts for %d entries", len(verdicts), len(entries))
	}
	return verdicts
}

// claim claims due rows of zhimai under a token.
func (f *fixture) claim(token ledger.LeaseToken, limit int) []ledger.Claimed {
	f.t.Helper()
	rows, err := f.Claim(f.t.Context(), ledger.Claim{Account: "zhimai", Token: token, Limit: limit, Lease: time.Minute, KeyMemory: time.Hour})
	if err != nil {
		f.t.Fatal(err)
	}
	return rows
}

// one reads a single value.
func one[T any](f *fixture, sql string, args ...any) T {
	f.t.Helper()
	var v T
	if err := f.pool.QueryRow(f.t.Context(), sql, args...).Scan(&v); err != nil {
		f.t.Fatalf("%s: %v", sql, err)
	}
	return v
}

func (f *fixture) exec(sql string, args ...any) {
	f.t.Helper()
	if _, err := f.pool.Exec(context.Background(), sql, args...); err != nil {
		f.t.Fatalf("%s: %v", sql, err)
	}
}

// want compares and names what differs.
func want[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// must is for calls that do not fail in a working test.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
