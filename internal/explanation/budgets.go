package explanation

import (
	"strings"
	"time"

	"pointsledger/internal/command"
	"pointsledger/ledger"
)

// Budgets are what bounds the day of an Explanation event; how much of it is
// left only a ledger knows.
type Budgets struct {
	Day       string `json:"day"`
	Source    string `json:"source"`
	PerMember int64  `json:"per_member_day,omitempty"`
	PerSource int64  `json:"per_source_day,omitempty"`
}

// budgetsOf is nil when the rules have no budgets.
func budgetsOf(e *ledger.Event) *Budgets {
	if e.Budget == nil {
		return nil
	}
	return &Budgets{Day: e.Budget.Day.Format(time.DateOnly), Source: e.Budget.Source, PerMember: e.Budget.PerMember, PerSource: e.Budget.PerSource}
}

func (b *Budgets) words() string {
	var bounds []string
	if b.PerMember > 0 {
		bounds = append(bounds, command.Count(b.PerMember)+" points to a member")
	}
	if b.PerSource > 0 {
		bounds = append(bounds, command.Count(b.PerSource)+" from "+b.Source)
	}
	return "on " + b.Day + " at most " + strings.Join(bounds, ", and ") + "; what is above is recorded and parked (over_budget)"
}
