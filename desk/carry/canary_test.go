package carry

import (
	"testing"
)

func TestCanaryNeeds(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		n     int64
		share float64
		want  int64
	}{{10, 0.9, 9}, {11, 0.9, 10}, {1, 0.9, 1}, {3, 0.5, 2}, {10, 1, 10}, {7, 0.01, 1}, {0, 0.9, 1}, {1000, 0.7, 700}} {
		if got := canaryNeeds(tc.n, tc.share); got != tc.want {
			t.Errorf("%g of %d: %d, want %d", tc.share, tc.n, got, tc.want)
		}
	}
}

// A canary waits while what was tried without success may still post, and not
// when it cannot help any more.
func TestCanaryDecides(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		posted, parked, failing, untried, sending int64
		want                                      bool
	}{
		{0, 0, 10, 0, 0, false}, {5, 0, 5, 0, 0, false}, {9, 0, 1, 0, 0, true}, {10, 0, 0, 0, 0, true},
		{8, 2, 0, 0, 0, true}, {0, 2, 8, 0, 0, true}, {0, 1, 9, 0, 0, false}, {9, 0, 0, 1, 0, false}, {9, 0, 0, 0, 1, false},
	} {
		r := Canary{Operations: 10, Posted: tc.posted, ParkedAgain: tc.parked, Failing: tc.failing, Untried: tc.untried, Sending: tc.sending, Needed: 9}
		if r.decided() != tc.want {
			t.Errorf("%+v: decided %v", r, !tc.want)
		}
	}
}
