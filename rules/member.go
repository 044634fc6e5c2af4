package rules

import (
	"cmp"
	"unicode/utf8"

	"pointsledger/ledger"
	"pointsledger/rules/cloudevent"
)

// maxCustomerDigits is the most digits of a customerId; the example of the
// Zhimai user.points-add page has 18.
const maxCustomerDigits = 32

// member is who an event is about. Empty texts are absent.
type member struct {
	// known is false for an anonymous sale.
	known                          bool
	customerID, userCode, memberID string
}

const memberPath = "data.member"

// readMember reads data.member. Absent is a reject, as forgetting it must not
// pass for an anonymous sale; null is one where the type allows it.
func (x *reading) readMember(at int) *ledger.Rejection {
	p := cloudevent.Find(x.came.Data, "member")
	switch {
	case p == nil:
		rejection := x.missing(at)
		if x.rule.member == memberAny {
			rejection.Reason += `; write "member": null for an anonymous sale`
		}
		return rejection
	case p.Kind == 'n' && x.rule.member == memberAny:
		return nil
	case p.Kind == 'n':
		return ledger.Rejectf(ledger.MissingField, "%s: want a member, got null: %s needs to know who it is about", memberPath, x.came.Type)
	case p.Kind != '{':
		return ledger.Rejectf(ledger.BadType, "%s: want %s, got %s", memberPath, x.rule.fields[at].want(), p.Got())
	}
	x.member.known = true
	for i := range x.came.Member {
		if rejection := x.readMemberID(&x.came.Member[i]); rejection != nil {
			return rejection
		}
	}
	return x.checkMember()
}

func (x *reading) readMemberID(p *cloudevent.Field) *ledger.Rejection {
	var to *string
	most, want := defaultChars, "1 to 64 printable characters as a string"
	switch string(p.Name) {
	case "customerId":
		to, most, want = &x.member.customerID, maxCustomerDigits, "1 to 32 digits as a string"
	case "userCode":
		to = &x.member.userCode
	case "memberId":
		to = &x.member.memberID
	}
	if to == nil || p.Kind == 'n' {
		return nil
	}
	path := memberPath + "." + string(p.Name)
	if p.Kind != '"' {
		hint := ""
		if p.Kind == '0' {
			hint = ": ids are strings: numbers lose digits beyond 2^53"
		}
		return ledger.Rejectf(ledger.BadType, "%s: want %s, got %s%s", path, want, p.Got(), hint)
	}
	text := p.Text()
	if !isPrintable(text) || most == maxCustomerDigits && !isDigits(text) {
		return ledger.Rejectf(ledger.BadType, "%s: want %s, got %s", path, want, p.Got())
	}
	if n := utf8.RuneCountInString(text); n < 1 || n > most {
		return ledger.Rejectf(ledger.OutOfRange, "%s: want %s, got %d", path, want, n)
	}
	*to = text
	return nil
}

func (x *reading) checkMember() *ledger.Rejection {
	m := &x.member
	switch {
	case m.customerID != "" && m.userCode != "":
		return ledger.Rejectf(ledger.BadType, "%s: want either customerId or userCode, got both: they could name two members", memberPath)
	case x.rule.member == memberCustomer && m.customerID == "":
		hint := cloudevent.Near(x.came.Member, "customerId")
		if m.userCode != "" {
			hint = ": a userCode changes, so it cannot tell two events apart"
		}
		return ledger.Rejectf(ledger.MissingField, "%s.customerId: want 1 to 32 digits as a string, it is missing%s", memberPath, hint)
	case x.rule.keyHasMemberID && m.memberID == "":
		return ledger.Rejectf(ledger.MissingField, "%s.memberId: want Kylin's member id, which is part of the key, it is missing%s", memberPath, cloudevent.Near(x.came.Member, "memberId"))
	case *m == member{known: true}:
		hint := cloudevent.Near(x.came.Member, "customerId") + cloudevent.Near(x.came.Member, "userCode") + cloudevent.Near(x.came.Member, "memberId")
		if x.rule.member == memberAny {
			hint += `; write "member": null for an anonymous sale`
		}
		return ledger.Rejectf(ledger.MissingField, "%s.customerId: want customerId or userCode, both are missing%s", memberPath, hint)
	}
	return nil
}

// addressee fills in whom the operation goes to.
func (x *reading) addressee(o *ledger.Operation, account *Account) *ledger.Rejection {
	m := &x.member
	if account.AnyMemberID {
		return x.anyAddressee(o)
	}
	if o.Kind == ledger.FreezePoint {
		o.MemberID = m.memberID
		if o.MemberID == "" {
			return ledger.Rejectf(ledger.MissingField, "%s.memberId: want Kylin's member id, as points are to be frozen, it is missing%s", memberPath, cloudevent.Near(x.came.Member, "memberId"))
		}
		return nil
	}
	o.MemberID, o.MemberCode = m.customerID, m.userCode
	if m.known && o.MemberID == "" && o.MemberCode == "" {
		return ledger.Rejectf(ledger.MissingField, "%s.customerId: want customerId or userCode, as points are to be granted, both are missing", memberPath)
	}
	return nil
}

// anyAddressee is addressee at an account whose members an event may name by any id.
// Only a grant can wait for a scanned code to be resolved.
func (x *reading) anyAddressee(o *ledger.Operation) *ledger.Rejection {
	m := &x.member
	o.MemberID = cmp.Or(m.memberID, m.customerID)
	if o.MemberID == "" && o.Kind == ledger.PointsAdd {
		o.MemberCode = m.userCode
	}
	if (m.known || o.Kind == ledger.FreezePoint) && o.MemberID == "" && o.MemberCode == "" {
		return ledger.Rejectf(ledger.MissingField, "%s.memberId: want memberId or customerId for %s, both are missing%s", memberPath, o.Kind, cloudevent.Near(x.came.Member, "memberId"))
	}
	return nil
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
