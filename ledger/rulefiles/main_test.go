package rulefiles_test

import (
	"context"
	"os"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"pointsledger/internal/testkit"
	"pointsledger/internal/testkit/orders"
	"pointsledger/ledger"
	"pointsledger/ledger/database"
	"pointsledger/ledger/rulefiles"
)

func TestMain(m *testing.M) { os.Exit(testkit.Run(m)) }

// fixture is a ledger of its own, with its rule files.
type fixture struct {
	*rulefiles.Registry
	*ledger.Store
	t    *testing.T
	pool *pgxpool.Pool
	seq  uint64
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	pool, err := database.OpenWorkerPool(t.Context(), testkit.Postgres(t), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return &fixture{Registry: rulefiles.New(pool), Store: ledger.New(pool), t: t, pool: pool}
}

// event is an order of 100 points at the account zhimai.
func (f *fixture) event(order string) ledger.Entry {
	f.seq++
	return orders.Paid(f.seq, order)
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
