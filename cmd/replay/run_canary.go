package main

import (
	"fmt"
	"strings"

	"pointsledger/desk"
	"pointsledger/desk/carry"
	"pointsledger/desk/wording"
)

// canaryWords says how a canary stands.
func canaryWords(r *carry.Canary) string {
	parts := []string{fmt.Sprintf("%s of %s posted (wanted: %s)", wording.Count(r.Posted), wording.Count(r.Operations), wording.Count(r.Needed))}
	for _, part := range []struct {
		n    int64
		what string
	}{{r.ParkedAgain, "parked again"}, {r.Failing, "tried without success"}, {r.Sending, "being sent"}, {r.Untried, "not tried"}, {r.Voided, "voided"}} {
		if part.n > 0 {
			parts = append(parts, wording.Count(part.n)+" "+part.what)
		}
	}
	return strings.Join(parts, ", ")
}

// canaryStopped says why a run ended after its canary, and how to go on.
func (o *runOptions) canaryStopped(plan string, e *carry.CanaryError) string {
	goOn := fmt.Sprintf("See why with `replay status`. To go on all the same, leave --canary out:\n  %s\nTo give the plan up:\n  replay cancel %s", o.withoutCanary(plan), plan)
	if e.Untried == e.Operations {
		return fmt.Sprintf("stopped after the canary: in %s no worker has taken any of its %s:\n%s\nThey are sent when one does; the rest is still parked. %s",
			wording.Short(e.Waited), wording.Plural(e.Operations, "operation"), whyUntaken(e.Gates), goOn)
	}
	return fmt.Sprintf("stopped after the canary: %s.\nThe rest is still parked. %s", canaryWords(&e.Canary), goOn)
}

// withoutCanary is the command that goes on without one.
func (o runOptions) withoutCanary(plan string) string {
	o.canary = 0
	return o.command(plan)
}

// whyUntaken says why workers may leave operations alone that are due.
func whyUntaken(gates []desk.ClosedGate) string {
	if len(gates) == 0 {
		return "is one running? (`replay status` says so when what is due stays)"
	}
	var closed []string
	for _, g := range gates {
		closed = append(closed, g.Account+" ("+g.Reason+")")
	}
	return "closed to calls: " + strings.Join(closed, ", ") + " (`replay status` says why)"
}
