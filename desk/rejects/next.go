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
	case s.Code == ledger.OriginUnknown && (s.Now == nil || s.Now.Outcome == "failing"):
		return []Advice{{"It waits for the event that it is about, and is recorded by itself when that comes, also after it was dismissed. If the publisher named " +
			"the wrong one, have it published again under a number of its own, and dismiss this one:", StepDismiss}}
	case s.Code == ledger.OverRefunded:
		return []Advice{{"Find out which of the refunds is right; the others stand. If nothing more is to be taken back, dismiss it:", StepDismiss}}
	case s.Code == ledger.Conflict:
		return []Advice{{"Find out which of the two is right. If this one changes nothing, dismiss it:", StepDismiss}}
	case s.Now != nil && s.Now.Outcome != "failing":
		return []Advice{{"The rules accept it now. See what a retry would do:", StepRetry}}
	}
	var all []Advice
	switch {
	case s.Code == ledger.VendorNotConfigured:
		all = append(all, Advice{"Give the workers the account's url and credentials. Then see what a retry would do:", StepRetry})
	case s.Code == ledger.NoVendorCall:
		all = append(all, Advice{"If points are to be taken back: give the workers a file with a further rule set, from any time on, in which " +
			"this type has a rule with reverses (or consumes). Then see what a retry would do:", StepRetry})
	case wording.RulesMayHelp(s.Code):
		all = append(all, Advice{"If the rules are wrong: mend them in a further rule set whose from is not after the broker's time above, " +
			"give the workers the file, and see what a retry would do:", StepRetry})
	}
	if s.Code != ledger.NoVendorCall && s.Code != ledger.VendorNotConfigured {
		all = append(all, Advice{"If the publisher is wrong: have it published again, corrected. What counts is its key, so nothing counts " +
			"twice. The bytes, to correct them by hand:", StepExport})
	}
	return append(all, Advice{"If nothing is owed, or it was published again, dismiss it:", StepDismiss})
}
