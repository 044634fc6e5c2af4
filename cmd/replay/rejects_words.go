package main

import (
	"fmt"

	"pointsledger/desk/wording"
	"pointsledger/ledger"
)

// nextForReject says what a person can do about an open reject. accepted: the rules
// would accept it at present.
func nextForReject(id ledger.RejectID, code ledger.RejectCode, accepted bool) []string {
	retry := shell("replay", "rejects", "retry", idText(id))
	dismiss := shell("replay", "rejects", "dismiss", idText(id), "--reason", reasonToFill, "--yes")
	export := shell("replay", "rejects", "export", idText(id), "--output", fmt.Sprintf("reject-%d.jsonl", id))
	switch {
	case code == ledger.Conflict:
		return []string{"Find out which of the two is right. If this one changes nothing, dismiss it:\n" + dismiss}
	case accepted:
		return []string{"The rules accept it now. See what a retry would do:\n" + retry}
	}
	var steps []string
	if code == ledger.VendorNotConfigured {
		steps = append(steps, "Give the workers the account's url and credentials. Then see what a retry would do:\n"+retry)
	} else if wording.RulesMayHelp(code) {
		steps = append(steps, "If the rules are wrong: mend them in a further rule set whose from is not after the broker's time above, "+
			"give the workers the file, and see what a retry would do:\n"+retry)
	}
	if code != ledger.NoVendorCall && code != ledger.VendorNotConfigured {
		steps = append(steps, "If the publisher is wrong: have it published again, corrected. What counts is its key, so nothing counts "+
			"twice. The bytes, to correct them by hand:\n"+export)
	}
	return append(steps, "If nothing is owed, or it was published again, dismiss it:\n"+dismiss)
}
