package carry

import (
	"fmt"
	"strings"

	"pointsledger/desk/wording"
)

// Words say how long an account needs for what would be put back.
func (d *Drain) Words() string {
	operations := d.Account + ", " + wording.Plural(d.Operations, "operation")
	if d.RatePerSecond == 0 {
		return operations + ": as fast as the vendor answers; the account has no rate"
	}
	return fmt.Sprintf("%s: %s at the account's rate of %s a second, if nothing else waits", operations, wording.About(d.Seconds), wording.Count(d.RatePerSecond))
}

// Words say how a canary stands.
func (c *Canary) Words() string {
	parts := []string{fmt.Sprintf("%s of %s posted (wanted: %s)", wording.Count(c.Posted), wording.Count(c.Operations), wording.Count(c.Needed))}
	for _, part := range []struct {
		n    int64
		what string
	}{{c.ParkedAgain, "parked again"}, {c.Failing, "tried without success"}, {c.Sending, "being sent"}, {c.Untried, "not tried"}, {c.Voided, "voided"}} {
		if part.n > 0 {
			parts = append(parts, wording.Count(part.n)+" "+part.what)
		}
	}
	return strings.Join(parts, ", ")
}

// Facts are what became of the operations of a plan that was put back.
func (r *PutBackResult) Facts(names wording.Names) (f wording.Facts) {
	f.Add("plan", r.Plan)
	if r.InDoubt > 0 {
		f.Add("in doubt", wording.Count(r.InDoubt)+" of them; the dedup key stays the same")
	}
	f.Count("stay parked", r.WorkItems, "no call can be made for them: see "+names.WorkItems)
	f.Count("stay parked", r.Refunded, "refunded or cancelled since, so that nothing of them is kept: "+names.GiveUp+" gives them up")
	f.Count("stay parked", r.KeyMemoryOver, "in doubt, and the vendor may have forgotten the dedup key")
	f.Count("stay parked", r.AccountUnknown, "in doubt, and the account is not in the configuration read here. Set "+names.Configuration+" to the worker's file")
	f.Count("stay parked", r.MemberUnknown, "in doubt, and their member is not known: "+names.Show+" says what is left to do")
	f.Count("skipped", r.Skipped, "no longer parked")
	if r.Left > 0 {
		f.Add("left", wording.Count(r.Left)+" of the plan")
	}
	if r.Canary != nil {
		f.Add("canary", r.Canary.Words())
	}
	return f
}
