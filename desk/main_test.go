package desk_test

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
	"pointsledger/ledger/gates"
)

func TestMain(m *testing.M) { os.Exit(testkit.Run(m)) }

// fixture is a desk over a ledger of its own.
type fixture struct {
	*desk.Desk
	*ledger.Store
	*gates.Gates
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
	book := ledger.New(pool)
	return &fixture{Desk: desk.New(pool, book), Store: book, Gates: gates.New(pool), t: t, pool: pool}
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

// heard is what an account answers of rows that it applied.
func heard(rows ...ledger.Claimed) []ledger.Confirmation {
	var all []ledger.Confirmation
	for _, r := range rows {
		all = append(all, ledger.Confirmation{ID: r.ID, Evidence: ledger.Answered, MemberID: r.MemberID, HTTPStatus: 200, VendorCode: "0"})
	}
	return all
}

// must is for calls that do not fail in a working test.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
