package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"pointsledger/internal/testkit"
)

// killedRejects make three batches.
const killedRejects = 2500

// The built command is killed while it carries out the second batch: nothing of
// that is done, the first is done, and the same command does the rest.
func TestRejectsRetryKilled(t *testing.T) {
	t.Parallel()
	c := newRejectsConsole(t)
	c.deliver(lottery("ticketId", "T-before", "30"))
	c.upgrade(killedRejects)
	c.work(c.mendedRules("{field: prizePoints}"))
	args := planned(t, c.must(0, "rejects", "retry"))
	replay := filepath.Join(t.TempDir(), "replay")
	if out, err := exec.Command("go", "build", "-o", replay, ".").CombinedOutput(); err != nil {
		t.Fatalf("build replay: %v\n%s", err, out)
	}

	tx, err := c.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `SELECT FROM rejects WHERE id = 1500 FOR UPDATE`); err != nil {
		t.Fatal(err)
	}
	killed := exec.Command(replay, append(args[:len(args):len(args)], "--operator", "lin")...)
	killed.Env = append(os.Environ(), c.env...)
	if err := killed.Start(); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, patience, "the second batch to wait", func() bool {
		return c.count(`SELECT count(*) FROM rejects WHERE resolved_at IS NOT NULL`) == 1000 &&
			c.count(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) == 1
	})
	if err := killed.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = killed.Wait() // it was killed
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.waitFor("the dead session", `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'points-ledger replay'`, 0)
	c.halfDone(1000)

	contains(t, c.must(0, append(args, "--operator", "bo")...), "Accepted 1,500 of 2,500 rejects", "skipped 1,000: decided about already")
	c.halfDone(killedRejects)
	for sql, want := range map[string]int{
		`SELECT count(*) FROM ops_actions WHERE action = 'rejects_retry'`:                      2,
		`SELECT count(*) FROM ops_actions WHERE action = 'rejects_retry_end' AND actor = 'bo'`: 1,
		`SELECT count(*) FROM rejects WHERE resolved_by = 'lin'`:                               1000,
	} {
		if got := c.count(sql); got != want {
			t.Errorf("%s: got %d, want %d", sql, got, want)
		}
	}
}

// halfDone wants n rejects accepted, each with its one operation to be sent,
// kept with the action, and nothing else.
func (c *rejectsConsole) halfDone(n int) {
	c.t.Helper()
	for _, sql := range []string{
		`SELECT count(*) FROM rejects WHERE resolution LIKE 'accepted: operations %'`,
		`SELECT count(*) FROM rejects r JOIN operations o ON r.resolution = 'accepted: operations ' || o.id AND o.stream_seq = r.stream_seq
		   JOIN outbox x ON x.operation_id = o.id AND x.state = 'pending' AND x.first_sent_at IS NULL
		   JOIN action_operations a ON a.operation_id = o.id`,
		`SELECT count(*) - 1 FROM operations`, `SELECT count(*) FROM action_operations`,
	} {
		if got := c.count(sql); got != n {
			c.t.Errorf("%s: got %d, want %d", sql, got, n)
		}
	}
}

// manyRejects are what a preview must bear in bounded memory. The retry is of
// the first retriedRejects: it holds one batch, and takes its time. mostMemory
// is the bound: a batch of events and what the preview remembers, doubled by the
// garbage collector.
const (
	manyRejects    = 100_000
	retriedRejects = 20_000
	mostMemory     = 64 << 20
)

// The memory does not hold the events, which have 120 MB and 24 MB. Not
// parallel: the heap is everybody's.
func TestRejectsRetryBoundedMemory(t *testing.T) {
	c := newRejectsConsole(t)
	c.deliver(lottery("ticketId", "T-before", "30"))
	c.exec(`INSERT INTO rejects (stream, stream_created, stream_seq, subject, broker_time, headers, payload, event_source, event_id, event_type, reason_code, reason)
	        SELECT 'POINTS', $1, 1000 + i, 'points.events.lottery.won', $2::timestamptz + i * interval '1 ms', '',
	               convert_to(replace($3, 'T-i', 'T-' || i) || repeat(' ', 1000), 'UTF8'), 'pos', 'e' || i, 'lottery.won', 'missing_field', 'r'
	          FROM generate_series(1, $4) AS i`, c.created, c.epoch, string(lottery("ticketNo", "T-i", "30")), manyRejects)
	c.work(c.mendedRules("{field: prizePoints}"))
	began := time.Now()
	preview := ""
	if peak := peakHeap(func() { preview = c.must(0, "rejects", "retry") }); peak > mostMemory {
		t.Errorf("the preview took %d MiB", peak>>20)
	} else {
		t.Logf("preview: %d MiB above the start, %v", peak>>20, time.Since(began).Round(time.Millisecond))
	}
	contains(t, preview, "accepted 100,000", "points_add 100,000 3,000,000")
	until := c.epoch.Add(retriedRejects*time.Millisecond + time.Microsecond).Format(time.RFC3339Nano)
	args := planned(t, c.must(0, "rejects", "retry", "--until", until))
	began = time.Now()
	done := ""
	if peak := peakHeap(func() { done = c.must(0, args...) }); peak > mostMemory {
		t.Errorf("the retry took %d MiB", peak>>20)
	} else {
		t.Logf("retry: %d MiB above the start, %v", peak>>20, time.Since(began).Round(time.Millisecond))
	}
	contains(t, done, "Accepted 20,000 of 20,000 rejects", "600,000 points")
	if n := c.count(`SELECT count(*) FROM outbox WHERE state = 'pending'`); n != retriedRejects+1 {
		t.Errorf("%d rows wait", n)
	}
}

// peakHeap is the most that the heap grew to while f ran, above what it was.
func peakHeap(f func()) uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	before, peak := m.HeapAlloc, uint64(0)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				peak = max(peak, m.HeapAlloc)
			}
		}
	}()
	f()
	close(stop)
	<-stopped
	return peak - min(before, peak)
}
