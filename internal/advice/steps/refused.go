package steps

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"pointsledger/desk"
	"pointsledger/desk/privacy"
	"pointsledger/desk/wording"
	"pointsledger/internal/command"
	"pointsledger/internal/terminal"
	"pointsledger/ledger"
)

// referenceChars is the length of a reference (ledger.ReferenceOf).
const referenceChars = 13

// NotFound says that a text means no operation.
func NotFound(text string) error {
	hint := "The event may have been rejected (`replay status` counts those), may not have arrived yet, or the number is another one: an order number must be whole"
	if len(text) == referenceChars && !ledger.ValidReference(text) {
		hint += ". If it is meant as a reference, it holds a typing error: its check character does not fit"
	}
	return fmt.Errorf("no operation has the id, biz_id, order number or reference %q. %s", terminal.Clean(text), hint)
}

// NotParked says what to do when an act by hand wants a parked operation.
func NotParked(err error, d *desk.OperationDetail) error {
	var refused *desk.NotParkedError
	if !errors.As(err, &refused) {
		return err
	}
	if refused.Why != "" {
		return fmt.Errorf("nothing was changed: %s", privacy.Mobiles(terminal.Clean(refused.Error())))
	}
	next := fmt.Sprintf("`replay show %d` tells how", d.ID)
	switch refused.State {
	case string(ledger.Sending):
		next = "a worker is sending it at this moment. Look again when that has ended: `replay show " + string(d.BizID) + "`"
	case string(ledger.Pending):
		next = "it waits for a worker, which may take it at any moment; what is done by hand is done to parked operations only. " +
			"To hold the account back, see `replay pause --help`"
	}
	return fmt.Errorf("nothing was changed: operation %d is not parked but %s; %s", d.ID, refused.State, next)
}

// PutBackRefused says why a run did not begin, and what to do.
func PutBackRefused(err error) error {
	var busy *desk.PlanBusyError
	var cancelled *desk.PlanCancelledError
	switch {
	case errors.As(err, &busy) && busy.Actor == "":
		return fmt.Errorf("plan %s has just been begun by somebody else (database session %d): nothing was done here. `replay plans` shows how it goes", busy.Plan, busy.Session)
	case errors.As(err, &busy):
		return fmt.Errorf("plan %s is being run by %s since %s, %s ago (database session %d):\nnothing was done here. `replay plans` shows how it goes; if that run dies, this command goes on",
			busy.Plan, terminal.Clean(busy.Actor), wording.Moment(busy.Since), wording.Age(busy.Since, time.Now()), busy.Session)
	case errors.As(err, &cancelled):
		return fmt.Errorf("%s cancelled plan %s at %s, so no more of it is put back. Its filter makes a new plan: `replay plans` shows it",
			terminal.Clean(cancelled.By), cancelled.Plan, wording.Moment(cancelled.At))
	}
	return err
}

// Untaken says why workers may leave operations alone that are due.
func Untaken(gates []desk.ClosedGate) string {
	if len(gates) == 0 {
		return "is one running? (`replay status` says so when what is due stays)"
	}
	var closed []string
	for _, g := range gates {
		closed = append(closed, g.Account+" ("+g.Reason+")")
	}
	return "closed to calls: " + strings.Join(closed, ", ") + " (`replay status` says why)"
}

// GiveUpRefused says why a void did not begin, and what to do.
func GiveUpRefused(err error) error {
	var busy *desk.PlanBusyError
	var cancelled *desk.PlanCancelledError
	switch {
	case errors.As(err, &busy):
		return fmt.Errorf("%s: nothing was changed by you. Wait until that has ended, then look again", busy.Error())
	case errors.As(err, &cancelled):
		return fmt.Errorf("%s: make another", cancelled.Error())
	}
	return err
}

// NoPlan says why there is no plan of a name, or of another kind; an empty kind is
// any. Nil for a plan that fits.
func NoPlan(name string, plan desk.Plan, kind desk.PlanKind, err error) error {
	switch {
	case errors.Is(err, desk.ErrNoPlan) && kind == desk.PlanOfVoid:
		return command.Usagef("there is no plan %q: the preview (the same filters without --yes) makes one and says its name", terminal.Clean(name))
	case errors.Is(err, desk.ErrNoPlan):
		return command.Usagef("there is no plan %q: `replay plans` lists those that there are", terminal.Clean(name))
	case err != nil || kind == "" || plan.Kind == kind:
		return err
	case kind == desk.PlanOfVoid:
		return command.Usagef("plan %s is not for void, but for %s: `%s` shows it", plan.Name, plan.Kind, ShowPlan(plan))
	}
	return command.Usagef("plan %s is of kind %s, not %s: `replay plans` lists the plans with their kinds", plan.Name, plan.Kind, kind)
}

// NoneFits says that the filters of run or void find nothing.
func NoneFits(what string) string {
	return "No parked operation fits: nothing to " + what + ". `replay status` shows what there is."
}

// OtherSize says what to do when a run or a void found another number of operations
// than expected, or too many to act on unseen.
func OtherSize(kind desk.PlanKind, err error) error {
	look, without := "(the same command without --yes), and run the plan that it makes; or add --expect %d", "--yes"
	if kind == desk.PlanOfVoid {
		look, without = "first: the same command without --yes makes a plan of them", "--yes and --expect"
	}
	var size *desk.SetSizeError
	switch {
	case !errors.As(err, &size):
		return err
	case size.Expect == 0:
		if kind == desk.PlanOfRun {
			look = fmt.Sprintf(look, size.Found)
		}
		return command.Usagef("%s operations found, more than %d: nothing was changed. Look at them %s", wording.Count(size.Found), desk.MaxUnexpected, look)
	}
	return fmt.Errorf("%s found, not the %s expected: nothing was changed. Look again with the same command without %s; workers or a colleague may have been there",
		wording.Plural(size.Found, "parked operation"), wording.Count(size.Expect), without)
}

// OtherRejects says what to do when the set of rejects has another size than
// expected; nil when the error is another one.
func OtherRejects(err error) error {
	var size *desk.SetSizeError
	switch {
	case !errors.As(err, &size):
		return nil
	case size.Expect == 0:
		return command.Usagef("%s open rejects found, more than %d: nothing was changed. Look at them (the same command without --yes), then add --expect %d",
			wording.Count(size.Found), desk.MaxUnexpected, size.Found)
	}
	return fmt.Errorf("%s found, not the %s expected: nothing was changed. Look again with the same command without --yes; a colleague may have been there",
		wording.Plural(size.Found, "open reject"), wording.Count(size.Expect))
}

// LeftOut says what a run plan left out, a line for each; empty for nothing.
func LeftOut(p *desk.Plan) (lines string) {
	for _, left := range []struct {
		n     int64
		words string
	}{
		{p.OverBudget, "above the budget of a day. They are released by name: replay run --cause " + string(ledger.CauseOverBudget)},
		{p.Work, "for a person to do in the vendor's back office, never put back. See: replay workitems list"},
		{p.Refunded, "refunded or cancelled since, of which nothing is kept. See: replay list --refunded. To give up: replay void --refunded"},
	} {
		if left.n > 0 {
			lines += fmt.Sprintf("Left out: %s %s\n", wording.Plural(left.n, "operation"), left.words)
		}
	}
	return lines
}

// NothingOwed says that a run plan found nothing but what it leaves out: work for a
// person, or what was refunded or cancelled since.
func NothingOwed(p *desk.Plan) error {
	if p.Work > 0 {
		return fmt.Errorf("nothing was put back: no call can be made for %s, and a person may have done it already. "+
			"`replay workitems export --output work.csv` writes what is to be done, `replay workitems settle work.csv` reads what was done", wording.Plural(p.Work, "work item"))
	}
	return fmt.Errorf("nothing was put back: %s refunded or cancelled since, so that nobody is owed it. `replay void --refunded` with the same filter gives it up; "+
		"`replay run --refunded` with it puts it back all the same, and what arrives is taken back then", wording.Plural(p.Refunded, "operation"))
}

// NothingGoes says what to do about a plan of which nothing would be put back, and by
// which commands.
func NothingGoes(c *desk.ReplayCount) (words, commands string) {
	if c.Blocked() == c.Refunded {
		return "Nothing of this would be put back, so there is no command to run: its orders were refunded or cancelled since. To give it up:", "  replay void --refunded"
	}
	return "Nothing of this would be put back, so there is no command to run. Ask the vendor about the dedup keys: `replay list --json` with the same filter has them. " +
		"What the vendor has applied, settle; what it surely has not and never will, give up, one by one:", "  replay settle BIZ_ID --evidence '…'\n  replay void --biz-id BIZ_ID --accept-in-doubt"
}
