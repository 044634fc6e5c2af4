package rebuild

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"pointsledger/continuity/survey"
	"pointsledger/desk"
)

// Details are the details of a plan of kind stream.
type Details struct {
	Stream  string    `json:"stream"`
	Created time.Time `json:"stream_created"`
	From    uint64    `json:"from_seq"`
	To      uint64    `json:"to_seq"`
	// Delivered is how far the workers had read when the part was chosen.
	Delivered uint64 `json:"delivered_seq"`
	Rules     string `json:"rules"`
	// Accounts count as on.
	Accounts []string     `json:"accounts_on"`
	Counts   survey.Found `json:"counts"`
}

// Plan is a plan with its details.
type Plan struct {
	desk.Plan
	Details Details
}

// ReadPlan reads a plan by its name as it was typed, and checks that it still means
// the same here. The error is desk.ErrNoPlan, a *desk.PlanKindError
// or a *PlanMeansError, or the database's.
func (r *Room) ReadPlan(ctx context.Context, name string) (*Plan, error) {
	read, err := r.Desk.ReadPlan(ctx, name)
	switch {
	case err != nil:
		return nil, err
	case read.Kind != desk.PlanOfStream:
		return nil, &desk.PlanKindError{Plan: read}
	}
	p := &Plan{Plan: read}
	if err := json.Unmarshal(p.Plan.Details, &p.Details); err != nil {
		return nil, fmt.Errorf("read plan %s: %w", p.Name, err)
	}
	if now := r.details(); p.Details.Stream != now.Stream || p.Details.Rules != now.Rules || !slices.Equal(p.Details.Accounts, now.Accounts) {
		return nil, &PlanMeansError{Plan: p, Now: now}
	}
	return p, nil
}

// details are those of every plan that is made here.
func (r *Room) details() Details {
	return Details{Stream: r.stream, Rules: r.rules.Version, Accounts: r.rules.On}
}

// makePlan stores what was found as a plan.
func (r *Room) makePlan(ctx context.Context, d *Details, actor, filterText string) (desk.Plan, error) {
	details, err := json.Marshal(d)
	if err != nil {
		return desk.Plan{}, fmt.Errorf("write plan: %w", err)
	}
	return r.Desk.CreatePlan(ctx, desk.NewPlan{Kind: desk.PlanOfStream, Actor: actor, FilterText: filterText, Details: details, Size: d.Counts.Operations()})
}
