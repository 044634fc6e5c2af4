package main

import (
	"fmt"
	"time"

	"pointsledger/dispatch"
)

// gateProblem says why an account's gate is closed, and whose words that are: a
// pause is a person's, and a breaker's last trouble may be ours.
func gateProblem(st dispatch.Status) string {
	since := st.Gate.Since.UTC().Format(time.RFC3339)
	if st.Gate.Reason == dispatch.GatePaused {
		return fmt.Sprintf("account %s: %s since %s; a person ends it: replay resume %s", st.Account, st.Gate.Words, since, st.Account)
	}
	whose := "the vendor says"
	if st.Gate.Reason == dispatch.GateFailing {
		whose = "the last call"
	}
	return fmt.Sprintf("account %s: gate closed since %s: %s; %s: %s; next probe at %s", st.Account, since, st.Gate.Reason,
		whose, st.Gate.Words, st.Gate.Until.UTC().Format(time.RFC3339))
}

// closeGate fills in a closed gate, times in UTC. What a person paused has no
// vendor's words, and no probe ends it.
func (a *accountReadiness) closeGate(gate dispatch.GateStatus) {
	since, probe := gate.Since.UTC(), gate.Until.UTC()
	a.Gate, a.Reason, a.Since = "closed", string(gate.Reason), &since
	if gate.Reason == dispatch.GatePaused {
		a.Paused = gate.Words
		return
	}
	a.Words, a.ProbeAt = gate.Words, &probe
}
