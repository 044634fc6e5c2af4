package rejects

import (
	"cmp"
	"strings"

	"pointsledger/desk"
	"pointsledger/desk/wording"
)

// RulesWords says which rules these are.
func RulesWords(r *desk.RejectRules) string {
	text := "version " + r.Version + ", " + wording.RulesFrom(&r.ChosenRules)
	if r.FileName != "" && r.RegisteredVersion != "" && r.RegisteredVersion != r.Version {
		text += "; the workers registered " + r.RegisteredVersion + " last"
	}
	return text
}

// AccountWords says which accounts events may go to by them.
func AccountWords(r *desk.RejectRules) string {
	list := func(names []string) string { return cmp.Or(strings.Join(names, ", "), "none") }
	return "on: " + list(r.On) + "; off, here and as far as the ledger shows: " + list(r.Off)
}
