package rejects

import (
	"context"

	"pointsledger/desk"
	"pointsledger/ledger"
)

// Set is which rejects are meant: those of a plan, or those that fit a filter now,
// and then Plan has no ID.
type Set struct {
	Plan desk.Plan
	IDs  []ledger.RejectID
	// FilterText says what was chosen, as a plan keeps it.
	FilterText string
}

// Retry maps rejects again for a person, by rules that were chosen before.
type Retry struct {
	Desk  *desk.Desk
	Rules *desk.RejectRules
}

// OfPlan is the set of a plan by its name as it was typed; what was refunded since is
// accepted as the plan says. The error is
// desk.ErrNoPlan, a *desk.PlanKindError or a *PlanRulesError, or the database's.
func (r *Retry) OfPlan(ctx context.Context, name string) (Set, error) {
	plan, err := r.Desk.ReadPlan(ctx, name)
	switch {
	case err != nil:
		return Set{}, err
	case plan.Kind != desk.PlanOfRejects:
		return Set{}, &desk.PlanKindError{Plan: plan}
	}
	made, err := plan.Rejects()
	if err != nil {
		return Set{}, err
	}
	by := r.Rules
	if made.FromFile != (by.FileName != "") || made.FromFile && made.Rules != by.Version ||
		by.RegisteredVersion != made.Registered && by.RegisteredVersion != made.Rules {
		return Set{}, &PlanRulesError{Plan: plan, Made: made}
	}
	by.Refunded = made.Refunded
	return Set{Plan: plan, IDs: made.IDs, FilterText: plan.Filter}, nil
}

// OfFilter is the set of what fits a filter now.
func (r *Retry) OfFilter(ctx context.Context, filter desk.RejectFilter, text string) (Set, error) {
	ids, err := r.Desk.FindRejects(ctx, filter)
	return Set{IDs: ids, FilterText: text}, err
}

// Keep stores a set as a plan that is carried out at once: it must have the number
// expected or, when that is 0, not be large; an empty one is not stored. The error
// is a *desk.SetSizeError, or the database's.
func (r *Retry) Keep(ctx context.Context, set Set, actor string, expect int64) (Set, error) {
	switch {
	case len(set.IDs) == 0 && expect != 0:
		return set, &desk.SetSizeError{Expect: expect}
	case len(set.IDs) == 0:
		return set, nil
	}
	var err error
	set.Plan, err = r.Desk.CreateRejectPlan(ctx, actor, set.FilterText, r.Rules.Plan(set.IDs), expect, desk.MaxUnexpected)
	return set, err
}

// Preview says what would become of a set, and stores it as a plan when that would
// settle anything and it is none yet. A cancelled plan is not offered again.
func (r *Retry) Preview(ctx context.Context, set Set, actor string, progress func(done, found int)) (*Forecast, error) {
	p, err := ask(ctx, r.Desk, set.IDs, r.Rules, progress)
	if err != nil || !p.Settles() || set.Plan.CancelledAt != nil {
		return p, err
	}
	if set.Plan.ID == 0 {
		set.Plan, err = r.Desk.CreateRejectPlan(ctx, actor, set.FilterText, r.Rules.Plan(set.IDs), 0, 0)
	}
	p.Plan = set.Plan.Name
	return p, err
}

// CarryOut does what desk.Retry does, to a set with a plan; one without is empty,
// and nothing is done. No mobile number is in the result.
func (r *Retry) CarryOut(ctx context.Context, set Set, who desk.Decision, progress func(done, found int)) (*desk.RetryResult, error) {
	if set.Plan.ID == 0 {
		return &desk.RetryResult{}, nil
	}
	done, err := r.Desk.Retry(ctx, set.Plan, set.IDs, who, r.Rules, progress)
	if done != nil {
		done.RetryTally = masked(done.RetryTally)
	}
	return done, err
}
