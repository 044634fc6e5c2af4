package steps

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"pointsledger/desk"
	"pointsledger/desk/rejects"
	"pointsledger/internal/command"
	"pointsledger/internal/terminal"
)

// AllOpenRejects is what a filter that leaves nothing out is called.
const AllOpenRejects = "all open rejects"

// RejectPlan says why a plan cannot be taken up here, by the rules of file (empty: the
// registered ones); nil for nil.
func RejectPlan(typed, file string, now *desk.RejectRules, err error) error {
	var kind *desk.PlanKindError
	var other *rejects.PlanRulesError
	switch {
	case errors.Is(err, desk.ErrNoPlan):
		return fmt.Errorf("there is no plan %s: `replay rejects retry` with filters makes one", terminal.Clean(typed))
	case errors.As(err, &kind):
		return command.Usagef("plan %s is of kind %s, not for rejects: `%s` shows it", kind.Plan.Name, kind.Plan.Kind, ShowPlan(kind.Plan))
	case !errors.As(err, &other):
		return err
	}
	plan, made, again := other.Plan.Name, &other.Made, "replay rejects retry"
	if !strings.HasPrefix(other.Plan.Filter, AllOpenRejects) {
		again += " " + other.Plan.Filter
	}
	switch {
	case made.FromFile && file == "":
		return command.Usagef("plan %s was made with the rules of a file: add the same --config FILE (version %s)", plan, made.Rules)
	case !made.FromFile && file != "":
		return command.Usagef("plan %s was made with the registered rules: leave out --config, or look again with it:\n  %s --config FILE", plan, again)
	case made.FromFile && now.Version != made.Rules:
		return fmt.Errorf("the file %s is version %s, and plan %s was made with %s: nothing was changed. Look again:\n  %s", file, now.Version, plan, made.Rules, again)
	}
	return RulesChanged(plan, made.Registered, now.RegisteredVersion, again)
}

// RulesChanged says that the workers have registered other rules since a plan was made.
func RulesChanged(plan, then, now, again string) error {
	return fmt.Errorf("the workers have registered other rules since plan %s was made (%s, before: %s): what it showed no longer holds. Look again:\n  %s",
		plan, now, cmp.Or(then, "none"), again)
}
