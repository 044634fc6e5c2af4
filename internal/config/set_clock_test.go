package config

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pointsledger/ledger"
)

// clockFile is a rule file with random sets behind the first, each with points and
// a clock of its own, and each with a beginning on one of a few hours.
func clockFile(random *rand.Rand, sets int) string {
	hours := random.Perm(6)[:sets]
	slices.Sort(hours)
	var text strings.Builder
	for _, hour := range hours {
		clock := []string{"", "by: broker", "by: event\n    within: 40m", "by: event\n    within: 3h"}[random.IntN(4)]
		fmt.Fprintf(&text, "\n  - from: 2026-12-01T%02d:00:00Z\n    %s\n    events:\n      - type: order.paid\n        operations: [{vendor: zhimai, call: points_add, source_type: 1, points: %d}]\n",
			10+hour, clock, 1+random.IntN(3))
	}
	return strings.Replace(string(DefaultFile()), "\nvendors:", text.String()+"\nvendors:", 1)
}

// Where sets go by the events' own time, the broker's time still bounds what a
// file may be used for: two files map every event that was stored before the time
// from which they differ alike, whatever time the event says.
func TestEventsBeforeTheDivergence(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(7, 20))
	begin := time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC)
	compared, beyond := 0, 0
	for range 150 {
		a, b := clockFile(random, 1+random.IntN(3)), clockFile(random, 1+random.IntN(3))
		if random.IntN(2) == 0 { // often they share what comes first
			sets := strings.SplitAfter(strings.TrimSuffix(a, "\nvendors:"), "\n  - from: ")
			b = strings.Replace(a, sets[len(sets)-1][:20], "2026-12-01T16:30:00Z", 1)
		}
		one, other := mustLoad(t, []string{"WORKER_CONFIG=f"}, files{"f": a}), mustLoad(t, []string{"WORKER_CONFIG=f"}, files{"f": b})
		until, differ := Divergence([]byte(a), []byte(b))
		for range 40 {
			broker := begin.Add(time.Duration(random.IntN(10*60)) * time.Minute)
			at := broker.Add(time.Duration(random.IntN(250)-240) * time.Minute)
			if random.IntN(2) == 0 { // close to a beginning, by a clock that is ahead
				broker = broker.Truncate(time.Hour).Add(-time.Minute)
				at = broker.Add(time.Duration(random.IntN(10)) * time.Minute)
			}
			m := ledger.Message{BrokerTime: broker, Payload: fmt.Appendf(nil,
				`{"specversion":"1.0","id":"e","source":"s","type":"order.paid","time":%q,"data":{"orderId":"1","member":{"customerId":"1"},"channel":"pos","amountFen":5000}}`, at.Format(time.RFC3339))}
			x, rejection := one.Rules.Explain(m, nil)
			y, otherRejection := other.Rules.Explain(m, nil)
			if rejection != nil || otherRejection != nil {
				t.Fatal(rejection, otherRejection)
			}
			same := x.Event.Operations[0].Points == y.Event.Operations[0].Points
			switch {
			case !differ || broker.Before(until):
				compared++
				if !same {
					t.Fatalf("stored at %s, happened at %s: other points before %s\n%s\nagainst\n%s", broker, at, until, a, b)
				}
			case !same:
				beyond++
			}
		}
	}
	if compared < 500 || beyond < 100 {
		t.Fatalf("%d events before, %d that differ from then on: this test cannot fail", compared, beyond)
	}
}
