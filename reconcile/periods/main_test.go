package periods_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"pointsledger/internal/testkit"
	"pointsledger/internal/testkit/orders"
	"pointsledger/ledger"
	"pointsledger/ledger/database"
	"pointsledger/reconcile/periods"
)

func TestMain(m *testing.M) { os.Exit(testkit.Run(m)) }

const zone = "Asia/Shanghai"

// daysAgo is a business date in the zone of the tests.
func daysAgo(n int) string {
	shanghai := time.FixedZone("", 8*3600)
	return time.Now().In(shanghai).AddDate(0, 0, -n).Format(time.DateOnly)
}

// shop records orders, and closes its books.
type shop struct {
	*periods.Periods
	t    *testing.T
	dsn  string
	pool *pgxpool.Pool
	book *ledger.Store
}

func newShop(t *testing.T, checks ...periods.Check) *shop {
	t.Helper()
	dsn := testkit.Postgres(t)
	pool, err := database.OpenWorkerPool(t.Context(), dsn, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return &shop{periods.New(pool, checks...), t, dsn, pool, ledger.New(pool)}
}

// as is the periods as another login of the finance role sees them.
func (s *shop) as(role string, checks ...periods.Check) *periods.Periods {
	s.t.Helper()
	s.exec("CREATE ROLE " + role + " LOGIN PASSWORD 'x'")
	s.exec("GRANT points_ledger_finance TO " + role)
	u, err := url.Parse(s.dsn)
	if err != nil {
		s.t.Fatal(err)
	}
	u.User = url.UserPassword(role, "x")
	pool, err := pgxpool.New(s.t.Context(), u.String())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		pool.Close()
		if _, err := s.pool.Exec(context.Background(), "DROP ROLE "+role); err != nil {
			s.t.Error(err)
		}
	})
	return periods.New(pool, checks...)
}

func (s *shop) exec(sql string, args ...any) {
	s.t.Helper()
	if _, err := s.pool.Exec(context.Background(), sql, args...); err != nil {
		s.t.Fatalf("%s: %v", sql, err)
	}
}

// sale is an order of 100 points on a business date.
func sale(seq uint64, day string) ledger.Entry {
	e := orders.Paid(seq, fmt.Sprint("SO-", seq))
	e.Event.Operations[0].BusinessDate = day
	return e
}

func (s *shop) record(seq uint64, day string) {
	s.t.Helper()
	verdicts, err := s.book.Record(s.t.Context(), []ledger.Entry{sale(seq, day)})
	if err != nil || verdicts[0].Kind != ledger.Accepted {
		s.t.Fatalf("record: %v %+v", err, verdicts)
	}
}

// closing is one with a reason.
func closing(through string) periods.Closing {
	return periods.Closing{Through: through, Actor: "anna", Reason: "month end", Zone: zone}
}

// want compares and names what differs.
func want[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// one reads a single value.
func one[T any](s *shop, sql string, args ...any) T {
	s.t.Helper()
	var v T
	if err := s.pool.QueryRow(context.Background(), sql, args...).Scan(&v); err != nil {
		s.t.Fatalf("%s: %v", sql, err)
	}
	return v
}

// copyOrder records the order SO-1 again, under another number and for another business
// date, in a transaction of the test's own.
const copyOrder = `
WITH copied AS (
    INSERT INTO operations (target, kind, biz_id, business_key, member_id, points, source_type, points_channel, reason, reference, business_date, mapping_version,
           event_source, event_id, event_type, event_time, event_subject, stream_seq, broker_time, data, fact_key, fact_leg)
    SELECT target, kind, substr(md5(key), 1, 28), key, member_id, 7, source_type, points_channel, reason, reference, date, mapping_version,
           event_source, event_id || key, event_type, event_time, event_subject, stream_seq, broker_time, data, gen_random_uuid(), fact_leg
      FROM operations, (SELECT '%s'::text AS key, '%s'::date AS date) AS another
     WHERE business_key = 'SO-1'
    RETURNING id, target
)
INSERT INTO outbox (operation_id, target, state, in_doubt, next_attempt_at) SELECT id, target, 'pending', false, now() FROM copied`
