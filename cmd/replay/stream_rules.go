package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"pointsledger/desk/wording"
	"pointsledger/internal/command"
	"pointsledger/internal/config"
	"pointsledger/rules"
)

// streamRules are the rules that a part of the stream is mapped by.
type streamRules struct {
	rules *rules.Rules
	// version and text are the rule file's.
	version, text string
	// from says in words where they come from.
	from string
	// on are the accounts that count as on; assumed tells that this environment
	// has no credentials, and all are taken for on.
	on      []string
	off     []string
	assumed bool
	// note is what the operator should know of the choice; mostly empty.
	note string
}

// readRules picks the rules: those that the workers registered last, or the
// file when the ledger has none, or when it is named and leaves the registered
// rule sets as they are.
func (s *session) readRules(ctx context.Context, environ []string, file string, off []string) (streamRules, error) {
	registered, found, err := s.store.LastMapping(ctx)
	if err != nil {
		return streamRules{}, err
	}
	if found && file == "" {
		note := ""
		if s.config.RulesVersion != registered.Version && setIn(environ, "WORKER_CONFIG") {
			note = fmt.Sprintf("WORKER_CONFIG has the rules %s, which no worker has registered last; they are not used. --config FILE takes a file with further rule sets", s.config.RulesVersion)
		}
		const name = "the rules that the workers registered last"
		cfg, err := loadWith(environ, name, []byte(registered.Text))
		if err != nil {
			return streamRules{}, fmt.Errorf("read %s (table mappings, version %s): %w", name, registered.Version, err)
		}
		rules, err := s.newStreamRules(ctx, cfg, off)
		rules.version, rules.text, rules.note = registered.Version, registered.Text, note
		rules.from = "registered last by the workers, first used " + wording.Moment(registered.FirstUsed)
		return rules, err
	}
	cfg := s.config
	if file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return streamRules{}, command.Usagef("--config: %w", err)
		}
		if cfg, err = loadWith(environ, file, text); err != nil {
			return streamRules{}, err
		}
	}
	if found && registered.Version != cfg.RulesVersion {
		if err := config.CheckUsedRules([]byte(registered.Text), cfg.RulesText, time.Now()); err != nil {
			return streamRules{}, fmt.Errorf("--config %s is not what the workers registered last: %w", file, err)
		}
	}
	from := "from " + cmp.Or(file, cfg.RulesFrom)
	if !found {
		from += "; no worker has registered any in this ledger"
	}
	rules, err := s.newStreamRules(ctx, cfg, off)
	rules.version, rules.text, rules.from = cfg.RulesVersion, string(cfg.RulesText), from
	return rules, err
}

// newStreamRules settles which accounts count as on: those that are on here, and
// those that the ledger has operations of. An event that is wrongly left out is a
// reject, and could be granted a second time when somebody retries it. So one that
// neither tells of must be named as off; where nothing has credentials, all that
// are not named count as on.
func (s *session) newStreamRules(ctx context.Context, cfg *config.Config, off []string) (streamRules, error) {
	// replay needs no credentials: where there are none, this says nothing about
	// the workers.
	r := streamRules{off: off, assumed: !slices.ContainsFunc(cfg.Vendors, config.Vendor.On)}
	var untold []string
	for _, v := range cfg.Vendors {
		on := v.On()
		if !on && !r.assumed {
			var err error
			if on, err = s.store.HasOperations(ctx, v.Name); err != nil {
				return r, err
			}
		}
		switch named := slices.Contains(off, v.Name); {
		case on && named:
			return r, command.Usagef("--off %s: the account is on here, or the ledger has operations of it", v.Name)
		case on || r.assumed && !named:
			r.on = append(r.on, v.Name)
		case !named:
			untold = append(untold, v.Name)
		}
	}
	for _, name := range off {
		if _, known := cfg.Vendor(name); !known {
			return r, command.Usagef("--off %s: the rules know no such account", name)
		}
	}
	if len(untold) > 0 {
		return r, command.Usagef("%s: off here, and the ledger cannot tell whether the workers had it on. Give this command the workers' environment; if they had it off, add --off %s",
			strings.Join(untold, ", "), strings.Join(untold, ","))
	}
	slices.Sort(r.on)
	r.rules = cfg.Rules.WithAccountsOn(func(account string) bool { return slices.Contains(r.on, account) })
	return r, nil
}

// loadWith is config.Load with another rule file. The vendor accounts are that
// file's, too.
func loadWith(environ []string, name string, text []byte) (*config.Config, error) {
	kept := slices.DeleteFunc(slices.Clone(environ), func(entry string) bool { return strings.HasPrefix(entry, "WORKER_CONFIG=") })
	return config.Load(append(kept, "WORKER_CONFIG="+name), func(path string) ([]byte, error) {
		if path == name {
			return text, nil
		}
		return os.ReadFile(path)
	})
}

func setIn(environ []string, name string) bool {
	return slices.ContainsFunc(environ, func(entry string) bool {
		return strings.HasPrefix(entry, name+"=") && len(entry) > len(name)+1
	})
}
