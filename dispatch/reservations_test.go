package dispatch

import (
	"testing"
	"time"
)

// An account that is always out of room costs the intake, and so the other
// accounts, at most two thirds of its time.
func TestIntakeWaitsForAShareOfTheTime(t *testing.T) {
	t.Parallel()
	var r reservations
	began := time.Now()
	now, waited := began, time.Duration(0)
	for range 200 {
		if p := r.patience(now); p > 0 {
			r.waited(p)
			now, waited = now.Add(p), waited+p
		}
		now = now.Add(10 * time.Millisecond) // the work on a batch
	}
	if elapsed := now.Sub(began); waited > elapsed*2/3+waitSaved || waited < elapsed/3 {
		t.Errorf("waited %v of %v: want at most two thirds, and what is saved", waited, elapsed)
	}
	if p := r.patience(now.Add(time.Minute)); p != waitSaved {
		t.Errorf("patience after a quiet minute: %v, want no more than %v", p, waitSaved)
	}
}
