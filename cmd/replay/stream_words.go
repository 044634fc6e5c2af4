package main

import (
	"errors"
	"fmt"
	"strings"

	"pointsledger/continuity"
	"pointsledger/desk"
	"pointsledger/desk/rebuild"
	"pointsledger/desk/wording"
	"pointsledger/internal/command"
	"pointsledger/internal/terminal"
)

// planWords says why a plan cannot be taken up here.
func (s *streamSession) planWords(name string, err error) error {
	var kind *desk.PlanKindError
	var means *rebuild.PlanMeansError
	switch {
	case errors.Is(err, desk.ErrNoPlan):
		return command.Usagef("there is no plan %s: `replay stream --from-seq 1` makes one", terminal.Clean(name))
	case errors.As(err, &kind):
		return command.Usagef("plan %s is of kind %s: `%s` shows it", kind.Plan.Name, kind.Plan.Kind, showPlan(kind.Plan))
	case !errors.As(err, &means):
		return err
	}
	plan, then, now := means.Plan.Name, &means.Plan.Details, &means.Now
	switch again := "make a new plan with the same command as before"; {
	case then.Stream != now.Stream:
		return command.Usagef("plan %s is about stream %s, NATS_STREAM says %s", plan, then.Stream, now.Stream)
	case then.Rules != now.Rules:
		return fmt.Errorf("plan %s was made with the rules %s, and now those are %s (%s): %s, or give it the same --config", plan, then.Rules, now.Rules, s.watch.rulesFrom, again)
	default:
		return fmt.Errorf("plan %s was made with the accounts %s on, and here %s are: use the same environment, or %s",
			plan, strings.Join(then.Accounts, ", "), strings.Join(now.Accounts, ", "), again)
	}
}

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
	case errors.As(err, &size) && size.Expected != nil:
		return fmt.Errorf("%s would be added, not the %s expected: nothing was changed", wording.Plural(size.Found, "operation"), wording.Count(*size.Expected))
	case errors.As(err, &size):
		return command.Usagef("%s operations would be added, more than %d: nothing was changed. Look at them (the same command without --yes), and carry out the plan that it makes",
			wording.Count(size.Found), desk.MaxUnexpected)
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
