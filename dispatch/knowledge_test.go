package dispatch

import (
	"testing"
	"time"

	"pointsledger/ledger/knowledge"
)

// That keys are honoured was seen once; it is not believed for ever.
func TestSeenKeysGrowOld(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		seen time.Time
		want bool
	}{
		{time.Time{}, false}, {now, true}, {now.Add(-24 * time.Hour), true}, {now.Add(-24*time.Hour - time.Second), false},
	} {
		k := knowledge.EndpointKnowledge{Now: now, KeysSeenAt: c.seen}
		if got := keysSeen(k, 24*time.Hour); got != c.want {
			t.Errorf("seen at %v: believed %t, want %t", c.seen, got, c.want)
		}
	}
}
