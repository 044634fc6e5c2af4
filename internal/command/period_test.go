package command

import (
	"testing"
	"time"
)

func TestPointInTime(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 500, time.UTC)
	for text, want := range map[string]string{
		"24h": "2026-11-19T12:00:00Z", "90m": "2026-11-20T10:30:00Z", "7d": "2026-11-13T12:00:00Z", "0s": "2026-11-20T12:00:00Z",
		"2026-11-20T02:00:00+08:00": "2026-11-20T02:00:00+08:00",
	} {
		got, err := PointInTime("since", text, now)
		if err != nil || got.Format(time.RFC3339Nano) != want {
			t.Errorf("%s: got %v %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"yesterday", "-1h", "-1d", "d", "1.5d", "99999999999d", "2026-11-20", "24"} {
		if got, err := PointInTime("since", text, now); err == nil {
			t.Errorf("%s is taken for %v", text, got)
		}
	}
}
