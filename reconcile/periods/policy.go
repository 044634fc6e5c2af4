package periods

import (
	"slices"

	"pointsledger/ledger"
)

// Names of the checks before a closing. Beside these each reason of the view open_points
// is one (held, in_doubt, parked, over_budget, by_hand, waits_for_origin, on_its_way).
const (
	// Seal: the chain over the books does not verify.
	Seal = "seal"
	// SealHead: the head that is kept outside the database could not be compared: who made
	// the chain anew in the database is not seen.
	SealHead = "seal_head"
	// Unexplained: a reconciliation has items that nobody explained.
	Unexplained = "unexplained"
	// NotReconciled: a day of the period was compared with no record of the vendor.
	NotReconciled = "not_reconciled"
	// DeclaredDays: a shop declared another number of orders or another amount.
	DeclaredDays = "declared_days"
	// Rejects: events were rejected and nobody has settled them.
	Rejects = "rejects"
	// Lost: an operation is neither open nor ended. It always blocks.
	Lost = "lost"
)

// Names are all checks, in the order in which they are told.
func Names() []string {
	return []string{Lost, Seal, SealHead, Unexplained, NotReconciled, DeclaredDays, Rejects,
		"in_doubt", string(ledger.Parked), string(ledger.CauseOverBudget), "by_hand", "waits_for_origin", "held", "on_its_way"}
}

// Policy says what closing a period takes.
type Policy struct {
	// Blocks names the checks that must find nothing; what the others find is a warning,
	// which takes a reason. Nil: defaultBlocks.
	Blocks []string
	// AnotherReopens: a closed period is reopened by another database user than the one
	// who closed it.
	AnotherReopens bool
}

// defaultBlocks are the checks that block unless the rules say otherwise.
func defaultBlocks() []string { return []string{Seal, Unexplained, DeclaredDays} }

func (p *Policy) blocks(check string) bool {
	if check == Lost {
		return true
	}
	names := p.Blocks
	if names == nil {
		names = defaultBlocks()
	}
	return slices.Contains(names, check)
}
