package dispatch

import (
	"testing"
	"time"

	"pointsledger/evidence"
	"pointsledger/ledger"
	"pointsledger/ledger/knowledge"
)

// A doubt waits for a sample before its first reading, unless it may go again under
// its key anyway.
func TestWhatItsKeyProtectsWaitsForNoSample(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	known := evidence.Knowledge{References: evidence.ReferencesShown, LastSentAt: now}
	for name, c := range map[string]struct {
		honoured bool
		sentFor  time.Duration
		waits    bool
	}{
		"keys unknown": {waits: true}, "keys honoured": {honoured: true}, "honoured, and forgotten by now": {honoured: true, sentFor: time.Hour, waits: true},
	} {
		d := &Dispatcher{account: Account{KeysHonoured: c.honoured, KeyMemory: time.Hour}, results: make(chan result, 1), sampler: &sampler{wake: make(chan struct{}, 1)}}
		row := &held{claimedAt: time.Now(), Claimed: ledger.Claimed{InDoubt: true, FirstSentAt: now.Add(-time.Minute), QuietSince: now, SentFor: c.sentFor}}
		left := d.wait(row, known, knowledge.EndpointKnowledge{Now: now})
		if (left == nil) != c.waits || len(d.results) != map[bool]int{true: 1}[c.waits] {
			t.Errorf("%s: left %v, %d given back, want waiting %v", name, left != nil, len(d.results), c.waits)
		}
	}
}
