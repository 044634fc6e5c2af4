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
func causeWords(cause, state string) string {
	switch cause {
	case dispatch.CauseRefused:
		return "the vendor said no"
	case dispatch.CauseMemberUnresolved:
		return "nobody was found behind the scanned member code, or the code was too old"
	case ledger.CauseAttemptsExhausted:
		return "every attempt of the schedule was used"
	case ledger.CauseKeyMemoryOver:
		return "in doubt for longer than the vendor surely remembers the dedup key"
	case ledger.CauseSettlingRefused:
		return "the ledger's database refused to write what the vendor answered"
	case dispatch.CauseCandidates:
		return "in doubt, and the member's records show the same points without our reference: they may be this operation"
	case dispatch.CausePointsDiffer:
		return "in doubt, and the member's records show our reference with other points"
	case ledger.CauseNoControl:
		if state == string(ledger.Parked) {
			return "in doubt, and the vendor's records never proved that it was not applied, nor are its keys known to be honoured"
		}
		return "in doubt, not in the records; waits until later postings prove what the records lack"
	case dispatch.CauseUnsendable:
		return "the call itself cannot be made of it, so nothing was sent"
	case dispatch.CauseUnauthorised:
		if state == string(ledger.Parked) {
			return "the vendor turned it away for its credentials time after time, and accepted others in between"
		}
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
		return "the answer was unclear, or the vendor's records could not be read"
	case ledger.CauseLeaseExpired:
		return "its worker was gone before it could say how the call ended"
	case dispatch.CauseReturned:
		return "its worker gave it back unsent, because it stopped or the gate closed"
	case ledger.CauseReplayed:
		return "a person put it back"
	case ledger.CauseRebuilt:
		return "read from the stream again, because the database that first recorded it is gone; it may have been sent"
	case ledger.CauseDatabaseChanged:
		return "the database lost its newest commits, and its sending may be among them"
	case "":
		return "not tried yet"
	}
	return cause
}

// waitWords says what becomes of operations that wait for this cause.
func waitWords(cause string) string {
	switch cause {
	case dispatch.CauseUnauthorised, dispatch.CauseSuspicious:
		return "goes by itself when it is due and our keys are right; no attempt is used until then"
	case ledger.CauseNoControl:
		return "looked up again by itself as soon as samples tell more, and by the schedule; parked when that is used up"
	case dispatch.CauseThrottled:
		return "goes by itself after the pause; uses no attempt until then"
	case dispatch.CauseNotSent, dispatch.CauseRetryable, dispatch.CauseUnknown, dispatch.CauseMemberUnresolved:
		return "tried again by itself, and parked when the schedule is used up"
	}
	return "goes by itself"
}

// voidBeforeAnew is the one safe order: what is still parked when its sale is
// published anew may be put back by a later replay, and is then paid twice.
const voidBeforeAnew = "give it up (`replay void`) BEFORE the shop publishes the sale anew, put right, under a key of its own; else a later replay pays it twice"

// causeAdvice says what is worth doing before parked operations of this cause
// are put back. verify: the account looks what is in doubt up in the member's
// records before it sends it again.
func causeAdvice(cause string, verify bool) string {
	switch cause {
	case dispatch.CauseRefused:
		return "See what the vendor says; mend it there (an unknown or frozen member, say), then put it back"
	case dispatch.CauseMemberUnresolved:
		return "Find the member and name it (`replay resolve`), then put it back; unnamed, it parks again once its code is older than " +
			hours(dispatch.DefaultCodeMaxAge) + ". Only if nobody can: " + voidBeforeAnew
	case ledger.CauseAttemptsExhausted:
		return "Make sure that the vendor is well again, then put it back"
	case ledger.CauseKeyMemoryOver:
		if verify {
			return "Ask the vendor whether it applied the dedup key. A replay looks it up in the member's records again, and sends it only if they prove that it was not applied"
		}
		return "Ask the vendor whether it applied the dedup key. It is not sent again: the vendor might apply it twice"
	case ledger.CauseSettlingRefused:
		return "`replay show` has the database's words and what the vendor answered. If that was a confirmation, settle it by hand; " +
			"put back, it meets the same refusal unless the database was mended"
	case dispatch.CauseCandidates:
		advice := "`replay show` names those records: ask the vendor what they stand for. "
		if verify {
			return advice + "A replay looks again, and parks it again while they are the same"
		}
		return advice + "Do not put it back before you know: this account sends again without looking"
	case dispatch.CausePointsDiffer:
		advice := "Ask the vendor how this came to be. "
		if verify {
			return advice + "A replay looks again, and parks it again while the record is the same"
		}
		return advice + "Do not put it back before you know: this account sends again without looking"
	case ledger.CauseNoControl:
		if verify {
			return "`replay show` says what the records lacked; ask the vendor whether it applied the dedup key. Put back, it is looked up again, and sent only if the records prove that it was not applied"
		}
		return "Ask the vendor whether it applied the dedup key, or whether it honours repeated keys: then set keys: honoured. Put back before that, it parks again"
	case dispatch.CauseUnsendable:
		return "`replay show` says what is wrong. Put back, it parks again unless that is mended in the configuration. " +
			"Only if it cannot be: " + voidBeforeAnew
	case dispatch.CauseUnauthorised:
		return "As others are accepted, our keys are right: ask the vendor what is wrong with this member or text, then put it back"
	case ledger.CauseRebuilt, ledger.CauseDatabaseChanged:
		if verify {
			return "Put back, it is looked up in the member's records before it is sent"
		}
		return "Ask the vendor whether it applied the dedup key. Put back, it goes with the same key, while the vendor remembers that"
	}
	return "Find out why, then put it back"
}

// worthReplay tells whether putting operations of this cause back can help.
func worthReplay(cause string, verify bool) bool {
	return cause != ledger.CauseKeyMemoryOver || verify
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
	case ledger.BlockedMemberUnknown:
		return "in doubt, and only its scanned code is known: the database that may have known its member, and sent it, is gone"
	}
	return ""
}

// doubtWords says how operations in doubt are kept from being applied twice
// when they are put back.
func doubtWords(n int64, verify bool) string {
	them, they := "them", "They go"
	if n == 1 {
		them, they = "it", "It goes"
	}
	if verify {
		return fmt.Sprintf("the vendor may have applied %s. The worker looks %s up in the member's records first, and sends only what is not there, with the same dedup key.", them, them)
	}
	return fmt.Sprintf("the vendor may have applied %s. %s with the same dedup key, which the vendor should recognise.", them, they)
}

// evidenceWords says how we know that the vendor applied an operation.
func evidenceWords(evidence string) string {
	switch evidence {
	case string(ledger.Answered):
		return "the vendor's answer said so"
	case string(ledger.AlreadyApplied):
		return "the vendor said that it had applied this key before"
	case string(ledger.Verified):
		return "seen in the vendor's records"
	case string(ledger.Manual):
		return "a person decided"
	}
	return evidence
}

// actionWords says what a person did, as ops_actions calls it, so that "by" and
// a name can follow. The unknown name of another program is left as it is.
func actionWords(action string) string {
	name, ended := strings.CutSuffix(action, "_end")
	words := map[string]string{
		ledger.ActReplay: "put back", ledger.ActVoid: "given up (void)", ledger.ActSettle: "settled by hand",
		ledger.ActResolve: "member named (resolve)", ledger.ActPause: "account paused", ledger.ActResume: "account resumed",
		ledger.ActCancel: "plan cancelled", ledger.ActRejectsDismiss: "rejects dismissed", ledger.ActRejectsRetry: "rejects mapped again",
		ledger.ActStream: "read from the stream again", ledger.ActRecover: "ledger mended from the stream", "doctor": "database accepted (doctor)",
	}[name]
	if words == "" {
		words = strings.ReplaceAll(name, "_", " ")
	}
	if ended {
		return "end: " + words
	}
	return words
}

// callWords names a call whose words are shown beside those about the points;
// empty for the points call itself.
func callWords(call ledger.Call) string {
	switch call {
	case ledger.CallRecords:
		return "reading the member's records"
	case ledger.CallIdentity:
		return "asking who the member is"
	}
	return ""
}

// vendorSaid is what a vendor answered to the call for the points, or, named as
// such, to the one that asked who the member is. Where it gave no words, ours
// stand in brackets.
func vendorSaid(call ledger.Call, code, words, ours string) string {
	said := strings.TrimSpace(code + " " + words)
	if said == "" && ours != "" {
		said = "(" + ours + ")"
	}
	if call == ledger.CallIdentity && said != "" {
		said = "identity: " + said // a column is narrow
	}
	return said
}

func hours(d time.Duration) string { return fmt.Sprintf("%g h", d.Hours()) }

// runBizID is the command that previews putting one operation back.
func runBizID(id ledger.BizID) string { return shell("replay", "run", "--biz-id", string(id)) }

// settleCommand is the command that previews settling one operation.
func settleCommand(id ledger.BizID) string {
	return shell("replay", "settle", string(id), "--evidence", reasonToFill)
}

// resolveCommand is the command that previews naming one operation's member.
func resolveCommand(d *ledger.OperationDetail) string {
	args := []string{"replay", "resolve", string(d.BizID), "--customer-id", reasonToFill}
	if d.Open.InDoubt {
		args = append(args, "--accept-in-doubt")
	}
	return shell(args...)
}

// voidCommand is the command that previews giving one operation up. It names the
// operation by its dedup key: an order can have several.
func voidCommand(d *ledger.OperationDetail) string {
	args := []string{"replay", "void", "--biz-id", string(d.BizID)}
	if d.Open.InDoubt {
		args = append(args, "--accept-in-doubt")
	}
	return shell(args...)
}
