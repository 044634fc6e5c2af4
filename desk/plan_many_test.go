package desk_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"pointsledger/desk"
	"pointsledger/internal/testkit"
	"pointsledger/ledger"
	"pointsledger/ledger/database"
)

// A plan of 100,000 operations is made and previewed by reading each row a few
// times, and carried out in memory that does not grow with it. Not parallel:
// other tests would allocate in the same heap.
func TestPlanOfManyOperations(t *testing.T) {
	f := newFixture(t)
	pool, err := database.OpenReplayPool(t.Context(), f.pool.Config().ConnString())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	s := desk.New(pool, ledger.New(pool))
	const n = 100_000
	f.parkMany(n)
	// Rows and index entries that a plan may read for each operation: a step
	// that reads all of them for each, or each batch, reads hundreds. A time
	// would say how busy the machine is.
	const mostRead = 40 * n
	// Live memory may grow by a batch's, and no more: the ids alone of all
	// operations would be 800 kB. What a batch allocates, in all, is bounded
	// too, so that no batch holds the whole plan for a moment.
	const mostLive, mostByBatch = 256 << 10, 640 << 10

	readBefore := f.rowsRead(pool)
	before := memory(true)
	p := f.plan(s)
	preview, err := s.PreviewPlan(t.Context(), p, hourAtZhimai(), nil)
	if err != nil {
		t.Fatal(err)
	}
	want(t, "operations", preview.Total.Operations, n)
	want(t, "points", preview.Total.Points, n)
	if live := int64(memory(true).HeapAlloc) - int64(before.HeapAlloc); live > mostLive {
		t.Errorf("making and previewing the plan left %d bytes", live)
	}
	if all := memory(false).TotalAlloc - before.TotalAlloc; all > mostByBatch {
		t.Errorf("making and previewing the plan allocated %d bytes", all)
	}
	var read int64
	testkit.Eventually(t, time.Minute, "what was read to be counted", func() bool {
		read = f.rowsRead(pool) - readBefore
		return read >= n
	})
	if read > mostRead {
		t.Errorf("making and previewing the plan read %d rows, want at most %d", read, mostRead)
	}
	t.Logf("made and previewed by reading %.1f rows for each operation", float64(read)/n)

	run := f.begin(s, p, "lin")
	var done desk.Reopened
	var mostGrown int64
	var mostAllocated uint64
	before = memory(true)
	batches := 0
	for more := true; more; batches++ {
		allocated := memory(false).TotalAlloc
		if more, err = run.PutBack(t.Context(), 0, hourAtZhimai(), &done); err != nil {
			t.Fatal(err)
		}
		now := memory(true)
		mostAllocated = max(mostAllocated, now.TotalAlloc-allocated)
		mostGrown = max(mostGrown, int64(now.HeapAlloc)-int64(before.HeapAlloc))
	}
	t.Logf("put back in %d batches; live memory grew by %d bytes at most, a batch allocated %d at most", batches, mostGrown, mostAllocated)
	want(t, "put back", done, desk.Reopened{Reopened: n, Points: n})
	want(t, "counts", f.planNow(s, p).PlanCounts, desk.PlanCounts{Done: n})
	want(t, "recorded", one[int](f, `SELECT count(*) FROM action_operations`), n)
	if mostGrown > mostLive {
		t.Errorf("live memory grew by %d bytes", mostGrown)
	}
	if mostAllocated > mostByBatch {
		t.Errorf("a batch allocated %d bytes", mostAllocated)
	}
	if batches < 50 {
		t.Errorf("%d operations in %d batches", n, batches)
	}
}

// rowsRead is how many rows and index entries were read in the fixture's
// database so far. A session tells it at its end at the latest, so all are
// ended, also those of the other pool.
func (f *fixture) rowsRead(other *pgxpool.Pool) int64 {
	f.t.Helper()
	f.pool.Reset()
	other.Reset()
	testkit.Eventually(f.t, time.Minute, "the sessions to end", func() bool {
		return one[int](f, `SELECT count(*) FROM pg_stat_activity
		                     WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()`) == 0
	})
	return one[int64](f, `SELECT tup_returned + tup_fetched FROM pg_stat_database WHERE datname = current_database()`)
}

// memory reads the heap, swept of garbage if asked for.
func memory(swept bool) (m runtime.MemStats) {
	if swept {
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return m
}
