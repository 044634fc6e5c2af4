package rejects

import (
	"context"
	"fmt"
	"strings"

	"pointsledger/desk"
	"pointsledger/desk/privacy"
	"pointsledger/desk/wording"
	"pointsledger/ledger"
)

// Shown is a reject as show prints it.
type Shown struct {
	Line
	Headers []string `json:"headers"`
	// Payload is masked, and cut when it is long. PayloadBytes is its length.
	Payload      string `json:"payload"`
	PayloadBytes int    `json:"payload_bytes"`
	Mend         string `json:"publisher_must_mend"`
	// Now is what the workers' rules make of it at present; null when it is
	// resolved, or there are no rules to ask.
	Now *Now `json:"by_the_rules_now"`
	// Next says what a person can do, as a terminal words it: whoever has one fills
	// it in.
	Next []string `json:"next"`
}

// Now is what rules make of a reject.
type Now struct {
	RulesVersion string `json:"rules_version"`
	// Outcome is accepted, duplicate, ignored or failing.
	Outcome    string              `json:"outcome"`
	Operations []desk.RetryAccount `json:"operations"`
	// Referring: it is about an earlier event, and the ledger works out its operations
	// as it records it.
	Referring bool              `json:"refers_to_earlier_event"`
	Code      ledger.RejectCode `json:"code"`
	Reason    string            `json:"reason"`
}

// Show reads a reject. found is false when there is none of that number. What to
// do about it is said with these names.
func Show(ctx context.Context, book *ledger.Store, id ledger.RejectID, names wording.Names) (_ *Shown, found bool, err error) {
	var r ledger.Reject
	err = book.EachReject(ctx, []ledger.RejectID{id}, func(batch []ledger.Reject) error {
		for _, one := range batch {
			r, found = one, true
		}
		return nil
	})
	if err != nil || !found {
		return nil, false, err
	}
	return &Shown{Line: newLine(r), Headers: headers(r.Message.Header), Payload: payload(r.Message.Payload, names),
		PayloadBytes: len(r.Message.Payload), Mend: wording.Mend(r.Code, names), Next: []string{}}, true, nil
}

// ByRules asks what rules make of a reject now.
func ByRules(ctx context.Context, d *desk.Desk, id ledger.RejectID, by *desk.RejectRules) (*Now, error) {
	f, err := d.ForecastRejects(ctx, []ledger.RejectID{id}, by, nil)
	if err != nil {
		return nil, err
	}
	return newNow(by.Version, f.With), nil
}

func newNow(version string, t desk.RetryTally) *Now {
	now := &Now{RulesVersion: version, Operations: []desk.RetryAccount{}}
	switch {
	case t.Accepted > 0:
		now.Outcome, now.Operations, now.Referring = "accepted", t.Accounts, t.Referring > 0
	case t.Duplicates > 0:
		now.Outcome = "duplicate"
	case t.Ignored > 0:
		now.Outcome = "ignored"
	default:
		now.Outcome = "failing"
		for _, code := range t.Codes {
			now.Code, now.Reason = code.Code, privacy.Mobiles(code.Reason)
		}
	}
	return now
}

// Words say what the rules make of it.
func (n *Now) Words() string {
	rules := " (rules " + n.RulesVersion + ")"
	switch n.Outcome {
	case "accepted":
		if n.Referring {
			return "would be accepted: it is about an earlier event, and the ledger works out what that comes to as it records it" + rules
		}
		var parts []string
		for _, a := range n.Operations {
			parts = append(parts, fmt.Sprintf("%s at %s, %s", a.Kind, a.Account, wording.Plural(a.Points, "point")))
		}
		return "would be accepted: " + strings.Join(parts, "; ") + rules
	case "duplicate":
		return "is in the ledger already, with the same content: a retry resolves it as a duplicate" + rules
	case "ignored":
		return "is of a type that needs no record: a retry resolves it" + rules
	}
	return fmt.Sprintf("still fails: %s: %s%s", n.Code, n.Reason, rules)
}
