package runs_test

import (
	"testing"

	"pointsledger/internal/testkit/months"
)

// BenchmarkMonth finds 500 faults among 100,000 postings of 5,000 members, and prints for each
// kind how many of the faults were found and how many of what was found are faults.
//
//	go test ./reconcile/runs -run '^$' -bench Month -benchtime 1x
func BenchmarkMonth(b *testing.B) {
	for range b.N {
		m := october(b, months.Config{Seed: 13, Postings: 100_000, Members: 5_000, Faults: 500})
		b.Run("file", func(b *testing.B) { compareMonth(b, m, nil).score(all) })
		b.Run("vendor", func(b *testing.B) { compareMonth(b, m, newShop(m)).score(all) })
	}
}
