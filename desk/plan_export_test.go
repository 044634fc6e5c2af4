package desk

import "context"

// CreatePlanNamed is CreatePlan with a test's names.
func (d *Desk) CreatePlanNamed(ctx context.Context, n NewPlan, name func(chars int) string) (Plan, error) {
	return d.createPlan(ctx, n, name)
}

// BeginPlanUnlocked is BeginPlan without the lock that keeps others out.
func (d *Desk) BeginPlanUnlocked(ctx context.Context, start PlanStart) (*PlanRun, error) {
	return d.beginPlan(ctx, start, false)
}
