package wording

import (
	"fmt"
	"time"

	"pointsledger/desk"
	"pointsledger/ledger"
)

// Blocked says why a row in doubt may not go. memory is the key memory as
// the guard sees it, 0 when the account is not configured.
func Blocked(blocked, account string, memory time.Duration, names Names) string {
	switch blocked {
	case desk.BlockedWorkItem:
		return "no call can be made for it, and a person may have done it already: see " + names.WorkItems
	case desk.BlockedRefunded:
		return "refunded or cancelled since, so that nothing of it is kept: give it up (" + names.GiveUp + ")"
	case desk.BlockedKeyMemory:
		return fmt.Sprintf("in doubt, and first sent longer ago than account %s surely remembers a dedup key (%s, the time of a send taken off)",
			account, memory.Round(time.Second))
	case desk.BlockedUnknownAccount:
		return fmt.Sprintf("in doubt, and the configuration read here has no account %s, so it is not known how long the vendor remembers a key: set %s to the worker's file", account, names.Configuration)
	case desk.BlockedMemberUnknown:
		return "in doubt, and only its scanned code is known: the database that may have known its member, and sent it, is gone"
	}
	return ""
}

// Doubt says how operations in doubt are kept from being applied twice
// when they are put back.
func Doubt(n int64, verify bool) string {
	them, they, are := "them", "They go", "are"
	if n == 1 {
		them, they, are = "it", "It goes", "is"
	}
	if verify {
		return fmt.Sprintf("the vendor may have applied %s. The worker looks %s up in the member's records first, and sends only what is not there, with the same dedup key.", them, them)
	}
	return fmt.Sprintf("the vendor may have applied %s. %s with the same dedup key where the account's keys are known to be honoured, and %s parked again where not.", them, they, are)
}

// Evidence says how we know that the vendor applied an operation, or why it ended
// without a call.
func Evidence(evidence ledger.Evidence) string {
	switch evidence {
	case ledger.Answered:
		return "the vendor's answer said so"
	case ledger.AlreadyApplied:
		return "the vendor said that it had applied this key before"
	case ledger.Verified:
		return "seen in the vendor's records"
	case ledger.Manual:
		return "a person decided"
	case ledger.Netted:
		return "taken from what it takes back before that was sent, so that no call was made"
	case ledger.Reversed:
		return "all of it was taken back before it was sent"
	case ledger.NothingToTakeBack:
		return "what it would take back had been given up"
	case ledger.NoCallNeeded:
		return "the vendor needs no call for it"
	}
	return string(evidence)
}
