package ledger

import "context"

// CreatePlanNamed is CreatePlan with a test's names.
func (s *Store) CreatePlanNamed(ctx context.Context, n NewPlan, name func(chars int) string) (Plan, error) {
	return s.createPlan(ctx, n, name)
}

// BeginPlanUnlocked is BeginPlan without the lock that keeps others out.
func (s *Store) BeginPlanUnlocked(ctx context.Context, start PlanStart) (*PlanRun, error) {
	return s.beginPlan(ctx, start, false)
}
