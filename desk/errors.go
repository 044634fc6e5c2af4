package desk

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"pointsledger/ledger"
)

// ErrNoReason is returned for an act without an actor or a reason. Nothing was
// changed.
var ErrNoReason = errors.New("want an actor and a reason")

// NotParkedError is returned when an act wants a parked row and there is none:
// nothing was changed.
type NotParkedError struct {
	ID ledger.OperationID
	// State is pending, sending, posted, voided or "nothing to send", and
	// parked when the row was parked but not fit for the act; Why says why not.
	State string
	Why   string
}

func (e *NotParkedError) Error() string {
	if e.Why != "" {
		return fmt.Sprintf("operation %d: %s", e.ID, e.Why)
	}
	return fmt.Sprintf("operation %d is not parked but %s", e.ID, e.State)
}

// SetSizeError is returned by CreatePlan, which then stored nothing, when the
// set is not what the person expects, or is large and no number was given.
type SetSizeError struct {
	Found int64
	// Expect is 0 when no number was given.
	Expect int64
}

func (e *SetSizeError) Error() string {
	if e.Expect == 0 {
		return fmt.Sprintf("%d operations found, and no number was expected", e.Found)
	}
	return fmt.Sprintf("%d operations found, %d expected", e.Found, e.Expect)
}

// ErrNoPlan is returned when there is no plan of a name.
var ErrNoPlan = errors.New("there is no such plan")

// PlanKindError is returned where a plan of one kind is wanted, for one of another.
type PlanKindError struct{ Plan Plan }

func (e *PlanKindError) Error() string {
	return fmt.Sprintf("plan %s is of kind %s", e.Plan.Name, e.Plan.Kind)
}

// PlanBusyError is returned by BeginPlan when somebody else runs the plan.
type PlanBusyError struct {
	Plan string
	// Actor and Since are empty and zero when that run has only just begun.
	Actor string
	Since time.Time
	// Session is its process id in Postgres (pg_stat_activity).
	Session int32
}

func (e *PlanBusyError) Error() string {
	if e.Actor == "" {
		return fmt.Sprintf("plan %s is being run in database session %d", e.Plan, e.Session)
	}
	return fmt.Sprintf("plan %s is being run by %s since %s, in database session %d", e.Plan, e.Actor, e.Since.UTC().Format(time.RFC3339), e.Session)
}

// PlanCancelledError is returned when a plan was cancelled, also while it runs.
type PlanCancelledError struct {
	Plan, By string
	At       time.Time
}

func (e *PlanCancelledError) Error() string {
	return fmt.Sprintf("plan %s was cancelled by %s at %s", e.Plan, e.By, e.At.UTC().Format(time.RFC3339))
}

// RulesChangedError is returned by a retry when the workers registered other rules
// since a person looked. What was done before is done.
type RulesChangedError struct {
	// Then and Now are versions; Then is empty when there were none.
	Then, Now string
}

func (e *RulesChangedError) Error() string {
	return fmt.Sprintf("the workers have registered other rules since: %s, not %q", e.Now, e.Then)
}

// ErrRebuilding is returned by a retry while the ledger is being rebuilt from the
// stream.
var ErrRebuilding = errors.New("the ledger is being rebuilt: finish that first")

// UnknownAccountError is returned for an account that is neither configured nor
// in the ledger.
type UnknownAccountError struct {
	Account string
	// Known are those that there are: the configured ones first.
	Known []string
}

func (e *UnknownAccountError) Error() string {
	return fmt.Sprintf("there is no account %q; there are: %s", e.Account, strings.Join(e.Known, ", "))
}

// ErrNoRules is returned by ChooseRules in a ledger in which no worker has
// registered rules, when no file is named.
var ErrNoRules = errors.New("no worker has registered rules in this ledger yet")

// RegisteredRulesError is returned by ChooseRules when the rules that the workers
// registered last cannot be read here.
type RegisteredRulesError struct {
	Version string
	Err     error
}

func (e *RegisteredRulesError) Error() string {
	return fmt.Sprintf("read the registered rules %s: %v", e.Version, e.Err)
}

func (e *RegisteredRulesError) Unwrap() error { return e.Err }

// RulesInUseError is returned by ChooseRules when a file changes rule sets that
// were in use.
type RulesInUseError struct {
	File string
	Err  error
}

func (e *RulesInUseError) Error() string {
	return fmt.Sprintf("%s changes rules that were in use: %v", e.File, e.Err)
}

func (e *RulesInUseError) Unwrap() error { return e.Err }

// AccountOffError is returned by StreamAccounts for an account that was named as
// off, and is on here or in the ledger (Known), or that the rules do not know.
type AccountOffError struct {
	Account string
	Known   bool
}

func (e *AccountOffError) Error() string { return fmt.Sprintf("account %s is not off", e.Account) }

// AccountUntoldError is returned by StreamAccounts for accounts that are off here,
// and of which the ledger cannot tell whether workers had them on.
type AccountUntoldError struct{ Accounts []string }

func (e *AccountUntoldError) Error() string {
	return fmt.Sprintf("nothing tells whether %s was on", strings.Join(e.Accounts, ", "))
}
