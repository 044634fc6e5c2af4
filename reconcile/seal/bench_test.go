package seal_test

import (
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"pointsledger/internal/config"
	"pointsledger/internal/testkit"
	"pointsledger/ledger"
	"pointsledger/ledger/rulefiles"
	"pointsledger/reconcile/seal"
)

// benchPart is how many orders are recorded and posted between two batches of the seal.
const benchPart = 20_000

// BenchmarkSeal records b.N orders, posts and seals them part by part, and verifies: the
// times are for each order, which is two rows. With -benchtime 1000000x it is the
// measurement of docs/performance.md.
func BenchmarkSeal(b *testing.B) {
	cfg, err := config.Load([]string{"ZHIMAI_OPEN_ID=a", "ZHIMAI_GRANT_CODE=b", "ZHIMAI_OPEN_KEY=c"}, os.ReadFile)
	if err != nil {
		b.Fatal(err)
	}
	pool := testkit.Pool(b)
	store := ledger.New(pool)
	exec := func(sql string) {
		if _, err := pool.Exec(b.Context(), sql); err != nil {
			b.Fatal(err)
		}
	}
	exec(`INSERT INTO ledger_identity (stream) VALUES ('POINTS')`)
	if err := rulefiles.New(pool).RegisterMapping(b.Context(), cfg.RulesVersion, string(cfg.RulesText)); err != nil {
		b.Fatal(err)
	}
	sealer := seal.NewSealer(pool, &outside{}, 0)
	var sealing time.Duration
	var entries []ledger.Entry
	for n := 1; n <= b.N; n++ {
		entries = append(entries, benchEntry(b, cfg, n))
		if len(entries) == 1000 || n == b.N {
			if _, err := store.Record(b.Context(), entries); err != nil {
				b.Fatal(err)
			}
			entries = entries[:0]
		}
		if n%benchPart == 0 || n == b.N {
			exec(`WITH gone AS (DELETE FROM outbox RETURNING operation_id)
INSERT INTO postings (operation_id, kind, evidence, member_id, attempts) SELECT g.operation_id, 'posted', 'answered', o.member_id, 1 FROM gone g JOIN operations o ON o.id = g.operation_id`)
			began := time.Now()
			if _, err := sealer.Finish(b.Context()); err != nil {
				b.Fatal(err)
			}
			sealing += time.Since(began)
		}
	}
	exec(`VACUUM ANALYZE`)
	peak := watchHeap(b)
	v := &seal.Verifier{Pool: pool, Outside: &outside{}, Rules: config.RulesOf}
	b.ResetTimer()
	began := time.Now()
	if _, err := v.Quick(b.Context()); err != nil {
		b.Fatal(err)
	}
	quick := time.Since(began)
	r, err := v.Verify(b.Context())
	if err != nil || !r.OK {
		b.Fatalf("%+v, %v", r.Findings, err)
	}
	b.StopTimer()
	b.ReportMetric(float64(sealing.Microseconds())/float64(b.N), "µs-seal/op")
	b.ReportMetric(quick.Seconds(), "s-quick")
	b.ReportMetric((time.Since(began) - quick).Seconds(), "s-verify")
	b.ReportMetric(float64(peak())/(1<<20), "MiB-heap")
}

func benchEntry(b *testing.B, cfg *config.Config, n int) ledger.Entry {
	now := time.Now().UTC()
	m := ledger.Message{Stream: "POINTS", StreamCreated: now.Truncate(time.Hour), Seq: uint64(n), Subject: "points.events.order.paid", BrokerTime: now,
		Payload: fmt.Appendf(nil, `{"specversion":"1.0","id":"e%d","source":"shop-%d","type":"order.paid","data":{"orderId":"SO-2026-%d","member":{"customerId":"38393309145%d"},"channel":"pos","amountFen":%d}}`, n, n%40, n, n%100_000, 100+n%90_000)}
	d := cfg.Rules.Decode(m, nil)
	if d.Event == nil {
		b.Fatalf("%+v", d.Rejection)
	}
	return ledger.Entry{Message: m, Event: d.Event, Source: d.Source, ID: d.ID, Type: d.Type}
}

// watchHeap samples the heap until its result is asked for: the most that was in use.
func watchHeap(b *testing.B) (peak func() uint64) {
	runtime.GC()
	stop, done := make(chan struct{}), make(chan uint64)
	go func() {
		var most uint64
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				most = max(most, m.HeapInuse)
			case <-stop:
				done <- most
				return
			}
		}
	}()
	return func() uint64 { close(stop); return <-done }
}
