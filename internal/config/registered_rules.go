package config

import (
	"fmt"
	"time"

	"pointsledger/ledger/rulefiles"
	"pointsledger/rules"
)

// RulesOf compiles the text of a registered rule file, without a secret of its accounts:
// they are off.
func RulesOf(text []byte) (*rules.Rules, error) {
	c, err := Load([]string{"WORKER_CONFIG=registered.yaml"}, func(string) ([]byte, error) { return text, nil })
	if err != nil {
		return nil, err
	}
	return c.Rules, nil
}

// RulesEnds works out, for every registered rule file, from which broker's time
// on it may not be used: from where the newest one that is not withdrawn says
// something else. A withdrawn file may not be used at all. It is a
// ledger.RulesJudge that objects to nothing.
func RulesEnds(all []rulefiles.RegisteredRules) ([]rulefiles.RulesEnd, error) {
	newest, some := rulefiles.NewestRules(all)
	ends := make([]rulefiles.RulesEnd, 0, len(all))
	for _, r := range all {
		end := rulefiles.RulesEnd{Version: r.Version}
		switch {
		case r.Withdrawn != nil:
			end.Ended = true
		case some && r.Version != newest.Version:
			end.At, end.Ended = Divergence([]byte(r.Text), []byte(newest.Text))
		}
		ends = append(ends, end)
	}
	return ends, nil
}

// JudgeRegistration is a ledger.RulesJudge for the file of version, whose text
// is among the registered ones or the last: it refuses one that was withdrawn,
// or in which rules that were in use have been edited. The error is an *Error.
func JudgeRegistration(version string, now func() time.Time) rulefiles.RulesJudge {
	return func(all []rulefiles.RegisteredRules) ([]rulefiles.RulesEnd, error) {
		mine, _ := rulefiles.FindRules(all, version)
		before := all
		if mine.FirstUsed.IsZero() { // it is about to be registered
			before = all[:len(all)-1]
		}
		if err := checkRegistration(mine, before, now()); err != nil {
			return nil, err
		}
		return RulesEnds(all)
	}
}

// JudgeReinstatement is a ledger.RulesJudge for a withdrawn file that is taken up
// again, the last of all: it refuses one in which rules that are in use by now
// have been edited. The error is an *Error.
func JudgeReinstatement(now func() time.Time) rulefiles.RulesJudge {
	return func(all []rulefiles.RegisteredRules) ([]rulefiles.RulesEnd, error) {
		last := len(all) - 1
		if err := checkRegistration(all[last], all[:last], now()); err != nil {
			return nil, err
		}
		return RulesEnds(all)
	}
}

// CheckRegistration says whether a file may be used in a ledger with these
// registered files, and changes nothing. The error is an *Error.
func CheckRegistration(version string, text []byte, registered []rulefiles.RegisteredRules, now time.Time) error {
	mine, there := rulefiles.FindRules(registered, version)
	if !there {
		mine = rulefiles.RegisteredRules{Version: version, Text: string(text)}
	}
	return checkRegistration(mine, registered, now)
}

func checkRegistration(mine rulefiles.RegisteredRules, registered []rulefiles.RegisteredRules, now time.Time) error {
	if w := mine.Withdrawn; w != nil {
		var p problems
		p.addf("rules", "the file %s was withdrawn by %s at %s: %s. Use the one before it (worker rules); if this one is right after all: worker rules reinstate %s --reason …",
			mine.Version, w.Actor, w.At.UTC().Format(time.RFC3339), w.Reason, mine.Version)
		return p.err()
	}
	newest, some := rulefiles.NewestRules(registered)
	if !some || newest.Version == mine.Version {
		return nil
	}
	err := CheckUsedRules([]byte(newest.Text), []byte(mine.Text), now)
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w.\nThe rules in use are of the file %s, registered %s. If that file was wrong and nothing was recorded by it, take it back: worker rules withdraw %s --reason …",
		err, newest.Version, newest.FirstUsed.UTC().Format(time.RFC3339), newest.Version)
}
