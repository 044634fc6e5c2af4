package wording

import (
	"pointsledger/ledger"
)

// Cause says what a cause means. An unknown one, of a newer worker, is
// left as it is.
func Cause(cause ledger.Cause, state ledger.State) string {
	switch cause {
	case ledger.CauseRefused:
		return "the vendor said no"
	case ledger.CauseMemberUnresolved:
		return "nobody was found behind the scanned member code, or the code was too old"
	case ledger.CauseAttemptsExhausted:
		return "every attempt of the schedule was used"
	case ledger.CauseKeyMemoryOver:
		return "in doubt for longer than the vendor surely remembers the dedup key"
	case ledger.CauseSettlingRefused:
		return "the ledger's database refused to write what the vendor answered"
	case ledger.CauseCandidates:
		return "in doubt, and the member's records show the same points without our reference: they may be this operation"
	case ledger.CausePointsDiffer:
		return "in doubt, and the member's records show our reference with other points"
	case ledger.CauseNoControl:
		if state == ledger.Parked {
			return "in doubt, and the vendor's records never proved that it was not applied, nor are its keys known to be honoured"
		}
		return "in doubt, not in the records; waits until later postings prove what the records lack"
	case ledger.CauseUnsendable:
		return "the call itself cannot be made of it, so nothing was sent"
	case ledger.CauseUnauthorised:
		if state == ledger.Parked {
			return "the vendor turned it away for its credentials time after time, and accepted others in between"
		}
		return "the vendor did not accept our credentials"
	case ledger.CauseThrottled:
		return "the vendor asked for fewer calls"
	case ledger.CauseSuspicious:
		return "the vendor refused many members alike, so the worker took it for our own mistake"
	case ledger.CauseNotSent:
		return "the vendor could not be reached"
	case ledger.CauseRetryable:
		return "the vendor asked to try again later"
	case ledger.CauseUnknown:
		return "the answer was unclear, or the vendor's records could not be read"
	case ledger.CauseLeaseExpired:
		return "its worker was gone before it could say how the call ended"
	case ledger.CauseReturned:
		return "its worker gave it back unsent, because it stopped or the gate closed"
	case ledger.CauseReplayed:
		return "a person put it back"
	case ledger.CauseNoVendorCall:
		return "the vendor offers no call for it: a person does it in the vendor's back office"
	case ledger.CauseRebuilt:
		return "read from the stream again, because the database that first recorded it is gone; it may have been sent"
	case ledger.CauseDatabaseChanged:
		return "the database lost its newest commits, and its sending may be among them"
	case ledger.CauseOverBudget:
		return "above what a day may grant to its member or from its source, so it was not sent"
	case "":
		return "not tried yet"
	}
	return string(cause)
}

// Waiting says what becomes of operations that wait for this cause.
func Waiting(cause ledger.Cause) string {
	switch cause {
	case ledger.CauseUnauthorised, ledger.CauseSuspicious:
		return "goes by itself when it is due and our keys are right; no attempt is used until then"
	case ledger.CauseNoControl:
		return "looked up again by itself as soon as samples tell more, and by the schedule; parked when that is used up"
	case ledger.CauseThrottled:
		return "goes by itself after the pause; uses no attempt until then"
	case ledger.CauseNotSent, ledger.CauseRetryable, ledger.CauseUnknown, ledger.CauseMemberUnresolved:
		return "tried again by itself, and parked when the schedule is used up"
	}
	return "goes by itself"
}

// voidBeforeAnew is the one safe order: what is still parked when its sale is
// published anew may be put back by a later replay, and is then paid twice.
func voidBeforeAnew(names Names) string {
	return "give it up (" + names.GiveUp + ") BEFORE the shop publishes the sale anew, put right, under a key of its own; else a later replay pays it twice"
}

// Advice says what is worth doing before parked operations of this cause
// are put back. verify: the account looks what is in doubt up in the member's
// records before it sends it again.
func Advice(cause ledger.Cause, verify bool, names Names) string {
	switch cause {
	case ledger.CauseRefused:
		return "See what the vendor says; mend it there (an unknown or frozen member, say), then put it back"
	case ledger.CauseMemberUnresolved:
		return "Find the member and name it (" + names.Resolve + "), then put it back; unnamed, it parks again once its code is older than its account allows (code_max_age, " +
			Hours(ledger.DefaultCodeMaxAge) + " unless set). Only if nobody can: " + voidBeforeAnew(names)
	case ledger.CauseAttemptsExhausted:
		return "Make sure that the vendor is well again, then put it back"
	case ledger.CauseKeyMemoryOver:
		if verify {
			return "Ask the vendor whether it applied the dedup key. A replay looks it up in the member's records again, and sends it only if they prove that it was not applied"
		}
		return "Ask the vendor whether it applied the dedup key. It is not sent again: the vendor might apply it twice"
	case ledger.CauseSettlingRefused:
		return names.Show + " has the database's words and what the vendor answered. If that was a confirmation, settle it by hand; " +
			"put back, it meets the same refusal unless the database was mended"
	case ledger.CauseCandidates:
		advice := names.Show + " names those records: ask the vendor what they stand for. "
		if verify {
			return advice + "A replay looks again, and parks it again while they are the same"
		}
		return advice + "Do not put it back before you know: this account sends again without looking"
	case ledger.CausePointsDiffer:
		advice := "Ask the vendor how this came to be. "
		if verify {
			return advice + "A replay looks again, and parks it again while the record is the same"
		}
		return advice + "Do not put it back before you know: this account sends again without looking"
	case ledger.CauseNoControl:
		if verify {
			return names.Show + " says what the records lacked; ask the vendor whether it applied the dedup key. Put back, it is looked up again, and sent only if the records prove that it was not applied"
		}
		return "Ask the vendor whether it applied the dedup key, or whether it honours repeated keys: then set keys: honoured. Put back before that, it parks again"
	case ledger.CauseUnsendable:
		return names.Show + " says what is wrong. Put back, it parks again unless that is mended in the configuration. " +
			"Only if it cannot be: " + voidBeforeAnew(names)
	case ledger.CauseUnauthorised:
		return "As others are accepted, our keys are right: ask the vendor what is wrong with this member or text, then put it back"
	case ledger.CauseRebuilt, ledger.CauseDatabaseChanged:
		if verify {
			return "Put back, it is looked up in the member's records before it is sent"
		}
		return "Ask the vendor whether it applied the dedup key. Put back, it goes with the same key, while the vendor remembers that"
	case ledger.CauseNoVendorCall:
		return "Do it there, then settle it; if it is not possible, give it up (" + names.GiveUp + "). It is never put back. " +
			"Many at once: " + names.WorkItems + " writes the list for whoever does it, and settles what comes back"
	case ledger.CauseOverBudget:
		return names.Show + " says which budget it was above. If the points are right, put it back: it is sent then, whatever the budget says; if they are not, give it up (" +
			names.GiveUp + ")"
	}
	return "Find out why, then put it back"
}

// WorthReplay tells whether putting operations of this cause back can help.
func WorthReplay(cause ledger.Cause, verify bool) bool {
	return cause != ledger.CauseNoVendorCall && (cause != ledger.CauseKeyMemoryOver || verify)
}
