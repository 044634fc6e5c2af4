package records

import (
	"fmt"
	"maps"
	"slices"

	"pointsledger/desk/wording"
)

// Facts are what a probe found, as lines of a preview.
func (r *ProbeReport) Facts(names wording.Names) (f wording.Facts) {
	from := r.InDoubt + r.Others
	if from == 0 {
		f.Add("probe", "nothing of this can be looked up: no account that verifies is on here, or no member is known")
		return f
	}
	f.Add("probe", fmt.Sprintf("%s of %s (%s in doubt) looked up in the records of %s:", wording.Count(r.Looked()),
		wording.Plural(from, "operation"), wording.Count(r.InDoubt), wording.Plural(r.Members, "member")))
	line := func(t Tally, words string) {
		if t.Count > 0 {
			f.Add("", fmt.Sprintf("%s (%s) %s", wording.Count(t.Count), wording.Plural(t.Points, "point"), words))
		}
	}
	line(r.Applied, "already applied: in the records, with our reference. What is in doubt is posted, not sent again")
	line(r.NotDoubted, "of these NOT in doubt: put back, they are sent again! "+names.Member+" and "+names.Settle+" first")
	line(r.Frozen, "of FROZEN members: the vendor refuses them again unless it unfreezes the accounts first")
	line(r.Absent, "not applied: not in the records, which would show it")
	line(r.Unclear, "cannot be told from the records")
	for _, lack := range slices.Sorted(maps.Keys(r.Lacks)) {
		f.Add("", fmt.Sprintf("%s of these: %s", wording.Count(r.Lacks[lack]), lack.Words()))
	}
	line(r.Unread, "could not be read: "+r.Why)
	if r.NotProbed > 0 {
		f.Add("", wording.Plural(r.NotProbed, "operation")+" of the plan cannot be looked up: no records to read at their account, or no member known")
	}
	return f
}
