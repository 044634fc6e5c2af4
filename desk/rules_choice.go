package desk

import (
	"context"
	"slices"
	"strings"
	"time"

	"pointsledger/ledger/rulefiles"
	"pointsledger/rules"
)

// RuleFile is a rule file as a worker here would read it.
type RuleFile struct {
	Rules *rules.Rules
	// Version is that of Text.
	Version, Text string
	// Accounts are the file's vendor accounts, in its order.
	Accounts []RuleAccount
}

// RuleAccount is a vendor account of a rule file. On: this environment has what
// it takes to call it.
type RuleAccount struct {
	Name string
	On   bool
}

// RuleReader reads rule files.
type RuleReader interface {
	// ReadRules reads text as a rule file; name stands in its errors.
	ReadRules(name string, text []byte) (RuleFile, error)
	// KeepsRules is nil when a rule file leaves those rule sets of another as they
	// are that were in use by now.
	KeepsRules(used, text []byte) error
}

// RuleChoice says by which rules events are mapped: those of a file, or, without
// a name, those that the workers registered last.
type RuleChoice struct {
	FileName string
	FileText []byte
	// RegisteredName is what errors call the registered file; {version} stands for
	// its version.
	RegisteredName string
}

// ChosenRules are the rules that stored events are mapped by.
type ChosenRules struct {
	RuleFile
	// FileName is the file's; empty for the registered rules, and FirstUsed is then
	// when those were first used.
	FileName  string
	FirstUsed time.Time
	// RegisteredVersion is what the workers registered last, empty when they
	// registered none. Registered is that file, nil when it cannot be read here.
	RegisteredVersion string
	Registered        *RuleFile
	// Binding: once something was accepted by these rules, a worker that starts
	// without their rule sets refuses to.
	Binding bool
}

// ChooseRules reads the rules that are asked for. A file must leave the registered
// rule sets as they are: keys could change, and events count twice. The error is
// ErrNoRules, a *RegisteredRulesError, a *RulesInUseError, or the reader's.
func (d *Desk) ChooseRules(ctx context.Context, reader RuleReader, want RuleChoice) (ChosenRules, error) {
	last, found, err := rulefiles.New(d.pool).LastMapping(ctx)
	switch {
	case err != nil:
		return ChosenRules{}, err
	case !found && want.FileName == "":
		return ChosenRules{}, ErrNoRules
	}
	c := ChosenRules{FileName: want.FileName, RegisteredVersion: last.Version}
	if found {
		registered, err := reader.ReadRules(strings.ReplaceAll(want.RegisteredName, "{version}", last.Version), []byte(last.Text))
		switch {
		case err == nil:
			registered.Version, registered.Text = last.Version, last.Text
			c.Registered = &registered
		case want.FileName == "":
			return ChosenRules{}, &RegisteredRulesError{Version: last.Version, Err: err}
		}
	}
	if want.FileName == "" {
		c.RuleFile, c.FirstUsed = *c.Registered, last.FirstUsed
		return c, nil
	}
	if c.RuleFile, err = reader.ReadRules(want.FileName, want.FileText); err != nil {
		return ChosenRules{}, err
	}
	if found && c.Version != last.Version {
		if err := reader.KeepsRules([]byte(last.Text), want.FileText); err != nil {
			return ChosenRules{}, &RulesInUseError{File: want.FileName, Err: err}
		}
		c.Binding = reader.KeepsRules(want.FileText, []byte(last.Text)) != nil
	}
	return c, nil
}

// AccountsOn tells for which accounts events may be recorded: those that are on
// here, and those that the ledger has operations of, for a worker records none for
// an account that is off. Of the others nothing tells whether workers have them
// on: untold.
func (d *Desk) AccountsOn(ctx context.Context, accounts []RuleAccount) (on, untold []string, err error) {
	for _, a := range accounts {
		told := a.On
		if !told {
			if told, err = d.HasOperations(ctx, a.Name); err != nil {
				return nil, nil, err
			}
		}
		if told {
			on = append(on, a.Name)
		} else {
			untold = append(untold, a.Name)
		}
	}
	return on, untold, nil
}

// StreamAccounts are the accounts that count as on when the stream is read again.
type StreamAccounts struct {
	// On are sorted. Off are those that a person named as off.
	On, Off []string
	// Assumed: nothing here has credentials, so that says nothing about the workers,
	// and all that are not named count as on.
	Assumed bool
}

// StreamAccounts settles which accounts count as on. An event that is wrongly left
// out is a reject, and could be granted a second time when somebody retries it. So
// an account that nothing tells of must be named as off. The error is an
// *AccountOffError or an *AccountUntoldError.
func (d *Desk) StreamAccounts(ctx context.Context, accounts []RuleAccount, off []string) (StreamAccounts, error) {
	s := StreamAccounts{Off: off, Assumed: !slices.ContainsFunc(accounts, func(a RuleAccount) bool { return a.On })}
	var told, untold []string
	var err error
	if !s.Assumed {
		if told, untold, err = d.AccountsOn(ctx, accounts); err != nil {
			return s, err
		}
	}
	for _, a := range accounts {
		switch named := slices.Contains(off, a.Name); {
		case named && slices.Contains(told, a.Name):
			return s, &AccountOffError{Account: a.Name, Known: true}
		case slices.Contains(told, a.Name) || s.Assumed && !named:
			s.On = append(s.On, a.Name)
		}
	}
	for _, name := range off {
		if !slices.ContainsFunc(accounts, func(a RuleAccount) bool { return a.Name == name }) {
			return s, &AccountOffError{Account: name}
		}
	}
	if untold = slices.DeleteFunc(untold, func(name string) bool { return slices.Contains(off, name) }); len(untold) > 0 {
		return s, &AccountUntoldError{Accounts: untold}
	}
	slices.Sort(s.On)
	return s, nil
}
