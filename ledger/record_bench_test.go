package ledger_test

import (
	"fmt"
	"testing"

	"pointsledger/internal/testkit"
	"pointsledger/ledger"
	"pointsledger/ledger/database"
)

// BenchmarkRecord measures how many new events a second are recorded: one at a
// time, as at a light load, and in the batches of a backlog.
func BenchmarkRecord(b *testing.B) {
	for _, size := range []int{1, 1000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			pool, err := database.OpenWorkerPool(b.Context(), testkit.Postgres(b), 0)
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(pool.Close)
			f := &fixture{Store: ledger.New(pool), pool: pool}
			for b.Loop() {
				entries := make([]ledger.Entry, size)
				for i := range entries {
					entries[i] = f.event(fmt.Sprintf("SO-%d", f.seq))
				}
				if _, err := f.Record(b.Context(), entries); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(f.seq)/b.Elapsed().Seconds(), "events/s")
		})
	}
}
