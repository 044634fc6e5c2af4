package orders_test

import (
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"pointsledger/internal/testkit"
	entries "pointsledger/internal/testkit/orders"
	"pointsledger/ledger"
	"pointsledger/ledger/database"
	"pointsledger/reconcile/orders"
	"pointsledger/rules/spelling"
)

func TestMain(m *testing.M) { os.Exit(testkit.Run(m)) }

func TestStatementsPrepare(t *testing.T) {
	t.Parallel()
	testkit.StatementsPrepare(t, "sqlDeclaredDays", "sqlUndeclared", "sqlLookUp", "sqlLookUpOlder", "sqlBeyond")
}

// shop is a source with a ledger of its own.
type shop struct {
	*orders.Orders
	t    *testing.T
	pool *pgxpool.Pool
	book *ledger.Store
	seq  uint64
}

func newShop(t *testing.T) *shop {
	t.Helper()
	pool, err := database.OpenWorkerPool(t.Context(), testkit.Postgres(t), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return &shop{Orders: orders.New(pool), t: t, pool: pool, book: ledger.New(pool)}
}

func (s *shop) record(all ...ledger.Entry) {
	s.t.Helper()
	if _, err := s.book.Record(s.t.Context(), all); err != nil {
		s.t.Fatal(err)
	}
}

// sold is an order of a source, on a day, in a shop; empty is none.
func (s *shop) sold(source, order, day, shopCode string, fen int64) ledger.Entry {
	s.seq++
	e := entries.Paid(s.seq, order)
	e.Event.Source, e.Event.FactKey = source, ledger.NewFactKey(spelling.SourceKey(source), "order.paid", order)
	op := &e.Event.Operations[0]
	op.BizID = ledger.NewBizID("pa", "zhimai", source, "order.paid", order)
	op.BusinessDate, op.ShopCode, op.AmountFen, op.Points = day, shopCode, &fen, ledger.Points(fen/100)
	return e
}

// declared is a day that shop-sh declares.
func (s *shop) declared(day, shopCode string, number, fen int64) ledger.Entry {
	s.seq++
	e := entries.Declared(s.seq, day, "d"+time.Duration(s.seq).String(), number, fen)
	e.Event.Declares.ShopCode = shopCode
	return e
}

// rejected is an event of a type that was rejected.
func (s *shop) rejected(source, typ, payload string) ledger.Entry {
	s.seq++
	e := entries.Paid(s.seq, "")
	e.Event, e.Rejection = nil, ledger.Rejectf(ledger.OverLimit, "too many points")
	e.Source, e.Type, e.Message.Payload = source, typ, []byte(payload)
	return e
}
