package records

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"pointsledger/desk/wording"
)

// cardsShown bounds the gift cards that a view names.
const cardsShown = 5

// Title is the member as asked for, and its id where that is another.
func (a *MemberAccount) Title(asked string) string {
	switch {
	case a.MemberCode == "":
		return "Member " + asked
	case a.MemberID == "":
		return "Scanned code " + a.MemberCode + ", nobody known behind it"
	}
	return fmt.Sprintf("Member %s, from scanned code %s", a.MemberID, a.MemberCode)
}

// Facts say who the member is at the vendor, and what the ledger and the vendor have
// of it; since is the report's.
func (a *MemberAccount) Facts(since *time.Time) wording.Facts {
	var facts wording.Facts
	a.vendorFacts(&facts)
	a.sums(&facts)
	a.limits(&facts, since)
	return facts
}

func (a *MemberAccount) vendorFacts(facts *wording.Facts) {
	v := &a.Vendor
	if i := v.Identity; i != nil {
		who := cmp.Or(i.Name, "without a name")
		if i.Mobile != "" {
			who += ", mobile " + i.Mobile
		}
		facts.Add("who", who)
		status := "normal"
		switch {
		case i.Frozen:
			status = "FROZEN: the vendor refuses points for it"
		case i.StatusID == nil:
			status = "the vendor does not say"
		case *i.StatusID != 1:
			status = fmt.Sprintf("%d, which the vendor does not explain", *i.StatusID)
		}
		facts.Add("status", status)
		if i.Balance != nil {
			facts.Add("balance", wording.Plural(*i.Balance, "point")+" at the vendor, from all sources")
		}
	}
	if v.Words != "" {
		label := "vendor"
		if v.State == VendorAway || v.State == VendorRefused {
			label = "NOT READ"
		}
		facts.Add(label, v.Words)
	}
	for _, c := range v.Cards[:min(len(v.Cards), cardsShown)] {
		text := fmt.Sprintf("%s %s, %s, balance %s of %s", c.Number, c.Title, c.Status, c.Balance, c.FaceValue)
		if c.EndsAt != "" {
			text += ", until " + c.EndsAt
		}
		facts.Add("gift card", text)
	}
	if more := max(len(v.Cards)-cardsShown, 0) + v.MoreCards; more > 0 {
		facts.Add("", fmt.Sprintf("and %s", wording.Plural(more, "further gift card")))
	}
	if a.Gate != "" {
		facts.Add("gate closed", wording.Gate(a.Gate))
	}
}

func (a *MemberAccount) sums(facts *wording.Facts) {
	var parts []string
	part := func(name string, t Tally) {
		if t.Count > 0 {
			parts = append(parts, fmt.Sprintf("%s %s (%s)", name, wording.Plural(t.Points, "point"), wording.Count(t.Count)))
		}
	}
	s := a.Ledger
	part("posted", s.Posted)
	part("waiting", s.Waiting)
	part("parked", s.Parked)
	part("voided", s.Voided)
	part("of these in doubt", s.InDoubt)
	if s.NothingToSend > 0 {
		parts = append(parts, "nothing to send ("+wording.Count(s.NothingToSend)+")")
	}
	facts.Add("our ledger", cmp.Or(strings.Join(parts, ", "), "no operations"))
	if a.Records.Read {
		parts = nil
		part("ours", a.Records.Ours)
		part("ours by guess", a.Records.Guessed)
		part("other sources", a.Records.Others)
		part("spent", a.Records.Spent)
		facts.Add("vendor records", cmp.Or(strings.Join(parts, ", "), "none"))
	}
}

// limits say what the view leaves out.
func (a *MemberAccount) limits(facts *wording.Facts, since *time.Time) {
	if a.OlderRows > 0 {
		facts.Add("since", fmt.Sprintf("%s; %s before that, not counted", wording.Moment(*since), wording.Plural(a.OlderRows, "row")))
	}
	if a.MoreOperations {
		facts.Add("cut off", "the ledger has more operations of this member than were read; the newest are here")
	}
	if a.Vendor.Partial {
		facts.Add("cut off", fmt.Sprintf("the vendor has more records than the %s that were read", wording.Count(a.Vendor.RecordsRead())))
	}
	if a.Vendor.Moving {
		facts.Add("note", "records kept arriving while they were read: one may be missing here. Ask again")
	}
}
