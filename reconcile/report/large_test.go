package report

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/xuri/excelize/v2"

	"pointsledger/internal/testkit"
)

// sqlPlant makes a run of pairs and of items, some for each of 5,000 members.
const sqlPlant = `
SET LOCAL session_replication_role = replica;
INSERT INTO operations (target, kind, biz_id, business_key, member_id, points, source_type, points_channel, reason, reference, business_date, shop_code, mapping_version,
       event_source, event_id, event_type, event_time, event_subject, stream_seq, broker_time, data, recorded_at)
SELECT 'zhimai', 'points_add', 'p' || lpad(n::text, 27, 'a'), 'SO-2026-' || n, (383933091455950000 + n % 5000)::text, 100 + n % 50, 1, 3, '订单SO-2026-' || n || ' 消费获得积分', lpad(n::text, 13, 'R'),
       '2026-11-01'::date + (n % 30)::integer, 'SH-' || n % 40, 'test', 'shop', 'e' || n, 'order.paid', '2026-11-01', 'points.events', n, '2026-11-01', '{}', '2026-11-01'::timestamptz + n % 30 * interval '1 day'
  FROM generate_series(1, $1::bigint) AS n;
INSERT INTO postings (operation_id, kind, evidence, member_id, attempts, posted_at)
SELECT id, 'posted', 'answered', member_id, 1, recorded_at + interval '1 second' FROM operations;
INSERT INTO reconcile_runs (account, from_date, to_date, zone, from_at, until_at, source, members_asked, file, state, made_by, ended_at, members, postings, postings_compared, records, shows_references)
VALUES ('zhimai', '2026-11-01', '2026-11-30', 'Asia/Shanghai', '2026-11-01T00:00:00+08:00', '2026-12-01T00:00:00+08:00', 'file', 'all', 'export.csv', 'done', 'test', now(), 5000, $1, $1, $1, true);
INSERT INTO reconcile_records (run_id, account, member_id, points, text, reference, at)
SELECT 1, 'zhimai', member_id, points, reason || ' #' || reference, reference, recorded_at FROM operations ORDER BY id;
INSERT INTO reconcile_matches (run_id, record_id, operation_id, how) SELECT 1, id, id, 'reference' FROM reconcile_records;
INSERT INTO reconcile_items (run_id, no, kind, account, member_id, operation_id, biz_id, business_key, reference, ledger_points, vendor_points, at, evidence, step, operations, records, item_key)
SELECT 1, id, CASE WHEN id % 2 = 0 THEN 'only_in_ledger' ELSE 'amount_differs' END, target, member_id, id, biz_id, business_key, reference, points, 0, recorded_at,
       'posted at 2026-11-20T03:04:05Z (answered); no record ends with its reference, and none without one has its points at that time', 'ask_vendor', ARRAY[id], '{}', 'k' || id
  FROM operations WHERE id <= $2;
UPDATE reconcile_runs r SET (ledger_points, vendor_points) = (SELECT (SELECT sum(points) FROM operations) + i.points, (SELECT sum(points) FROM operations)
  FROM (SELECT COALESCE(sum(ledger_points), 0) AS points FROM reconcile_items) AS i)`

// plant makes a ledger with a run of pairs and items.
func plant(t testing.TB, pairs, items int) *pgxpool.Pool {
	t.Helper()
	pool := testkit.Pool(t)
	sql := strings.NewReplacer("$1", fmt.Sprint(pairs), "$2", fmt.Sprint(items)).Replace(sqlPlant)
	for _, sql := range []string{"BEGIN; " + sql + "; COMMIT", "ANALYZE"} {
		if _, err := pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	return pool
}

// show reads the planted run.
func show(t testing.TB, pool *pgxpool.Pool, use func(*Report) error) {
	t.Helper()
	if err := New(pool).Read(t.Context(), Asked{Run: 1, Lang: Chinese}, use); err != nil {
		t.Fatal(err)
	}
}

// Rows that do not fit on a sheet go on on the next, and all totals are of all of them.
func TestSheetsGoOn(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "r.xlsx")
	show(t, plant(t, 250, 30), func(r *Report) error {
		file, err := os.Create(path)
		if err != nil {
			return err
		}
		return errors.Join(r.workbook(t.Context(), file, 100), file.Close())
	})
	book, err := excelize.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	for cell, want := range map[string]string{"已匹配!E3": "12450", "已匹配 (2)!E3": "12450", "已匹配 (3)!E3": "6225", "汇总!B12": "250", "汇总!C12": "31125", "汇总!B6": "30"} {
		sheet, at, _ := strings.Cut(cell, "!")
		if found, err := book.CalcCellValue(sheet, at, excelize.Options{RawCellValue: true}); err != nil || found != want {
			t.Errorf("%s: %s, %v, want %s", cell, found, err, want)
		}
	}
	for sheet, rows := range map[string]int{"已匹配": 104, "已匹配 (2)": 104, "已匹配 (3)": 54, "仅账本有": 19} {
		if found, err := book.GetRows(sheet); err != nil || len(found) != rows {
			t.Errorf("%s: %d rows, %v, want %d", sheet, len(found), err, rows)
		}
	}
}

// peak runs something and tells by how much the heap grew at most, looked at every few
// milliseconds.
func peak(work func()) (most uint64) {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	before, done := m.HeapAlloc, make(chan struct{})
	go func() {
		defer close(done)
		work()
	}()
	for tick := time.NewTicker(20 * time.Millisecond); ; {
		select {
		case <-done:
			tick.Stop()
			return most
		case <-tick.C:
			if runtime.ReadMemStats(&m); m.HeapAlloc > before {
				most = max(most, m.HeapAlloc-before)
			}
		}
	}
}

// A workbook of a sheet that does not fit its buffer needs little memory.
func TestMemoryIsBounded(t *testing.T) {
	pool := plant(t, 18_000, 10)
	var size countingWriter
	grown := peak(func() { show(t, pool, func(r *Report) error { return r.Workbook(t.Context(), &size) }) })
	if grown > 64<<20 || size < 1<<20 {
		t.Errorf("a workbook of %d bytes needed %d MiB", size, grown>>20)
	}
}

type countingWriter int64

func (w *countingWriter) Write(p []byte) (int, error) {
	*w += countingWriter(len(p))
	return len(p), nil
}

func BenchmarkReport(b *testing.B) {
	for _, c := range []struct{ pairs, items int }{{100_000, 500}, {100_000, 100_000}, {1_000_000, 1000}} {
		pool := plant(b, c.pairs, c.items)
		for name, write := range map[string]func(*Report, io.Writer) error{
			"xlsx": func(r *Report, out io.Writer) error { return r.Workbook(b.Context(), out) },
			"html": func(r *Report, out io.Writer) error { return r.Page(b.Context(), out) },
			"csv": func(r *Report, out io.Writer) error {
				return r.CSV(b.Context(), func(_ string, write func(io.Writer) error) error { return write(out) })
			},
		} {
			b.Run(fmt.Sprintf("%d-pairs-%d-items/%s", c.pairs, c.items, name), func(b *testing.B) {
				for b.Loop() {
					var size countingWriter
					grown := peak(func() { show(b, pool, func(r *Report) error { return write(r, &size) }) })
					b.ReportMetric(float64(grown)/(1<<20), "MiB-heap")
					b.ReportMetric(float64(size)/(1<<20), "MiB-written")
				}
			})
		}
	}
}
