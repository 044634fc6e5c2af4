package doctor

import (
	"testing"
	"time"
)

func TestVerifyAfterFor(t *testing.T) {
	t.Parallel()
	for measured, want := range map[time.Duration]time.Duration{0: time.Second, 500 * time.Millisecond: time.Second, 501 * time.Millisecond: 2 * time.Second,
		2500 * time.Millisecond: 5 * time.Second, 2501 * time.Millisecond: 6 * time.Second, time.Minute: 2 * time.Minute} {
		if got := VerifyAfterFor(measured); got != want {
			t.Errorf("measured %s: %s, want %s", measured, got, want)
		}
	}
}
