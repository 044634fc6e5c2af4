package rulebook

import (
	"fmt"
	"strings"
	"time"

	"pointsledger/internal/config"
	"pointsledger/ledger/rulefiles"
)

// Standing is how a file stands among those that are registered.
type Standing struct {
	// Ended: it may not be used for events from a time on (zero: at all).
	Ended   bool
	From    time.Time
	Why     string
	Warning string
}

// Stand compares a registered file with the newest.
func Stand(version string, all []rulefiles.RegisteredRules) Standing {
	mine, _ := rulefiles.FindRules(all, version)
	if w := mine.Withdrawn; w != nil {
		return Standing{Ended: true, Why: fmt.Sprintf("the rule file %s of this worker was withdrawn by %s at %s (%s): nothing is fetched, what is recorded is still sent. Give it the file that is in force, see worker rules",
			version, w.Actor, w.At.UTC().Format(time.RFC3339), w.Reason)}
	}
	newest, _ := rulefiles.NewestRules(all)
	if newest.Version == version {
		return Standing{}
	}
	s := Standing{}
	if s.From, s.Ended = config.Divergence([]byte(mine.Text), []byte(newest.Text)); s.Ended {
		since := "events of any time"
		if !s.From.IsZero() {
			since = "events from " + s.From.UTC().Format(time.RFC3339) + " on"
		}
		other := fmt.Sprintf("the file %s, registered %s%s, has other rules for %s, which the file %s of this worker lacks",
			newest.Version, newest.FirstUsed.UTC().Format(time.RFC3339), registeredBy(newest), since, version)
		mend := fmt.Sprintf("Give this worker that file. If that file was wrong and nothing was recorded by it: worker rules withdraw %s --reason …", newest.Version)
		s.Why = fmt.Sprintf("rules: %s: nothing is fetched, what is recorded is still sent. %s", other, mend)
		if time.Now().Before(s.From) {
			s.Warning = fmt.Sprintf("rules: %s: from then on it fetches nothing. %s", other, mend)
		}
		return s
	}
	if parts := config.OtherDifferences([]byte(mine.Text), []byte(newest.Text)); len(parts) > 0 {
		s.Warning = fmt.Sprintf("rules: the file %s of this worker and the newest registered, %s, differ in %s: workers with different files accept different events. Give all of them the same file",
			version, newest.Version, strings.Join(parts, ", "))
	}
	return s
}

func registeredBy(r rulefiles.RegisteredRules) string {
	if r.By == "" {
		return ""
	}
	return " by " + r.By
}
