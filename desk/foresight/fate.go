package foresight

import (
	"fmt"
	"slices"

	"pointsledger/desk/wording"
	"pointsledger/ledger"
)

// Fate is what becomes of an operation that takes from another.
type Fate string

// Fates, as TestForesight tries them.
const (
	// FateNothing: there are no points to take.
	FateNothing Fate = "nothing_to_send"
	// FateNetted: the origin was not sent, and is lessened. No call is made.
	FateNetted = Fate(ledger.Netted)
	// FateSent: a call is made of it.
	FateSent Fate = "sent"
	// FateWorkItem: the account has no call for it; a person does it.
	FateWorkItem Fate = "work_item"
	// FateNoCall: the account has no call for it, and needs none.
	FateNoCall = Fate(ledger.NoCallNeeded)
	// FateGivenUp: its origin was given up.
	FateGivenUp = Fate(ledger.NothingToTakeBack)
)

// Fate says what becomes of it at an account that takes these calls; unless
// Ended, once its origin has ended, and as if that is applied then.
func (t *Take) Fate(calls []ledger.Kind) Fate {
	offered := slices.Contains(calls, t.Operation.Kind)
	switch {
	case t.Operation.Points == 0:
		return FateNothing
	case t.Netted:
		return FateNetted
	case t.ByHand:
		return FateWorkItem
	case t.Ended && !t.given:
		return FateGivenUp
	case offered:
		return FateSent
	case t.Operation.Kind == ledger.ConsumeFrozen:
		return FateNoCall
	}
	return FateWorkItem
}

// Waits tells that its origin has to end first.
func (t *Take) Waits() bool {
	return !t.Ended && t.Operation.Points > 0 && !t.Netted && !t.ByHand
}

// Words say what becomes of it at an account that takes these calls.
func (t *Take) Words(calls []ledger.Kind) string {
	kind, account := t.Operation.Kind, t.Operation.Account
	first := ""
	if t.Waits() {
		first = "it waits until that has ended; once it is posted, "
	}
	switch t.Fate(calls) {
	case FateNothing:
		return "nothing to send: 0 points"
	case FateNetted:
		if t.KeptAfter == 0 {
			return "no call: that was not sent yet, and nothing is left of it, so it ends (reversed)"
		}
		return fmt.Sprintf("no call: that was not sent yet, and will send %s (netted)", wording.Plural(t.KeptAfter, "point"))
	case FateSent:
		return first + fmt.Sprintf("%s is sent", kind)
	case FateNoCall:
		return first + fmt.Sprintf("no call: %s has no %s, and needs none (no_call_needed)", account, kind)
	case FateGivenUp:
		return "no call: that was given up, so there is nothing to take back (nothing_to_take_back)"
	}
	if t.ByHand {
		return "a work item for a person (no_vendor_call): what was frozen has ended otherwise"
	}
	return first + fmt.Sprintf("a work item for a person (no_vendor_call): %s has no %s", account, kind)
}
