package dispatch

import (
	"testing"

	"pointsledger/ledger"
)

func TestAuthStrikes(t *testing.T) {
	var s authStrikes
	// Our credentials are wrong: nobody is served, no row is at fault.
	for range 100 {
		if s.unauthorised(1) {
			t.Fatal("a row is at fault although nobody was served")
		}
	}
	// Others are served between its refusals: the row is bad.
	for i := 2; i <= maxStrikes; i++ {
		s.success()
		if got, want := s.unauthorised(1), i == maxStrikes; got != want {
			t.Fatalf("strike %d: at fault %v, want %v", i, got, want)
		}
	}
	if s.unauthorised(1) {
		t.Error("the strikes were not forgotten with the verdict")
	}
	for id := range maxStruck + 10 {
		s.unauthorised(ledger.OperationID(id))
	}
	if len(s.rows) > maxStruck {
		t.Errorf("%d rows are remembered, the bound is %d", len(s.rows), maxStruck)
	}
}
