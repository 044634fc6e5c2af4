package wording

import (
	"strings"

	"pointsledger/ledger"
)

// Act says what a person did, as ops_actions calls it, so that "by" and
// a name can follow. The unknown name of another program is left as it is.
func Act(action string) string {
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
