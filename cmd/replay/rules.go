package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"pointsledger/desk"
	"pointsledger/desk/rebuild"
	"pointsledger/desk/wording"
	"pointsledger/internal/accounts"
	"pointsledger/internal/command"
)

// ruleChoice reads --config; without it the choice is the registered rules.
func ruleChoice(file, registeredName string) (desk.RuleChoice, error) {
	choice := desk.RuleChoice{FileName: file, RegisteredName: registeredName}
	if file == "" {
		return choice, nil
	}
	var err error
	if choice.FileText, err = os.ReadFile(file); err != nil {
		return choice, command.Usagef("--config: %w", err)
	}
	return choice, nil
}

// rejectRules chooses the rules that rejects are mapped by.
func (s *session) rejectRules(ctx context.Context, environ []string, file string) (*desk.RejectRules, error) {
	choice, err := ruleChoice(file, "rules {version} of the ledger")
	if err != nil {
		return nil, err
	}
	r, err := s.desk.RejectRules(ctx, accounts.RuleFiles{Environ: environ}, choice)
	var unread *desk.RegisteredRulesError
	var inUse *desk.RulesInUseError
	switch {
	case errors.Is(err, desk.ErrNoRules):
		return nil, command.Usagef("no worker has registered rules in this ledger yet: start a worker, or add --config FILE")
	case errors.As(err, &unread):
		return nil, fmt.Errorf("read the rules that the workers registered last: %w\nIf another version of the program wrote them, add --config FILE", unread.Err)
	case errors.As(err, &inUse):
		return nil, fmt.Errorf("--config %s changes rules that were in use, so keys could change and events count twice: %w", inUse.File, inUse.Err)
	}
	return r, err
}

// streamRules chooses the rules that a part of the stream is mapped by: in a ledger
// that has none, those of the configuration.
func (s *session) streamRules(ctx context.Context, environ []string, file string, off []string) (r rebuild.Rules, err error) {
	choice, err := ruleChoice(file, "the rules that the workers registered last")
	if err != nil {
		return r, err
	}
	r, err = rebuild.ChooseRules(ctx, s.desk, accounts.RuleFiles{Environ: environ}, choice, desk.ChosenRules{RuleFile: accounts.RulesOf(s.config), FileName: s.config.RulesFrom}, off)
	var unread *desk.RegisteredRulesError
	var inUse *desk.RulesInUseError
	var named *desk.AccountOffError
	var untold *desk.AccountUntoldError
	switch {
	case errors.As(err, &unread):
		return r, fmt.Errorf("read %s (table mappings, version %s): %w", choice.RegisteredName, unread.Version, unread.Err)
	case errors.As(err, &inUse):
		return r, fmt.Errorf("--config %s is not what the workers registered last: %w", inUse.File, inUse.Err)
	case errors.As(err, &named) && named.Known:
		return r, command.Usagef("--off %s: the account is on here, or the ledger has operations of it", named.Account)
	case errors.As(err, &named):
		return r, command.Usagef("--off %s: the rules know no such account", named.Account)
	case errors.As(err, &untold):
		return r, command.Usagef("%s: off here, and the ledger cannot tell whether the workers had it on. Give this command the workers' environment; if they had it off, add --off %s",
			strings.Join(untold.Accounts, ", "), strings.Join(untold.Accounts, ","))
	case err == nil && file == "" && r.RegisteredVersion != "" && s.config.RulesVersion != r.RegisteredVersion && setIn(environ, "WORKER_CONFIG"):
		r.Note = fmt.Sprintf("WORKER_CONFIG has the rules %s, which no worker has registered last; they are not used. --config FILE takes a file with further rule sets", s.config.RulesVersion)
	}
	return r, err
}

// streamRulesFrom says in words where those rules come from.
func streamRulesFrom(r *rebuild.Rules) string {
	if r.RegisteredVersion == "" {
		return wording.RulesFrom(&r.ChosenRules) + "; no worker has registered any in this ledger"
	}
	return wording.RulesFrom(&r.ChosenRules)
}

func setIn(environ []string, name string) bool {
	return slices.ContainsFunc(environ, func(entry string) bool {
		return strings.HasPrefix(entry, name+"=") && len(entry) > len(name)+1
	})
}
