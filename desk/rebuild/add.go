package rebuild

import (
	"context"
	"fmt"
	"time"

	"pointsledger/continuity/survey"
	"pointsledger/desk"
)

// Result is what adding came to.
type Result struct {
	Plan string `json:"plan"`
	Act  int64  `json:"action_id"`
	survey.Added
}

// endPatience bounds recording how it ended, also after Ctrl-C.
const endPatience = 5 * time.Second

// Add carries a plan out, and records that it begins and how it ended. The result is
// nil when it did not begin: the error is BeginPlan's. With a result, an error
// stopped it: a *desk.PlanCancelledError, that of the context, the stream's or the
// database's; what was added before is whole.
func (r *Room) Add(ctx context.Context, plan *Plan, who desk.Decision) (*Result, error) {
	run, err := r.Desk.BeginPlan(ctx, desk.PlanStart{Plan: plan.Plan, Act: desk.ActStream, Actor: who.Actor, Reason: who.Reason})
	if err != nil {
		return nil, err
	}
	defer run.Close()
	done := &Result{Plan: plan.Name, Act: run.Act}
	// Operations name the rules that made them.
	err = run.Hold(ctx, func() error { return r.Files.RegisterMapping(ctx, r.rules.Version, r.rules.Text) })
	if err == nil {
		d := &plan.Details
		done.Added, err = r.Stream.Add(ctx, survey.Addition{From: d.From, To: d.To, Delivered: d.Delivered, Created: d.Created, Plan: run, PlanMade: run.Plan.MadeAt, Act: run.Act,
			Waiting: r.Watch.Waits, Progress: func(seq uint64, added int64) { r.Watch.Adds(seq, d.To, added) }})
	}
	ended, cancel := context.WithTimeout(context.WithoutCancel(ctx), endPatience)
	defer cancel()
	text := endText(&done.Added)
	if err != nil {
		text = "stopped: " + r.Words.Words(err) + "; until then " + text
	}
	if _, endErr := run.End(ended, done.Operations, text); endErr != nil && err == nil {
		err = endErr
	}
	return done, err
}

// endText is the result as ops_actions keeps it.
func endText(a *survey.Added) string {
	rejects := int64(0)
	for _, n := range a.Rejects {
		rejects += n
	}
	return fmt.Sprintf("added %d operations (%d points, %d parked in doubt) of %d events, and %d rejects; %d were there already; %d open rows put in doubt",
		a.Operations, a.Points, a.Queued, a.Events, rejects, a.There, a.OpenInDoubt)
}
