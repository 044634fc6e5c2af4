package foresight_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"pointsledger/desk/foresight"
	"pointsledger/internal/testkit"
	"pointsledger/internal/testkit/orders"
	"pointsledger/ledger"
	"pointsledger/ledger/database"
)

func TestMain(m *testing.M) { os.Exit(testkit.Run(m)) }

// Every statement fits the migrated schema.
func TestStatementsPrepare(t *testing.T) {
	t.Parallel()
	testkit.StatementsPrepare(t, "sqlOriginStates")
}

// fixture is a ledger of its own.
type fixture struct {
	t    *testing.T
	pool *pgxpool.Pool
	book *ledger.Store
	seq  uint64
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	pool, err := database.OpenWorkerPool(t.Context(), testkit.Postgres(t), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return &fixture{t: t, pool: pool, book: ledger.New(pool)}
}

// sale is the paid order SO-1 of 10,000 fen: 100 points at zhimai, and a freeze of 30
// at kylin.
func (f *fixture) sale() ledger.Entry {
	f.seq++
	e, amount := orders.Paid(f.seq, "SO-1"), int64(10_000)
	e.Event.Operations = append(e.Event.Operations, orders.Operation("kylin", "SO-1", 30))
	for i := range e.Event.Operations {
		e.Event.Operations[i].AmountFen = &amount
	}
	return e
}

// refund is one of SO-1.
func (f *fixture) refund(id string, fen int64) ledger.Entry {
	f.seq++
	e := orders.Refunded(f.seq, "SO-1", id, &fen)
	e.Event.Content = fmt.Sprintf(`{"amountFen":%d,"refundId":%q}`, fen, id)
	return e
}

func (f *fixture) cancel(order string) ledger.Entry {
	f.seq++
	return orders.Refunded(f.seq, order, order, nil)
}

// complete is the completion of SO-1.
func (f *fixture) complete() ledger.Entry {
	e := f.cancel("SO-1")
	e.Event.Type, e.Event.FactKey, e.Event.Refers.Consumes = "order.completed", ledger.NewFactKey("shop-sh", "order.completed", "SO-1"), true
	return e
}

func (f *fixture) record(entries ...ledger.Entry) {
	f.t.Helper()
	must(f.book.Record(f.t.Context(), entries))
}

func (f *fixture) look(e ledger.Entry) foresight.Foresight {
	f.t.Helper()
	return must(foresight.Look(f.t.Context(), f.pool, f.book, e.Message, e.Event))
}

func (f *fixture) exec(sql string) {
	f.t.Helper()
	if _, err := f.pool.Exec(f.t.Context(), sql); err != nil {
		f.t.Fatalf("%s: %v", sql, err)
	}
}

func one[T any](f *fixture, sql string) (value T) {
	f.t.Helper()
	if err := f.pool.QueryRow(f.t.Context(), sql).Scan(&value); err != nil {
		f.t.Fatalf("%s: %v", sql, err)
	}
	return value
}

// must is for calls that do not fail in a working test.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func want[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
