package main

import (
	"reflect"
	"strings"
	"testing"

	"pointsledger/desk"
	"pointsledger/desk/wording"
	"pointsledger/ledger"
)

// What texts tell a person to do is named in every one, as a command that there
// is: a name that is empty would leave a hole.
func TestTerminalNames(t *testing.T) {
	t.Parallel()
	names := reflect.ValueOf(terminalNames)
	for i := range names.NumField() {
		if names.Field(i).String() == "" {
			t.Errorf("%s has no name", names.Type().Field(i).Name)
		}
	}
	advice := func(cause ledger.Cause) string { return wording.Advice(cause, true, terminalNames) }
	for want, got := range map[string]string{
		"Find the member and name it (`replay resolve`), then put it back; unnamed, it parks again once its code is older than its account allows (code_max_age, 24 h unless set). " +
			"Only if nobody can: give it up (`replay void`) BEFORE the shop publishes the sale anew, put right, under a key of its own; " +
			"else a later replay pays it twice": advice(ledger.CauseMemberUnresolved),
		"`replay show` has the database's words and what the vendor answered. If that was a confirmation, settle it by hand; " +
			"put back, it meets the same refusal unless the database was mended": advice(ledger.CauseSettlingRefused),
		"`replay show` names those records: ask the vendor what they stand for. A replay looks again, and parks it again while they are the same": advice(ledger.CauseCandidates),
		"`replay show` says what the records lacked; ask the vendor whether it applied the dedup key. Put back, it is looked up again, " +
			"and sent only if the records prove that it was not applied": advice(ledger.CauseNoControl),
		"`replay show` says what is wrong. Put back, it parks again unless that is mended in the configuration. " +
			"Only if it cannot be: give it up (`replay void`) BEFORE the shop publishes the sale anew, put right, under a key of its own; " +
			"else a later replay pays it twice": advice(ledger.CauseUnsendable),
		"in doubt, and the configuration read here has no account kylin, so it is not known how long the vendor remembers a key: " +
			"set WORKER_CONFIG to the worker's file": wording.Blocked(desk.BlockedUnknownAccount, "kylin", 0, terminalNames),
		"Publish one JSON object in each message; `worker explain FILE` shows whether it can be read":         wording.Mend(ledger.NotJSON, terminalNames),
		"Send the field that the reason names, in exactly that spelling; `worker schema TYPE` lists them all": wording.Mend(ledger.MissingField, terminalNames),
	} {
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	for _, name := range []string{terminalNames.Show, terminalNames.Resolve, terminalNames.GiveUp, terminalNames.PutBack, terminalNames.Reread, terminalNames.Status, terminalNames.ExportRejects} {
		command := strings.Fields(strings.Trim(name, "`"))
		if found, _, err := newRoot(nil).Find(command[1:]); err != nil || found.Name() != command[len(command)-1] {
			t.Errorf("%s is no command: %v", name, err)
		}
	}
}
