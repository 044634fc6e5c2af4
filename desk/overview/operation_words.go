package overview

import (
	"fmt"
	"slices"
	"time"

	"pointsledger/desk"
	"pointsledger/desk/wording"
	"pointsledger/ledger"
)

// Headline is an operation in a few words.
func Headline(d *desk.OperationDetail) string {
	return fmt.Sprintf("%s %s at %s for %s", wording.Verb(d.Kind), wording.Plural(d.Points, "point"), d.Account, d.BusinessKey)
}

// State says in words how it stands at a time.
func (o *Operation) State(now time.Time) string {
	switch {
	case o.Posting != nil:
		own := 0
		if o.Posting.Kind == ledger.Posted && o.Posting.Evidence != ledger.Manual {
			own = 1 // the attempt that posted is in the posting alone
		}
		return fmt.Sprintf("%s, after %s", o.Posting.Kind, o.attemptWords(o.Posting.Attempts, own))
	case o.Open == nil && o.Points == 0:
		return "nothing to send"
	case o.Open == nil:
		return "lost"
	}
	x := o.Open
	why := ""
	if x.Cause != "" {
		why = fmt.Sprintf(": %s (%s)", wording.Cause(x.Cause, x.State), x.Cause)
	}
	switch x.State {
	case ledger.Sending:
		return "being sent; its lease ends " + wording.Moment(*x.LeaseUntil)
	case ledger.Pending:
		if x.WaitsFor != 0 {
			return fmt.Sprintf("waiting for operation %d to end%s", x.WaitsFor, why)
		}
		due := "due now"
		if x.NextAt.After(now) {
			due = "due " + wording.Moment(x.NextAt)
		}
		if x.HeldUntil != nil && x.HeldUntil.After(now) {
			due = "held until " + wording.Moment(*x.HeldUntil)
		}
		return fmt.Sprintf("waiting, %s, after %s%s", due, o.attemptWords(x.Attempts, 0), why)
	}
	return fmt.Sprintf("parked after %s%s", o.attemptWords(x.Attempts, 0), why)
}

// attemptWords says how many attempts there were. A replay counts anew. more
// are attempts that are not in table attempts.
func (o *Operation) attemptWords(n, more int) string {
	replayed := func(a desk.ActDetail) bool { return a.Name == desk.ActReplay }
	if !slices.ContainsFunc(o.Acts, replayed) {
		return wording.Plural(n, "attempt")
	}
	return fmt.Sprintf("%s since the last replay, %s in all", wording.Plural(n, "attempt"), wording.Count(max(n, o.EarlierAttempts+len(o.Attempts)+more)))
}

// wordsFrom says whose words a posting keeps: the vendor's answer to the points
// call, or what it rests on otherwise.
func wordsFrom(evidence ledger.Evidence) string {
	switch evidence {
	case ledger.Answered, ledger.AlreadyApplied:
		return "vendor said"
	}
	return "rests on"
}
