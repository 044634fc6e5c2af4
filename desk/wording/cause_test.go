package wording

import (
	"slices"
	"strings"
	"testing"

	"pointsledger/dispatch"
	"pointsledger/ledger"
	"pointsledger/ledger/gates"
)

// Every cause and every reason of a gate has words and advice of its own.
func TestEveryCauseHasWords(t *testing.T) {
	t.Parallel()
	parked := []ledger.Cause{ledger.CauseRefused, ledger.CauseMemberUnresolved, ledger.CauseAttemptsExhausted, ledger.CauseKeyMemoryOver,
		ledger.CauseCandidates, ledger.CausePointsDiffer, ledger.CauseUnsendable, ledger.CauseUnauthorised, ledger.CauseRebuilt,
		ledger.CauseDatabaseChanged, ledger.CauseNoControl, ledger.CauseSettlingRefused, ledger.CauseOverBudget}
	waiting := []ledger.Cause{ledger.CauseNoControl, ledger.CauseThrottled, ledger.CauseSuspicious, ledger.CauseNotSent, ledger.CauseRetryable, ledger.CauseUnknown,
		ledger.CauseReturned, ledger.CauseLeaseExpired, ledger.CauseReplayed, ledger.CauseUnauthorised, ledger.CauseRebuilt, ledger.CauseDatabaseChanged}
	for _, cause := range slices.Concat(parked, waiting) {
		if words := Cause(cause, "pending"); words == string(cause) || !strings.Contains(words, " ") {
			t.Errorf("%s has no words", cause)
		}
	}
	for _, cause := range parked {
		for _, verify := range []bool{true, false} {
			if Advice(cause, verify, Names{}) == Advice("of a newer worker", verify, Names{}) {
				t.Errorf("%s (verify %v) has no advice", cause, verify)
			}
		}
	}
	if Cause("newer", "parked") != "newer" {
		t.Error("an unknown cause is not left as it is")
	}
	for reason, workers := range map[string]dispatch.GateReason{gates.GateUnauthorised: dispatch.GateUnauthorised, gates.GateThrottled: dispatch.GateThrottled,
		gates.GateSuspicious: dispatch.GateSuspicious, gates.GateFailing: dispatch.GateFailing, gates.GatePaused: dispatch.GatePaused} {
		if Gate(reason) == reason || GateAdvice(reason) == GateAdvice("newer") {
			t.Errorf("gate reason %s has no words", reason)
		}
		if string(workers) != reason {
			t.Errorf("the workers call a gate %s, the ledger %s", workers, reason)
		}
	}
	// Only where nothing is looked up does a forgotten key bar a replay.
	if WorthReplay(ledger.CauseKeyMemoryOver, false) || !WorthReplay(ledger.CauseKeyMemoryOver, true) || !WorthReplay(ledger.CauseRefused, false) {
		t.Error("worthReplay")
	}
}
