package config

import (
	_ "embed"
	"time"

	"pointsledger/ledger/rulefiles"
	"pointsledger/rules"
)

//go:embed default_before_refunds.yaml
var defaultBeforeRefunds []byte

// olderDefaults are the built-in files of before, newest first. Only their rules
// count: the accounts are those of the newest one. None of them is ever edited: a
// ledger knows it by the hash of its text.
func olderDefaults() [][]byte { return [][]byte{defaultBeforeRefunds} }

// builtInRules are the rules of an older built-in file.
type builtInRules struct {
	text    []byte
	version string
	rules   *rules.Rules
}

// compileOlderDefaults makes the older built-in rules ready, for ForLedger.
func compileOlderDefaults(e *environment, c *Config) (all []builtInRules) {
	for _, text := range olderDefaults() {
		var ignored problems // they are tested
		file, version := parseFile("default.yaml", text, &ignored), versionOf(text)
		if compiled, err := rules.Compile(file.rules, version, ruleAccounts(e, c)); err == nil {
			all = append(all, builtInRules{text: text, version: version, rules: compiled})
		}
	}
	return all
}

// ForLedger is the configuration for a ledger with these registered rule files. One
// that was begun with the built-in rules of before keeps them, because what was in
// use is not edited, until a person gives its workers a file with a further rule set.
// It is c itself for every other ledger, and with a file of one's own.
func (c *Config) ForLedger(registered []rulefiles.RegisteredRules, now time.Time) *Config {
	mayUse := func(version string, text []byte) bool {
		return CheckRegistration(version, text, registered, now) == nil
	}
	if len(c.older) == 0 || mayUse(c.RulesVersion, c.RulesText) {
		return c
	}
	for _, before := range c.older {
		if mayUse(before.version, before.text) {
			kept := *c
			kept.Rules, kept.RulesText, kept.RulesVersion, kept.RulesFrom = before.rules, before.text, before.version, builtInBefore
			return &kept
		}
	}
	return c
}
