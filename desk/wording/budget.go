package wording

import "pointsledger/ledger"

// BudgetKey is what the rule file calls a budget.
func BudgetKey(bound ledger.BudgetBound) string {
	switch bound {
	case ledger.BudgetOfMember:
		return "per_member_day"
	case ledger.BudgetOfSource:
		return "per_source_day"
	}
	return string(bound)
}
