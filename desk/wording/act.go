package wording

import (
	"strings"

	"pointsledger/desk"
	"pointsledger/ledger"
)

// Act says what a person did, as ops_actions calls it, so that "by" and
// a name can follow. The unknown name of another program is left as it is.
func Act(recorded string) string {
	name, ended := strings.CutSuffix(recorded, "_end")
	words := map[string]string{
		desk.ActReplay: "put back", desk.ActVoid: "given up (void)", desk.ActSettle: "settled by hand", desk.ActSettleWork: "work items settled",
		desk.ActResolve: "member named (resolve)", desk.ActPause: "account paused", desk.ActResume: "account resumed",
		desk.ActCancel: "plan cancelled", desk.ActRejectsDismiss: "rejects dismissed", desk.ActRejectsRetry: "rejects mapped again",
		desk.ActStream: "read from the stream again", ledger.ActRecover: "ledger mended from the stream", "doctor": "database accepted (doctor)",
	}[name]
	if words == "" {
		words = strings.ReplaceAll(name, "_", " ")
	}
	if ended {
		return "end: " + words
	}
	return words
}
