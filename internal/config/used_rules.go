package config

import (
	"fmt"
	"reflect"
	"time"

	"pointsledger/consumers"
)

// CheckUsedRules compares the rule part of a file that was in use with the one
// that is about to be used, and answers an *Error when what was in use has been
// edited: a rule set in force before now, or the programme, which is part of
// dedup keys. A re-sent or re-read event must meet the rules it met at first;
// new rules go into a further set with a later from.
func CheckUsedRules(used, next []byte, now time.Time) error {
	var ignored, p problems
	before, after := parseFile("rules used before", used, &ignored), parseFile("rules", next, &p)
	if before.broken || after.broken {
		// What an older program wrote may not be readable by this one; what is
		// about to be used, Load has checked.
		return p.err()
	}
	if before.rules.Programme != after.rules.Programme {
		p.addf("programme", "want %q, which is part of the keys in the ledger, got %q: the same check-in would count again",
			before.rules.Programme, after.rules.Programme)
	}
	sets := map[time.Time]consumers.RuleSetFile{}
	for _, set := range after.rules.Rules {
		sets[set.From.UTC()] = set
	}
	for i, set := range before.rules.Rules {
		if set.From.After(now) {
			continue
		}
		place := fmt.Sprintf("rules[%d] (from %s)", i, set.From.Format(time.RFC3339))
		next, kept := sets[set.From.UTC()]
		if !kept {
			p.addf(place, "this rule set was in use and is gone: put it back, and add new rules as a further set with a later from")
			continue
		}
		set.From, next.From = time.Time{}, time.Time{}
		if !reflect.DeepEqual(set, next) {
			p.addf(place, "this rule set was in use and has been edited: put it back, and add new rules as a further set with a later from")
		}
	}
	return p.err()
}
