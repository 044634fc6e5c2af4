package wording

import (
	"testing"
	"time"
)

func TestAge(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for d, want := range map[time.Duration]string{-time.Hour: "0s", 59 * time.Second: "59s", time.Minute: "1m", 59 * time.Minute: "59m",
		time.Hour: "1h00m", 25 * time.Hour: "1d01h", 100 * 24 * time.Hour: "100d00h"} {
		if got := Age(now.Add(-d), now); got != want {
			t.Errorf("%v: got %s, want %s", d, got, want)
		}
	}
}
