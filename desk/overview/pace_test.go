package overview

import (
	"testing"

	"pointsledger/ledger"
)

// "Drains in 4 s", while 28 rows in doubt sat for minutes: what waits for its
// schedule does not go by the pace.
func TestDrainsInIsRightOrNotShown(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		waits []Wait
		want  string
	}{
		"fresh":             {[]Wait{{Count: 40}}, "4s"},
		"replayed":          {[]Wait{{Cause: "replayed", Count: 40}}, "4s"},
		"in doubt":          {[]Wait{{Count: 12}, {Cause: ledger.CauseUnknown, Count: 28, InDoubt: 28}}, "> 4s"},
		"replayed in doubt": {[]Wait{{Cause: "replayed", Count: 40, InDoubt: 28}}, "> 4s"},
		"retries":           {[]Wait{{Cause: ledger.CauseNotSent, Count: 40}}, "> 4s"},
		"nothing waits":     {nil, "-"},
	} {
		a := Account{Waits: tc.waits}
		for _, w := range tc.waits {
			a.Waiting += w.Count
		}
		a.learn(10, nil, nil)
		if got := a.DrainWords(); got != tc.want || (a.DrainsInMs != nil) != (tc.want == "4s") {
			t.Errorf("%s: %q, %v, want %q", name, got, a.DrainsInMs, tc.want)
		}
	}
}
