package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"pointsledger/desk"
	"pointsledger/desk/wording"
	"pointsledger/internal/command"
	"pointsledger/internal/config"
	"pointsledger/ledger"
	"pointsledger/rules"
)

// retryRules are the rules that rejects are mapped by.
type retryRules struct {
	version string
	remap   desk.Remap
	// fact reads what fact a reject is about.
	fact func(*ledger.Reject) (ledger.FactHint, bool)
	// from says in words where they come from.
	from string
	// file is the path of --config, and text its content; empty for the rules
	// that the workers registered.
	file, text string
	// registered is the version that the workers registered last, empty when
	// they registered none.
	registered string
	// other maps by the registered rules, to compare; nil when there is nothing
	// to compare with.
	other desk.Remap
	// on and off are the accounts that events may and may not go to.
	on, off []string
	// binding: once something was accepted by these rules, a worker that starts
	// without their rule sets refuses to.
	binding bool
}

// openRetryRules reads the rules: those that the workers registered last, or
// those of a file.
func (s *session) openRetryRules(ctx context.Context, environ []string, file string) (*retryRules, error) {
	last, found, err := s.store.LastMapping(ctx)
	switch {
	case err != nil:
		return nil, err
	case !found && file == "":
		return nil, command.Usagef("no worker has registered rules in this ledger yet: start a worker, or add --config FILE")
	}
	r := &retryRules{registered: last.Version}
	var registered *config.Config
	if found {
		if registered, err = loadWith(environ, "rules "+last.Version+" of the ledger", []byte(last.Text)); err != nil && file == "" {
			return nil, fmt.Errorf("read the rules that the workers registered last: %w\nIf another version of the program wrote them, add --config FILE", err)
		}
	}
	if file == "" {
		r.version, r.from = last.Version, "registered last by the workers, first used "+wording.Moment(last.FirstUsed)
		r.fact = registered.Rules.FactIn
		r.remap, err = s.remap(ctx, registered, r)
		return r, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, command.Usagef("--config: %w", err)
	}
	cfg, err := loadWith(environ, file, text)
	if err != nil {
		return nil, err
	}
	if found {
		if err := config.CheckUsedRules([]byte(last.Text), text, time.Now()); err != nil {
			return nil, fmt.Errorf("--config %s changes rules that were in use, so keys could change and events count twice: %w", file, err)
		}
		r.binding = config.CheckUsedRules(text, []byte(last.Text), time.Now()) != nil
	}
	r.version, r.from = cfg.RulesVersion, "from "+file
	if cfg.RulesVersion != last.Version {
		r.text = string(text)
	}
	r.file, r.fact = file, cfg.Rules.FactIn
	if r.remap, err = s.remap(ctx, cfg, r); err != nil {
		return nil, err
	}
	if registered != nil && cfg.RulesVersion != last.Version {
		r.other, err = s.remap(ctx, registered, &retryRules{})
	}
	return r, err
}

// remap maps by a configuration's rules. An account counts as on when it is so
// in this environment, or when the ledger has an operation of it: a worker
// records none for an account that is off, and replay needs no credentials.
func (s *session) remap(ctx context.Context, cfg *config.Config, r *retryRules) (desk.Remap, error) {
	for _, v := range cfg.Vendors {
		on := v.On()
		if !on {
			var err error
			if on, err = s.store.HasOperations(ctx, v.Name); err != nil {
				return nil, err
			}
		}
		if on {
			r.on = append(r.on, v.Name)
		} else {
			r.off = append(r.off, v.Name)
		}
	}
	return again(cfg.Rules, slices.Clone(r.on)), nil
}

func again(rules *rules.Rules, on []string) desk.Remap {
	return func(m ledger.Message) (ledger.Entry, bool) {
		return rules.Again(m, func(account string) bool { return slices.Contains(on, account) })
	}
}

// words says which rules these are.
func (r *retryRules) words() string {
	text := "version " + r.version + ", " + r.from
	if r.file != "" && r.registered != "" && r.registered != r.version {
		text += "; the workers registered " + r.registered + " last"
	}
	return text
}

// accountWords says which accounts events may go to.
func (r *retryRules) accountWords() string {
	list := func(names []string) string {
		if len(names) == 0 {
			return "none"
		}
		return strings.Join(names, ", ")
	}
	return "on: " + list(r.on) + "; off, here and as far as the ledger shows: " + list(r.off)
}
