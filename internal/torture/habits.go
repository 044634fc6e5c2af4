package torture

import (
	"context"
	"maps"
	"net/http"
	"sync"
	"time"

	"pointsledger/internal/rehearsal"
	"pointsledger/vendorapi/sim"
)

// habits are how Zhimai shows records, in the words of the simulator's control.
// A fault changes some for a while, a change of habits for good; what a fault
// takes back is what is the habit by then. Safe for concurrent use.
type habits struct {
	mu     sync.Mutex
	steady map[string]any
}

func newHabits(o Options) *habits {
	return &habits{steady: map[string]any{
		"echo_reason": o.Echo, "records_lag_ms": o.Lag.Milliseconds(), "records_keep_newest": 0, "records_zone": "+08:00",
		"records_stale": false, "records_stale_rate": 0.0, "records_empty_rate": 0.0,
	}}
}

// settle makes changes last.
func (h *habits) settle(changes map[string]any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	maps.Copy(h.steady, changes)
}

// before are the habits that the changes replace.
func (h *habits) before(changes map[string]any) map[string]any {
	h.mu.Lock()
	defer h.mu.Unlock()
	old := map[string]any{}
	for name := range changes {
		old[name] = h.steady[name]
	}
	return old
}

// harmOf is what a fault does to the records.
func harmOf(kind Kind) map[string]any {
	switch kind {
	case HideReasons:
		return map[string]any{"echo_reason": false}
	case ShortHistory:
		return map[string]any{"records_keep_newest": 1}
	case EmptyRecords:
		return map[string]any{"records_empty_rate": 0.7}
	case StaleRecords:
		return map[string]any{"records_stale": true, "records_stale_rate": 0.5}
	case LateRecords:
		return map[string]any{"records_lag_ms": 3000}
	case OtherZone:
		return map[string]any{"records_zone": "+00:00"}
	}
	return nil
}

// changeHabits makes the harm of a fault the vendor's habit from now on.
func (in *injector) changeHabits(ctx context.Context, kind Kind) error {
	in.vendors.Lock()
	defer in.vendors.Unlock()
	changes := harmOf(kind)
	in.habits.settle(changes)
	return in.rig.setVendors(ctx, map[string]any{"zhimai": changes})
}

// historyAge is how old the records are that members have before a run.
const historyAge = 90 * 24 * time.Hour

// giveHistory gives two of three members records of before the run, as members
// have in life; the others are new, and their first points are the first line of
// their history.
func (r *rig) giveHistory(ctx context.Context, plan *rehearsal.Plan) error {
	given := map[string]bool{}
	for _, e := range plan.Truth {
		if rehearsal.BookOf(e.Account, e.Kind) != string(sim.Zhimai) || e.Member == "" || given[e.Member] {
			continue
		}
		given[e.Member] = true
		if len(given)%3 == 0 {
			continue
		}
		row := map[string]any{"member": e.Member, "points": 1, "type": "in", "text": "期初积分", "count": 3, "age_ms": historyAge.Milliseconds()}
		if err := r.control(ctx, http.MethodPost, "/_sim/rows", row, nil); err != nil {
			return err
		}
	}
	return nil
}
