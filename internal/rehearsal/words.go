package rehearsal

// StateOf reads the words of the ledger's view operation_status: a state, and the
// evidence of how it ended.
func StateOf(state, evidence string) State {
	switch state {
	case "posted", "voided but applied":
		if evidence == "netted" {
			return StateNetted
		}
		return StatePosted
	case "voided":
		return StateVoided
	case "nothing to send":
		return StateNothing
	case "parked", "parked in doubt":
		return StateParked
	case "sending":
		return StateSending
	case "waiting for its origin":
		return StateWaits
	}
	return StatePending
}
