package continuity_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"pointsledger/internal/testkit"
	"pointsledger/internal/testkit/orders"
	"pointsledger/ledger"
	"pointsledger/ledger/database"
)

// fixture is a ledger on a database of its own.
type fixture struct {
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
	return &fixture{Store: ledger.New(pool), t: t, pool: pool}
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

// stateOf is state, cause, doubt and lease of an order's row.
func (f *fixture) stateOf(order string) string {
	f.t.Helper()
	return one[string](f, `SELECT concat_ws(' ', x.state, x.cause, x.in_doubt, x.lease_token)
		FROM outbox x JOIN operations o ON o.id = x.operation_id WHERE o.business_key = $1`, order)
}
