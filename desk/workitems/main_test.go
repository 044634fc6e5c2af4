package workitems_test

import (
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"pointsledger/desk"
	"pointsledger/desk/workitems"
	"pointsledger/internal/testkit"
	"pointsledger/internal/testkit/orders"
	"pointsledger/ledger"
	"pointsledger/ledger/database"
	"pointsledger/ledger/waiting"
)

func TestMain(m *testing.M) { os.Exit(testkit.Run(m)) }

// fixture is a ledger whose account zhimai has no call that takes back.
type fixture struct {
	*workitems.Items
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
	return &fixture{Items: workitems.New(pool), t: t, pool: pool, book: ledger.New(pool)}
}

var who = desk.Decision{Actor: "lin", Reason: "ticket 81"}

// sales records orders of 100 points.
func (f *fixture) sales(names ...string) {
	f.t.Helper()
	var entries []ledger.Entry
	for _, order := range names {
		f.seq++
		e := orders.Paid(f.seq, order)
		amount := int64(10_000)
		e.Event.Operations[0].AmountFen = &amount
		entries = append(entries, e)
	}
	f.record(entries...)
}

func (f *fixture) record(entries ...ledger.Entry) {
	f.t.Helper()
	verdicts, err := f.book.Record(f.t.Context(), entries)
	if err != nil {
		f.t.Fatal(err)
	}
	for _, v := range verdicts {
		if v.Kind != ledger.Accepted {
			f.t.Fatalf("not accepted: %+v", v)
		}
	}
}

// refund takes a part of an order back, in fen.
func (f *fixture) refund(order string, fen int64) {
	f.t.Helper()
	f.seq++
	f.record(orders.Refunded(f.seq, order, "R-"+order, &fen))
}

// post has the vendor apply all that is due.
func (f *fixture) post() {
	f.t.Helper()
	claimed, err := f.book.Claim(f.t.Context(), ledger.Claim{Account: "zhimai", Token: 5, Limit: 100, Lease: time.Minute, KeyMemory: time.Hour})
	if err != nil {
		f.t.Fatal(err)
	}
	heard := make([]ledger.Confirmation, len(claimed))
	for i, c := range claimed {
		heard[i] = ledger.Confirmation{ID: c.ID, Evidence: ledger.Answered, MemberID: "383933091455959041"}
	}
	if _, err := f.book.Confirm(f.t.Context(), heard); err != nil {
		f.t.Fatal(err)
	}
}

// release makes work items of what was to be taken back.
func (f *fixture) release() {
	f.t.Helper()
	if _, err := waiting.New(f.pool, f.book).ReleaseTakeBacks(f.t.Context(), "zhimai", []ledger.Kind{ledger.PointsAdd}); err != nil {
		f.t.Fatal(err)
	}
}

// items makes a work item of each order: a tenth of its points.
func (f *fixture) items(names ...string) {
	f.t.Helper()
	f.sales(names...)
	f.post()
	for _, order := range names {
		f.refund(order, 1000)
	}
	f.release()
}

// key is the dedup key of what takes back from an order.
func (f *fixture) key(order string) ledger.BizID {
	return one[ledger.BizID](f, `SELECT biz_id FROM operations WHERE business_key = $1 AND kind = 'points_deduct'`, order)
}

func one[T any](f *fixture, sql string, args ...any) (value T) {
	f.t.Helper()
	if err := f.pool.QueryRow(f.t.Context(), sql, args...).Scan(&value); err != nil {
		f.t.Fatalf("%s: %v", sql, err)
	}
	return value
}

func want[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
