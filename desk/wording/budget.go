package wording

import (
	"pointsledger/ledger/budgets"
)

// BudgetKey is what the rule file calls a budget.
func BudgetKey(bound budgets.Bound) string {
	switch bound {
	case budgets.OfMember:
		return "per_member_day"
	case budgets.OfSource:
		return "per_source_day"
	}
	return string(bound)
}
