package accounts

import (
	"os"
	"slices"
	"strings"
	"time"

	"pointsledger/desk"
	"pointsledger/internal/config"
)

// RuleFiles reads rule files as a worker with this environment would (what
// os.Environ gives). The vendor accounts are the file's, too.
type RuleFiles struct{ Environ []string }

// ReadRules implements desk.RuleReader.
func (r RuleFiles) ReadRules(name string, text []byte) (desk.RuleFile, error) {
	kept := slices.DeleteFunc(slices.Clone(r.Environ), func(entry string) bool { return strings.HasPrefix(entry, "WORKER_CONFIG=") })
	cfg, err := config.Load(append(kept, "WORKER_CONFIG="+name), func(path string) ([]byte, error) {
		if path == name {
			return text, nil
		}
		return os.ReadFile(path)
	})
	if err != nil {
		return desk.RuleFile{}, err
	}
	return RulesOf(cfg), nil
}

// KeepsRules implements desk.RuleReader.
func (r RuleFiles) KeepsRules(used, text []byte) error {
	return config.CheckUsedRules(used, text, time.Now())
}

// RulesOf are the rules of a configuration.
func RulesOf(cfg *config.Config) desk.RuleFile {
	f := desk.RuleFile{Rules: cfg.Rules, Version: cfg.RulesVersion, Text: string(cfg.RulesText), Accounts: make([]desk.RuleAccount, len(cfg.Accounts))}
	for i, v := range cfg.Accounts {
		f.Accounts[i] = desk.RuleAccount{Name: v.Name, On: v.On()}
	}
	return f
}
