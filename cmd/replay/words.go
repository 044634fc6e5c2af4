package main

import (
	"fmt"
	"strings"
	"time"

	"pointsledger/dispatch"
	"pointsledger/ledger"
)

// causeWords says what a cause means. An unknown one, of a newer worker, is
// left as it is.
func causeWords(cause string) string {
	switch cause {
	case dispatch.CauseRefused:
		return "the vendor said no"
	case dispatch.CauseMemberUnresolved:
		return "nobody was found behind the scanned member code, or the code was too old"
	case ledger.CauseAttemptsExhausted:
		return "every attempt of the schedule was used"
	case ledger.CauseKeyMemoryOver:
		return "in doubt for longer than the vendor surely remembers the dedup key"
	case dispatch.CauseUnauthorised:
		return "the vendor did not accept our credentials"
	case dispatch.CauseThrottled:
		return "the vendor asked for fewer calls"
	case dispatch.CauseSuspicious:
		return "the vendor refused many members alike, so the worker took it for our own mistake"
	case dispatch.CauseNotSent:
		return "the vendor could not be reached"
	case dispatch.CauseRetryable:
		return "the vendor asked to try again later"
	case dispatch.CauseUnknown:
		return "the answer was unclear"
	case ledger.CauseLeaseExpired:
		return "its worker was gone before it could say how the call ended"
	case dispatch.CauseReturned:
		return "its worker gave it back unsent"
	case ledger.CauseReplayed:
		return "a person put it back"
	}
	return cause
}

// causeAdvice says what is worth doing before parked operations of this cause
// are put back.
func causeAdvice(cause string) string {
	switch cause {
	case dispatch.CauseRefused:
		return "See what the vendor says; mend it there (an unknown or frozen member, say), then put it back"
	case dispatch.CauseMemberUnresolved:
		return "A scanned code is good for " + hours(dispatch.DefaultCodeMaxAge) + " from the event; an older one parks again. " +
			"The shop can publish the sale anew under a key of its own, with the customerId"
	case ledger.CauseAttemptsExhausted:
		return "Make sure that the vendor is well again, then put it back"
	case ledger.CauseKeyMemoryOver:
		return "Ask the vendor whether the dedup key was applied. It is not sent again: the vendor might apply it twice"
	}
	return "Find out why, then put it back"
}

// blockedWords says why a row in doubt may not go. memory is the key memory as
// the guard sees it, 0 when the account is not configured.
func blockedWords(blocked, account string, memory time.Duration) string {
	switch blocked {
	case ledger.BlockedKeyMemory:
		return fmt.Sprintf("in doubt, and first sent longer ago than account %s surely remembers a dedup key (%s, the time of a send taken off)",
			account, memory.Round(time.Second))
	case ledger.BlockedUnknownAccount:
		return fmt.Sprintf("in doubt, and the configuration read here has no account %s, so it is not known how long the vendor remembers a key: set WORKER_CONFIG to the worker's file", account)
	}
	return ""
}

// evidenceWords says how we know that the vendor applied an operation.
func evidenceWords(evidence string) string {
	switch evidence {
	case string(ledger.Answered):
		return "the vendor's answer said so"
	case string(ledger.AlreadyApplied):
		return "the vendor said that it had applied this key before"
	case "verified":
		return "seen in the vendor's records"
	case "manual":
		return "a person decided"
	}
	return evidence
}

// vendorSaid joins a vendor's code and words.
func vendorSaid(code, words string) string {
	return strings.TrimSpace(code + " " + words)
}

func hours(d time.Duration) string { return fmt.Sprintf("%g h", d.Hours()) }

// runBizID is the command that previews putting one operation back.
func runBizID(id ledger.BizID) string { return shell("replay", "run", "--biz-id", string(id)) }
