package wording

import (
	"slices"
	"strings"
	"testing"

	"pointsledger/dispatch"
	"pointsledger/ledger"
)

// Every cause and every reason of a gate has words and advice of its own.
func TestEveryCauseHasWords(t *testing.T) {
	t.Parallel()
	parked := []string{dispatch.CauseRefused, dispatch.CauseMemberUnresolved, ledger.CauseAttemptsExhausted, ledger.CauseKeyMemoryOver,
		dispatch.CauseCandidates, dispatch.CausePointsDiffer, dispatch.CauseUnsendable, dispatch.CauseUnauthorised, ledger.CauseRebuilt,
		ledger.CauseDatabaseChanged, ledger.CauseNoControl}
	waiting := []string{ledger.CauseNoControl, dispatch.CauseThrottled, dispatch.CauseSuspicious, dispatch.CauseNotSent, dispatch.CauseRetryable, dispatch.CauseUnknown,
		dispatch.CauseReturned, ledger.CauseLeaseExpired, ledger.CauseReplayed, dispatch.CauseUnauthorised, ledger.CauseRebuilt, ledger.CauseDatabaseChanged}
	for _, cause := range slices.Concat(parked, waiting) {
		if words := Cause(cause, "pending"); words == cause || !strings.Contains(words, " ") {
			t.Errorf("%s has no words", cause)
		}
	}
	for _, cause := range parked {
		for _, verify := range []bool{true, false} {
			if Advice(cause, verify) == Advice("of a newer worker", verify) {
				t.Errorf("%s (verify %v) has no advice", cause, verify)
			}
		}
	}
	if Cause("newer", "parked") != "newer" {
		t.Error("an unknown cause is not left as it is")
	}
	for _, reason := range []dispatch.GateReason{dispatch.GateUnauthorised, dispatch.GateThrottled, dispatch.GateSuspicious, dispatch.GateFailing, dispatch.GatePaused} {
		if Gate(string(reason)) == string(reason) || GateAdvice(string(reason)) == GateAdvice("newer") {
			t.Errorf("gate reason %s has no words", reason)
		}
	}
	if string(dispatch.GatePaused) != ledger.GatePaused {
		t.Error("the workers and the ledger call a paused gate by two names")
	}
	// Only where nothing is looked up does a forgotten key bar a replay.
	if WorthReplay(ledger.CauseKeyMemoryOver, false) || !WorthReplay(ledger.CauseKeyMemoryOver, true) || !WorthReplay(dispatch.CauseRefused, false) {
		t.Error("worthReplay")
	}
}
