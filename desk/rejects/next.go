package rejects

import (
	"pointsledger/desk/wording"
	"pointsledger/ledger"
)

// Step is something that a person can do about a reject.
type Step string

// The steps. Retry and dismissing are looked at first, and done afterwards; exporting
// writes the bytes out.
const (
	StepRetry   Step = "retry"
	StepExport  Step = "export"
	StepDismiss Step = "dismiss"
)

// Advice is what a person can do about an open reject, in words that end before the
// step.
type Advice struct {
	Words string
	Step  Step
}

// Advice is in the order in which it is worth a look; none for a reject that is
// decided.
func (s *Shown) Advice() []Advice {
	switch {
	case s.ResolvedAt != nil:
		return nil
	case s.Code == ledger.Conflict:
		return []Advice{{"Find out which of the two is right. If this one changes nothing, dismiss it:", StepDismiss}}
	case s.Now != nil && s.Now.Outcome != "failing":
		return []Advice{{"The rules accept it now. See what a retry would do:", StepRetry}}
	}
	var all []Advice
	if s.Code == ledger.VendorNotConfigured {
		all = append(all, Advice{"Give the workers the account's url and credentials. Then see what a retry would do:", StepRetry})
	} else if wording.RulesMayHelp(s.Code) {
		all = append(all, Advice{"If the rules are wrong: mend them in a further rule set whose from is not after the broker's time above, " +
			"give the workers the file, and see what a retry would do:", StepRetry})
	}
	if s.Code != ledger.NoVendorCall && s.Code != ledger.VendorNotConfigured {
		all = append(all, Advice{"If the publisher is wrong: have it published again, corrected. What counts is its key, so nothing counts " +
			"twice. The bytes, to correct them by hand:", StepExport})
	}
	return append(all, Advice{"If nothing is owed, or it was published again, dismiss it:", StepDismiss})
}
