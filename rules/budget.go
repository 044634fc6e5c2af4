package rules

import (
	"pointsledger/ledger"
)

// budgets bound what a day may grant; see LimitsFile.
type budgets struct{ perMember, perSource ledger.Points }

func compileBudgets(f LimitsFile, p *problems) budgets {
	for name, points := range map[string]int64{"per_member_day": f.PerMemberDay, "per_source_day": f.PerSourceDay} {
		if points < 0 {
			p.add("limits."+name, "want at least 1, or 0 for no bound, got %d", points)
		}
	}
	return budgets{ledger.Points(f.PerMemberDay), ledger.Points(f.PerSourceDay)}
}

// budget is what bounds the event; nil is nothing. The day is the broker's: a
// publisher cannot choose it.
func (x *reading) budget() *ledger.Budget {
	b := x.rules.budgets
	if b == (budgets{}) {
		return nil
	}
	return &ledger.Budget{Day: x.brokerDay(), Source: sourceKey(x.came.Source), PerMember: b.perMember, PerSource: b.perSource}
}
