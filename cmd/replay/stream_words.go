package main

import (
	"errors"
	"fmt"

	"pointsledger/continuity"
	"pointsledger/desk"
	"pointsledger/desk/rebuild"
	"pointsledger/desk/wording"
	"pointsledger/internal/advice/steps"
)

// previewWords says why a part cannot be looked at, and what to do.
func (s *streamSession) previewWords(err error) error {
	at := &s.config.NATS
	if errors.Is(err, continuity.ErrNoStream) {
		return fmt.Errorf("there is no stream %s at %s: set NATS_URL and NATS_STREAM as the workers have them", at.Stream, at.URL)
	}
	return steps.StreamPart(err, at.Stream, at.Durable)
}

// addWords says why a plan was not begun (done is nil) or not finished, and what to
// do.
func (o *streamOptions) addWords(plan *rebuild.Plan, done *rebuild.Result, err error) error {
	var busy *desk.PlanBusyError
	var cancelled *desk.PlanCancelledError
	isCancelled := errors.As(err, &cancelled)
	switch {
	case done == nil && errors.As(err, &busy):
		return fmt.Errorf("%w: nothing was done here. Wait until that is done; `replay stream` shows what is left", err)
	case done == nil && isCancelled:
		return fmt.Errorf("%w: nothing was done here.\n%s", cancelled, o.planAnew(&plan.Details))
	case done == nil:
		return err
	}
	were := wording.Plural(done.Events, "event") + " were"
	if done.Events == 1 {
		were = "1 event was"
	}
	if !isCancelled {
		return fmt.Errorf("%w\n%s added before that; run the same command again, it goes on where it is", err, were)
	}
	waiting := ""
	if done.Unfinished {
		waiting = "; workers go on waiting for this ledger until all is added"
	}
	return fmt.Errorf("%w\n%s added before that, and nothing after it%s.\n%s", cancelled, were, waiting, o.planAnew(&plan.Details))
}
