package rejects

import (
	"fmt"

	"pointsledger/desk"
)

// PlanRulesError is returned by Retry.OfPlan when the plan was made by other rules
// than those chosen now, or the workers have registered others since: what it showed
// no longer holds.
type PlanRulesError struct {
	Plan desk.Plan
	Made desk.RejectPlan
}

func (e *PlanRulesError) Error() string {
	return fmt.Sprintf("plan %s was made by other rules", e.Plan.Name)
}
