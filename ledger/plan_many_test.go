package ledger_test

import (
	"runtime"
	"testing"
	"time"

	"pointsledger/ledger"
)

// A plan of 100,000 operations is made and previewed in seconds, and carried
// out in memory that does not grow with it. Not parallel: other tests would
// allocate in the same heap.
func TestPlanOfManyOperations(t *testing.T) {
	f, s := replayFixture(t)
	const n = 100_000
	parking := time.Now()
	f.parkMany(n)
	// A few seconds, and as much longer as the machine is busy: less than it
	// has just taken to insert the rows.
	mostTime := max(5*time.Second, time.Since(parking))
	// Live memory may grow by a batch's, and no more: the ids alone of all
	// operations would be 800 kB. What a batch allocates, in all, is bounded
	// too, so that no batch holds the whole plan for a moment.
	const mostLive, mostByBatch = 256 << 10, 640 << 10

	began, before := time.Now(), memory(true)
	p := f.plan(s)
	preview, err := s.PreviewPlan(t.Context(), p, hourAtZhimai(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	want(t, "operations", preview.Total.Operations, n)
	want(t, "points", preview.Total.Points, n)
	if took > mostTime {
		t.Errorf("making and previewing the plan took %v, more than %v", took, mostTime)
	}
	if live := int64(memory(true).HeapAlloc) - int64(before.HeapAlloc); live > mostLive {
		t.Errorf("making and previewing the plan left %d bytes", live)
	}
	if all := memory(false).TotalAlloc - before.TotalAlloc; all > mostByBatch {
		t.Errorf("making and previewing the plan allocated %d bytes", all)
	}
	t.Logf("made and previewed in %v; the rows took %v to insert", took, mostTime)

	run := f.begin(s, p, "lin")
	var done ledger.Reopened
	var mostGrown int64
	var mostAllocated uint64
	began, before = time.Now(), memory(true)
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
	t.Logf("put back in %v, %d batches; live memory grew by %d bytes at most, a batch allocated %d at most", time.Since(began), batches, mostGrown, mostAllocated)
	want(t, "put back", done, ledger.Reopened{Reopened: n, Points: n})
	want(t, "counts", f.planNow(s, p).PlanCounts, ledger.PlanCounts{Done: n})
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

// memory reads the heap, swept of garbage if asked for.
func memory(swept bool) (m runtime.MemStats) {
	if swept {
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return m
}
