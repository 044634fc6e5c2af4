package doctor

import (
	"fmt"
	"time"

	"pointsledger/ledger/gates"
)

// GateFound and GateAdvice are doctor's line on a closed gate.
func GateFound(gate gates.Gate) string {
	closed := gate.ClosedFor.Round(time.Second)
	switch gate.Reason {
	case gates.GatePaused:
		return fmt.Sprintf("closed for %s by a person: %s", closed, gate.Words)
	case gates.GateFailing:
		return fmt.Sprintf("closed for %s: %s; the last call: %s", closed, gate.Reason, gate.Words)
	}
	return fmt.Sprintf("closed for %s: %s; the vendor says: %s", closed, gate.Reason, gate.Words)
}

func GateAdvice(gate gates.Gate, account string) string {
	if gate.Reason == gates.GatePaused {
		return "ask whoever paused it; `replay resume " + account + "` opens it, nothing else does"
	}
	return "`replay status` shows it; it opens by itself once a call succeeds"
}
