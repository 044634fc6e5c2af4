package rules

import (
	"pointsledger/ledger/budgets"
	"pointsledger/rules/spelling"
)

// dayLimits bound what a day may grant; see LimitsFile.
type dayLimits struct{ perMember, perSource int64 }

func compileBudgets(f LimitsFile, p *problems) dayLimits {
	for name, points := range map[string]int64{"per_member_day": f.PerMemberDay, "per_source_day": f.PerSourceDay} {
		if points < 0 {
			p.add("limits."+name, "want at least 1, or 0 for no bound, got %d", points)
		}
	}
	return dayLimits{f.PerMemberDay, f.PerSourceDay}
}

// budget is what bounds the event; nil is nothing. The day is the broker's: a
// publisher cannot choose it.
func (x *reading) budget() *budgets.Budget {
	b := x.rules.budgets
	if b == (dayLimits{}) {
		return nil
	}
	return &budgets.Budget{Day: x.brokerDay(), Source: spelling.SourceKey(x.came.Source), PerMember: b.perMember, PerSource: b.perSource}
}
