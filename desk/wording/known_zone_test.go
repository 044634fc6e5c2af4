package wording_test

import (
	"strings"
	"testing"
	"time"

	"pointsledger/desk/wording"
	"pointsledger/ledger/knowledge"
)

// One view has one zone: what is known stands among the other times of status,
// which are local, and of doctor, which are UTC.
func TestKnownWordsSpeakInTheZoneOfTheirView(t *testing.T) {
	at := time.Date(2026, 11, 27, 14, 12, 0, 0, time.UTC)
	k := knowledge.EndpointKnowledge{FirstUsedAt: at, References: knowledge.ReferencesShown, ShownSince: at, KeysSeenAt: at}
	for zone, want := range map[*time.Location]string{
		time.UTC: "2026-11-27 14:12 +00:00", time.FixedZone("China", 8*3600): "2026-11-27 22:12 +08:00",
	} {
		if got := wording.Known(k, zone); strings.Count(got, want) != 2 || strings.Contains(got, "Z") {
			t.Errorf("in %s: %q, want %s twice", zone, got, want)
		}
	}
}
