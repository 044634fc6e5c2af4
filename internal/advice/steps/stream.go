package steps

import (
	"errors"
	"fmt"
	"strings"

	"pointsledger/desk"
	"pointsledger/desk/rebuild"
	"pointsledger/desk/wording"
	"pointsledger/internal/command"
	"pointsledger/internal/terminal"
)

// StreamPlan says why a plan cannot be taken up here. rulesFrom is where the rules
// chosen here come from.
func StreamPlan(name, rulesFrom string, err error) error {
	var kind *desk.PlanKindError
	var means *rebuild.PlanMeansError
	switch {
	case errors.Is(err, desk.ErrNoPlan):
		return command.Usagef("there is no plan %s: `replay stream --from-seq 1` makes one", terminal.Clean(name))
	case errors.As(err, &kind):
		return command.Usagef("plan %s is of kind %s: `%s` shows it", kind.Plan.Name, kind.Plan.Kind, ShowPlan(kind.Plan))
	case !errors.As(err, &means):
		return err
	}
	plan, then, now := means.Plan.Name, &means.Plan.Details, &means.Now
	switch again := "make a new plan with the same command as before"; {
	case then.Stream != now.Stream:
		return command.Usagef("plan %s is about stream %s, NATS_STREAM says %s", plan, then.Stream, now.Stream)
	case then.Rules != now.Rules:
		return fmt.Errorf("plan %s was made with the rules %s, and now those are %s (%s): %s, or give it the same --config", plan, then.Rules, now.Rules, rulesFrom, again)
	default:
		return fmt.Errorf("plan %s was made with the accounts %s on, and here %s are: use the same environment, or %s",
			plan, strings.Join(then.Accounts, ", "), strings.Join(now.Accounts, ", "), again)
	}
}

// StreamSize says what to do when a part of the stream would add another number of
// operations than expected, or too many to add unseen.
func StreamSize(size *rebuild.SizeError) error {
	if size.Expected != nil {
		return fmt.Errorf("%s would be added, not the %s expected: nothing was changed", wording.Plural(size.Found, "operation"), wording.Count(*size.Expected))
	}
	return command.Usagef("%s operations would be added, more than %d: nothing was changed. Look at them (the same command without --yes), and carry out the plan that it makes",
		wording.Count(size.Found), desk.MaxUnexpected)
}

// StreamPart says why a part of a stream cannot be looked at, and what to do. durable is
// the workers' consumer. Other errors stay as they are.
func StreamPart(err error, stream, durable string) error {
	var unread *rebuild.UnreadError
	var nobody *rebuild.NoConsumerError
	var beyond *rebuild.BeyondError
	var size *rebuild.SizeError
	switch {
	case errors.As(err, &unread):
		return fmt.Errorf("%w\nNothing was changed", unread.Err)
	case errors.As(err, &nobody):
		return fmt.Errorf("there is no consumer %s on stream %s, so nothing tells what workers have recorded: set NATS_DURABLE as the workers have it. "+
			"If it was deleted, name the last event to add with --to-seq (the stream's last one is %d): events behind it will be taken for new ones", durable, stream, nobody.Last)
	case errors.As(err, &beyond) && beyond.ConsumerFound:
		return command.Usagef("--to-seq %d: workers have read up to %d, and later events they record as usual; adding them here would only park them", beyond.To, beyond.Delivered)
	case errors.As(err, &beyond):
		return command.Usagef("--to-seq %d: the stream's last event is %d", beyond.To, beyond.Last)
	case errors.As(err, &size):
		return StreamSize(size)
	}
	return err
}
