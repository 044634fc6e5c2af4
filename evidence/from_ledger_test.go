package evidence

import (
	"testing"
	"time"

	"pointsledger/ledger/knowledge"
)

// A list that was seen proves the age that its oldest record had then, not the one
// that it would have now: the vendor may have dropped it since.
func TestKnowledgeKeepsTheAgeOfAList(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 4, 0, 0, 0, time.UTC)
	read := now.Add(-20 * time.Hour)
	k := KnowledgeOf(knowledge.EndpointKnowledge{Now: now, Extents: []knowledge.EndpointExtent{{Records: 9, Oldest: read.Add(-time.Hour), ReadAt: read}}}, Beliefs{})
	if e := (Extent{Records: 9, Oldest: read.Add(-time.Hour), ReadAt: read}); len(k.Extents) != 1 || k.Extents[0] != e {
		t.Errorf("got %+v, want %+v", k.Extents, e)
	}
}

func TestLagIsNoLessThanTheSettingsSay(t *testing.T) {
	for seen, want := range map[time.Duration]time.Duration{0: 5 * time.Second, 4 * time.Second: 5 * time.Second, time.Minute: time.Minute} {
		k := KnowledgeOf(knowledge.EndpointKnowledge{MaxLag: seen}, Beliefs{VerifyAfter: 5 * time.Second})
		if k.MaxLag != want {
			t.Errorf("seen %v: longest lag %v, want %v", seen, k.MaxLag, want)
		}
	}
}
