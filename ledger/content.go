package ledger

import (
	"encoding/json"
	"fmt"
	"slices"
)

// contentDifferences compares two canonical contents by the fields that both
// declare, and names what differs: `amountFen 12999 before, 100 now`. A field
// that only one of them declares is a change of the rules, not of the event.
func contentDifferences(before, now string) []string {
	if before == now {
		return nil
	}
	var a, b map[string]json.RawMessage
	if json.Unmarshal([]byte(before), &a) != nil || json.Unmarshal([]byte(now), &b) != nil {
		return []string{"the recorded content cannot be compared"}
	}
	var differences []string
	for name, was := range a {
		if is, declared := b[name]; declared && string(was) != string(is) {
			differences = append(differences, fmt.Sprintf("%s %s before, %s now", name, clip(was), clip(is)))
		}
	}
	slices.Sort(differences)
	return differences
}

// clip shortens a value for a message.
func clip(value json.RawMessage) string {
	const most = 60
	runes := []rune(string(value))
	if len(runes) <= most {
		return string(runes)
	}
	return string(runes[:most]) + "…"
}
