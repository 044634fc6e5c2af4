package rejects

import (
	"cmp"
	"fmt"
	"strings"

	"pointsledger/desk"
	"pointsledger/desk/privacy"
	"pointsledger/desk/wording"
	"pointsledger/ledger"
)

// Facts say what a retry did.
func Facts(d *desk.RetryResult, names wording.Names) (facts wording.Facts) {
	for _, a := range d.Accounts {
		facts.Add(a.Account, fmt.Sprintf("%s: %s, %s", a.Kind, wording.Plural(a.Operations, "operation"), wording.Plural(a.Points, "point")))
	}
	if d.NothingToSend > 0 {
		facts.Add("without points", wording.Count(d.NothingToSend)+" of the operations: nothing to send")
	}
	facts.Count("about earlier", d.Referring, ReferringWords)
	facts = append(facts, InDoubt(d.InDoubt, names)...)
	if d.OverBudget > 0 {
		more := ""
		if d.OverBudget > int64(len(d.OverBudgetOrders)) {
			more = " …"
		}
		facts.Add("over budget", fmt.Sprintf("%s of the operations, %s: parked, above what a day may grant (%s%s). They are released by name: %s of cause %s", wording.Count(d.OverBudget),
			wording.Plural(d.OverBudgetPoints, "point"), privacy.Mobiles(strings.Join(d.OverBudgetOrders, ", ")), more, names.PutBack, ledger.CauseOverBudget))
	}
	facts.Count("refunded", d.Refunded, RefundedWords)
	facts.Count("duplicates", d.Duplicates, "in the ledger already, with the same content; resolved")
	facts.Count("ignored", d.Ignored, "of a type that needs no record; resolved")
	facts.Count("skipped", d.Skipped, "decided about already, by an earlier run or somebody else")
	return facts
}

// RefundedWords say what becomes of events that were refunded or cancelled whole
// before they could be recorded.
const RefundedWords = "refunded or cancelled since, so that nothing of them would be kept: left open, dismiss them"

// ReferringWords say what becomes of events that are about earlier ones.
const ReferringWords = "what each takes back, or makes spent, the ledger works out as it records it"

// InDoubt says what becomes of events from before the ledger was rebuilt; nothing of
// none.
func InDoubt(n int64, names wording.Names) (facts wording.Facts) {
	if n > 0 {
		facts.Add("in doubt", wording.Count(n)+" of the operations: parked in doubt: the ledger was rebuilt or mended since, they may have been granted before; "+names.PutBack+" looks them up first")
	}
	return facts
}

// Facts say where it stands and why it was not accepted.
func (s *Shown) Facts() (facts wording.Facts) {
	state := "open"
	if s.ResolvedAt != nil {
		state = "decided " + wording.Moment(*s.ResolvedAt) + " by " + s.ResolvedBy + ": " + s.Resolution
	}
	facts.Add("state", state)
	facts.Add("reason", s.Reason)
	return facts
}

// Came says what came, and from where.
func (s *Shown) Came() (facts wording.Facts) {
	unread := func(text string) string { return cmp.Or(text, "(not readable)") }
	facts.Add("event", fmt.Sprintf("type %s, id %s, from %s", unread(s.Type), unread(s.EventID), unread(s.Source)))
	facts.Add("message", fmt.Sprintf("%s, stream %s, sequence %d", s.Subject, s.Stream, s.StreamSeq))
	facts.Add("time", fmt.Sprintf("%s at the broker; rejected %s", wording.Moment(s.BrokerTime), wording.Moment(s.RejectedAt)))
	label := "headers"
	for _, header := range s.Headers {
		facts.Add(label, header)
		label = ""
	}
	facts.Add("payload", wording.Plural(s.PayloadBytes, "byte"))
	return facts
}
