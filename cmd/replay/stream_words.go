package main

import (
	"errors"
	"fmt"

	"pointsledger/continuity"
	"pointsledger/desk"
	"pointsledger/desk/rebuild"
	"pointsledger/desk/wording"
	"pointsledger/internal/advice/steps"
	"pointsledger/internal/command"
)

// previewWords says why a part cannot be looked at, and what to do.
func (s *streamSession) previewWords(err error) error {
	var unread *rebuild.UnreadError
	var nobody *rebuild.NoConsumerError
	var beyond *rebuild.BeyondError
	var size *rebuild.SizeError
	at := &s.config.NATS
	switch {
	case errors.As(err, &unread):
		return fmt.Errorf("%w\nNothing was changed", unread.Err)
	case errors.Is(err, continuity.ErrNoStream):
		return fmt.Errorf("there is no stream %s at %s: set NATS_URL and NATS_STREAM as the workers have them", at.Stream, at.URL)
	case errors.As(err, &nobody):
		return fmt.Errorf("there is no consumer %s on stream %s, so nothing tells what workers have recorded: set NATS_DURABLE as the workers have it. "+
			"If it was deleted, name the last event to add with --to-seq (the stream's last one is %d): events behind it will be taken for new ones", at.Durable, at.Stream, nobody.Last)
	case errors.As(err, &beyond) && beyond.ConsumerFound:
		return command.Usagef("--to-seq %d: workers have read up to %d, and later events they record as usual; adding them here would only park them", beyond.To, beyond.Delivered)
	case errors.As(err, &beyond):
		return command.Usagef("--to-seq %d: the stream's last event is %d", beyond.To, beyond.Last)
	case errors.As(err, &size):
		return steps.StreamSize(size)
	}
	return err
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
