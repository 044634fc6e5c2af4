package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"pointsledger/internal/testkit"
	"pointsledger/ledger/database"
)

// sqlHistory makes 20,000 finished operations and 9,000 open ones: at zhimai
// pending and parked, the older half of the parked in doubt for two hours; at
// kylin sending, in doubt for one. The oldest of each is a day old.
const sqlHistory = `
INSERT INTO operations (target, kind, biz_id, business_key, member_id, points, source_type, points_channel, reason, reference,
       business_date, mapping_version, event_source, event_id, event_type, event_time, event_subject, stream_seq, broker_time, data, recorded_at)
SELECT CASE WHEN n % 3 = 0 THEN 'kylin' ELSE 'zhimai' END, 'points_add', lpad(n::text, 28, '0'), 'SO-' || n, '1', 1, 1, 1, 'r', 'r',
       '2026-11-20', 'v', 's', n::text, 'order.paid', now(), 's', n, now(), '{}',
       now() - CASE WHEN n BETWEEN 20001 AND 20006 THEN interval '1 day' ELSE interval '1 hour' END
  FROM generate_series(1, 29000) AS n;

INSERT INTO outbox (operation_id, target, state, cause, in_doubt, first_sent_at, lease_token, lease_until)
SELECT id, target,
       CASE WHEN target = 'kylin' THEN 'sending' WHEN id % 2 = 0 THEN 'pending' ELSE 'parked' END, 'refused',
       target = 'kylin' OR id % 2 = 1 AND id <= 24500, now() - CASE target WHEN 'kylin' THEN interval '1 hour' ELSE interval '2 hours' END,
       CASE target WHEN 'kylin' THEN 1 END, CASE target WHEN 'kylin' THEN now() END
  FROM operations WHERE id > 20000;

INSERT INTO rejects (stream, stream_created, stream_seq, subject, broker_time, headers, payload, reason_code, reason, resolved_at, resolved_by, resolution)
SELECT 'POINTS', now(), n, 's', now(), '', '', CASE WHEN n % 2 = 0 THEN 'clock' ELSE 'conflict' END, 'r',
       CASE WHEN n > 10 THEN now() END, CASE WHEN n > 10 THEN 'me' END, CASE WHEN n > 10 THEN 'done' END
  FROM generate_series(1, 5000) AS n;`

// scans counts how often the tables that grow for ever were read from end to end.
const scans = `SELECT COALESCE(sum(seq_scan), 0)::int FROM pg_stat_user_tables WHERE relname IN ('operations', 'postings', 'attempts', 'rejects', 'ops_actions')`

// A look counts right, and reads no table that grows with the history: neither
// with statistics of an empty ledger nor with those of a full one.
func TestBacklogReadsNoHistory(t *testing.T) {
	t.Parallel()
	url := testkit.Postgres(t)
	admin, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(admin.Close)
	read := func() *backlog {
		t.Helper()
		pool, err := database.OpenWorkerPool(t.Context(), url, 2)
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close() // a connection tells its counts at its end
		look, err := newBacklogReader(pool).read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return look
	}
	if look := read(); len(look.open) != 0 || len(look.rejects) != 0 {
		t.Errorf("an empty ledger: %+v", look)
	}
	// On a connection of its own, which tells its counts at its end.
	writer, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range strings.Split(sqlHistory, ";\n\n") {
		if _, err := writer.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, 30*time.Second, "the writer's connection to end", func() bool {
		others := -1
		err := admin.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid = $1`, writer.PgConn().PID()).Scan(&others)
		return err == nil && others == 0
	})
	for _, prepare := range []string{`SELECT 1`, `ANALYZE`} {
		if _, err := admin.Exec(t.Context(), prepare); err != nil {
			t.Fatal(err)
		}
		before := scanned(t, admin)
		look := read()
		got := ""
		for _, o := range look.open {
			got += fmt.Sprintf("%s %s %d, oldest %v, in doubt %d for %v\n", o.Account, o.State, o.Rows,
				o.Oldest.Round(time.Hour), o.InDoubt, o.OldestDoubt.Round(time.Hour))
		}
		if want := "kylin sending 3000, oldest 24h0m0s, in doubt 3000 for 1h0m0s\n" +
			"zhimai parked 3000, oldest 24h0m0s, in doubt 1500 for 2h0m0s\n" +
			"zhimai pending 3000, oldest 24h0m0s, in doubt 0 for 0s\n"; got != want {
			t.Errorf("after %s:\n%swant\n%s", prepare, got, want)
		}
		if fmt.Sprint(look.rejects) != "map[clock:5 conflict:5]" {
			t.Errorf("rejects: %v", look.rejects)
		}
		if after := scanned(t, admin); after != before {
			t.Errorf("after %s: a look read tables of the history from end to end %d times", prepare, after-before)
		}
	}
}

// scanned waits until every other connection has ended, and so told its counts.
func scanned(t *testing.T, pool *pgxpool.Pool) (n int) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	testkit.Eventually(t, 30*time.Second, "the looks' connections to end", func() bool {
		others := -1
		err := pool.QueryRow(ctx, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'points-ledger worker'`).Scan(&others)
		return err == nil && others == 0
	})
	if err := pool.QueryRow(ctx, scans).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// Scrapes that come close together share a look; a slow look is used longer.
func TestBacklogLooksAreShared(t *testing.T) {
	t.Parallel()
	pool, err := database.OpenWorkerPool(t.Context(), testkit.Postgres(t), 2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	reader := newBacklogReader(pool)
	look := func() *backlog {
		t.Helper()
		found, err := reader.read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	first := look()
	if look() != first {
		t.Error("a fresh look was not used again")
	}
	first.took, first.at = 0, time.Now().Add(-2*backlogFresh)
	second := look()
	if second == first {
		t.Error("a look that is too old was used again")
	}
	second.took, second.at = time.Second, time.Now().Add(-10*time.Second)
	if look() != second {
		t.Error("a slow look was made again after 10 times its length")
	}
	second.at = time.Now().Add(-21 * time.Second)
	third := look()
	if third == second {
		t.Error("a slow look was used for more than 20 times its length")
	}

	// Somebody holds the table: scrapes show the look before, for a while.
	blocker, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := blocker.Exec(t.Context(), `LOCK TABLE outbox IN ACCESS EXCLUSIVE MODE`); err != nil {
		t.Fatal(err)
	}
	impatient := func() (*backlog, error) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		return reader.read(ctx)
	}
	third.at = time.Now().Add(-backlogStale + 10*time.Second)
	if found, err := impatient(); found != third {
		t.Errorf("a look is under way, and the one before is not shown: %v", err)
	}
	third.at = time.Now().Add(-backlogStale - time.Second)
	if _, err := impatient(); err == nil {
		t.Error("a look is shown that is too old")
	}
	if err := blocker.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, 10*time.Second, "the look that was under way to be shown", func() bool {
		found, err := impatient()
		return err == nil && found != third
	})

	// After the worker's end nothing is asked any more.
	reader.stop()
	look().at = time.Time{}
	if _, err := reader.read(t.Context()); err == nil {
		t.Error("a look after the end")
	}
}
