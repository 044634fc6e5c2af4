package wording

import (
	"fmt"

	"pointsledger/desk"
	"pointsledger/ledger"
)

// Fate says what becomes of an operation that an event would take from another, at an
// account that takes these calls.
func Fate(t *desk.Take, calls []ledger.Kind) string {
	kind, account := t.Operation.Kind, t.Operation.Account
	first := ""
	if t.Waits() {
		first = "it waits until that has ended; once it is posted, "
	}
	switch t.Fate(calls) {
	case desk.FateNothing:
		return "nothing to send: 0 points"
	case desk.FateNetted:
		if t.KeptAfter == 0 {
			return "no call: that was not sent yet, and nothing is left of it, so it ends (reversed)"
		}
		return fmt.Sprintf("no call: that was not sent yet, and will send %s (netted)", Plural(t.KeptAfter, "point"))
	case desk.FateSent:
		return first + fmt.Sprintf("%s is sent", kind)
	case desk.FateNoCall:
		return first + fmt.Sprintf("no call: %s has no %s, and needs none (no_call_needed)", account, kind)
	case desk.FateGivenUp:
		return "no call: that was given up, so there is nothing to take back (nothing_to_take_back)"
	}
	if t.ByHand {
		return "a work item for a person (no_vendor_call): what was frozen has ended otherwise"
	}
	return first + fmt.Sprintf("a work item for a person (no_vendor_call): %s has no %s", account, kind)
}
