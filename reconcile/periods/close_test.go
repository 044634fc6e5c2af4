package periods_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"pointsledger/ledger"
	"pointsledger/reconcile/periods"
)

// What comes late keeps its date and is booked on the first open one; what is open is
// carried forward with its points, and takes a reason.
func TestCloseCarriesForward(t *testing.T) {
	t.Parallel()
	s, ctx := newShop(t), t.Context()
	s.record(1, daysAgo(3))
	s.record(2, daysAgo(1))

	preview := closing(daysAgo(2))
	preview.PreviewOnly = true
	o, err := s.Close(ctx, preview)
	if err != nil || o.State != "open" || len(o.Findings) != 1 || o.Findings[0] != (periods.Finding{Check: "on_its_way", Account: "zhimai", Count: 1, Points: 100}) {
		t.Fatalf("preview: %+v, %v", o, err)
	}
	c := closing(daysAgo(2))
	c.Reason = ""
	if o, err = s.Close(ctx, c); !errors.Is(err, periods.ErrReasonNeeded) || o.State != "locked" {
		t.Fatalf("without a reason: %+v, %v", o, err)
	}
	s.record(3, daysAgo(3)) // late: the period is locked
	if o, err = s.Close(ctx, closing(daysAgo(2))); err != nil || o.State != "closed" {
		t.Fatalf("close: %+v, %v", o, err)
	}
	want(t, "carried forward", len(o.Open), 1)
	want(t, "points carried forward", o.Open[0].Points, 100)
	want(t, "issued", o.Totals["zhimai:issued:1"], -100)
	s.record(4, daysAgo(2)) // late: it is closed
	s.record(5, daysAgo(1)) // not late

	rows, err := s.pool.Query(ctx, `SELECT business_key || ' ' || (accounting_date - business_date) FROM book_entries WHERE place = 'issued' ORDER BY operation_id`)
	if err != nil {
		t.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	want(t, "days between the own date and the booked one", strings.Join(got, ", "), "SO-1 0, SO-2 0, SO-3 2, SO-4 1, SO-5 0")
	want(t, "late events say so", one[int](s, `SELECT count(*) FROM late_events WHERE accounting_date <> business_date`), 2)

	list, err := s.List(ctx, true)
	if err != nil || len(list) != 1 || list[0].State != "closed" || list[0].Through != daysAgo(2) || list[0].After != "" {
		t.Fatalf("list: %+v, %v", list, err)
	}
	want(t, "differences", len(list[0].Closed.Differences), 0)
	want(t, "actor", list[0].Closed.Actor, "anna")
	want(t, "database user", list[0].Closed.DatabaseUser, one[string](s, "SELECT session_user::text"))
}

// blocker finds what it is told to find.
type blocker []periods.Finding

func (b *blocker) Look(context.Context, periods.Span) ([]periods.Finding, error) { return *b, nil }

// What blocks keeps a period locked; the rules say what blocks, and what was found is
// kept with the closing.
func TestPolicySaysWhatBlocks(t *testing.T) {
	t.Parallel()
	b := &blocker{{Check: periods.Unexplained, Account: "zhimai", Count: 3, Points: 7}}
	s, ctx := newShop(t, b), t.Context()
	o, err := s.Close(ctx, closing(daysAgo(1)))
	if err != nil || !o.Blocked() || o.Warned() || o.State != "locked" {
		t.Fatalf("blocked by default: %+v, %v", o, err)
	}
	c := closing(daysAgo(1))
	c.Policy.Blocks = []string{periods.Seal}
	if o, err = s.Close(ctx, c); err != nil || o.State != "closed" || !o.Warned() {
		t.Fatalf("a warning: %+v, %v", o, err)
	}
	list, err := s.List(ctx, false)
	if err != nil || len(list[0].Closed.Checks) != 1 || list[0].Closed.Checks[0] != (*b)[0] {
		t.Fatalf("kept with the closing: %+v, %v", list, err)
	}
	// Nothing makes a lost operation a warning.
	*b = blocker{{Check: periods.Lost, Count: 1}}
	c.Through, c.PreviewOnly, c.Policy.Blocks = daysAgo(0), true, []string{}
	if o, err = s.Close(ctx, c); err != nil || !o.Blocked() {
		t.Fatalf("lost: %+v, %v", o, err)
	}
}

// An open reject is told by the day of its event, whenever it was rejected.
func TestOpenRejectsAreTold(t *testing.T) {
	t.Parallel()
	s, ctx := newShop(t), t.Context()
	reject := func(seq uint64, payload string) {
		e := sale(seq, daysAgo(1))
		e.Message.Payload, e.Message.BrokerTime = []byte(payload), time.Now()
		e.Event, e.Rejection = nil, ledger.Rejectf(ledger.Clock, "no such day")
		if _, err := s.book.Record(ctx, []ledger.Entry{e}); err != nil {
			t.Fatal(err)
		}
	}
	preview := closing(daysAgo(1))
	preview.PreviewOnly = true
	told := func(n int64) {
		t.Helper()
		o, err := s.Close(ctx, preview)
		if err != nil || len(o.Findings) != min(1, int(n)) || n > 0 && (o.Findings[0].Check != periods.Rejects || o.Findings[0].Count != n) {
			t.Fatalf("%d: %+v, %v", n, o, err)
		}
	}
	reject(1, "{") // of today, as it came
	reject(2, fmt.Sprintf(`{"data":{"orderId":"SO-2","businessDate":%q}}`, daysAgo(0)))
	told(0)
	reject(3, fmt.Sprintf(`{"data":{"orderId":"SO-3","businessDate":%q}}`, daysAgo(1)))
	told(1)
	s.exec("ALTER TABLE rejects DISABLE TRIGGER USER")
	s.exec("UPDATE rejects SET broker_time = broker_time - interval '1 day'") // the first is of yesterday, too
	told(2)
}

// A transaction that recorded before the lock is waited for, and nobody waits for the
// lock: neither what records, nor what locks.
func TestLockingHindersNobody(t *testing.T) {
	t.Parallel()
	s, ctx := newShop(t), t.Context()
	s.record(1, daysAgo(2))
	old, err := s.pool.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = old.Rollback(context.Background()) }()
	if _, err := old.Exec(ctx, fmt.Sprintf(copyOrder, "old", daysAgo(2))); err != nil {
		t.Fatal(err)
	}
	lock := closing(daysAgo(1))
	lock.LockOnly = true
	if o, err := s.Close(ctx, lock); err != nil || o.State != "locked" {
		t.Fatalf("lock beside a transaction that records: %+v, %v", o, err)
	}
	s.record(2, daysAgo(1)) // recorded beside both
	if o, err := s.Within(50*time.Millisecond).Close(ctx, closing(daysAgo(1))); !errors.Is(err, periods.ErrBusy) || o.State != "locked" {
		t.Fatalf("close beside a transaction from before: %+v, %v", o, err)
	}
	// Neither can somebody do it who leaves the waiting out.
	_, err = s.pool.Exec(ctx, `INSERT INTO period_acts (id, act, through, at, actor, reason, zone, db_user, action_id) VALUES (0, 'close', $1, now(), 'x', 'x', $2, 'x', 0)`, daysAgo(1), zone)
	if err == nil || !strings.Contains(err.Error(), "PLP02") {
		t.Fatalf("close by hand beside a transaction from before: %v", err)
	}
	closed := make(chan error)
	go func() {
		_, err := s.Close(ctx, closing(daysAgo(1)))
		closed <- err
	}()
	if err := old.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
	want(t, "recorded before the lock stays on its date", one[int](s, `SELECT count(*) FROM late_entries l JOIN operations o ON o.id = l.operation_id WHERE o.business_key = 'old'`), 0)
	want(t, "recorded after it does not", one[int](s, `SELECT count(*) FROM late_entries l JOIN operations o ON o.id = l.operation_id WHERE o.business_key = 'SO-2'`), 1)
}

// A clock that is set back books nothing on what is closed.
func TestPostedByAClockSetBack(t *testing.T) {
	t.Parallel()
	s, ctx := newShop(t), t.Context()
	s.record(1, daysAgo(2))
	if _, err := s.Close(ctx, closing(daysAgo(1))); err != nil {
		t.Fatal(err)
	}
	s.exec(`WITH gone AS (DELETE FROM outbox RETURNING operation_id)
		INSERT INTO postings (operation_id, kind, evidence, attempts, posted_at) SELECT operation_id, 'voided', 'manual', 0, now() - interval '30 hours' FROM gone`)
	s.exec(`INSERT INTO corrections (operation_id, kind, evidence, member_id, corrected_at) SELECT operation_id, 'applied_after_void', 'answered', '1', now() - interval '30 hours' FROM postings`)
	want(t, "accounting dates of what came after", one[string](s, `SELECT string_agg(DISTINCT movement || ' ' || (accounting_date - $1::date), ', ') FROM book_entries WHERE movement <> 'accepted'`, daysAgo(1)),
		"applied_after_void 1, void_undone 1, voided 1")
	list, err := s.List(ctx, true)
	if err != nil || len(list[0].Closed.Differences) != 0 {
		t.Fatalf("%+v, %v", list, err)
	}
}

// What somebody changes in closed books is named, though every sum is 0 as before.
func TestChangedClosedBooksAreNamed(t *testing.T) {
	t.Parallel()
	s, ctx := newShop(t), t.Context()
	s.record(1, daysAgo(2))
	if _, err := s.Close(ctx, closing(daysAgo(1))); err != nil {
		t.Fatal(err)
	}
	s.exec("ALTER TABLE operations DISABLE TRIGGER USER")
	s.exec("UPDATE operations SET points = 5930")
	list, err := s.List(ctx, true)
	if err != nil {
		t.Fatal(err)
	}
	want(t, "edited by the operation", list[0].Closed.Edited, false)
	got := list[0].Closed.Differences
	if len(got) != 2 || got[0] != (periods.Difference{Account: "zhimai:issued:1", ClosedPoints: -100, Points: -5930}) {
		t.Fatalf("differences: %+v", got)
	}
	// Who makes the closing fit forgets the act, or its seal.
	s.exec("ALTER TABLE period_acts DISABLE TRIGGER USER")
	s.exec("UPDATE period_acts SET totals = points_ledger_totals(through) WHERE act = 'close'")
	if list, err = s.List(ctx, true); err != nil || len(list[0].Closed.Differences) != 0 || !list[0].Closed.Edited {
		t.Fatalf("edited with the closing: %+v, %v", list, err)
	}
}
