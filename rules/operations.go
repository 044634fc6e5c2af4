package rules

import (
	"slices"
	"strconv"
	"strings"

	"pointsledger/ledger"
)

// resolveKey works out the values of the key and the business key.
func (x *reading) resolveKey() {
	x.keyValues = x.keyValues[:0]
	for i := range x.rule.key {
		part := &x.rule.key[i]
		var text string
		switch {
		case part.kind == keyDate:
			text = x.date
		case part.kind == keyCustomerID:
			text = x.member.customerID
		case part.kind == keyMemberID:
			text = x.member.memberID
		case x.rule.fields[part.field].kind == kindString:
			text = x.values[part.field].text
		default:
			text = string(x.appendKeyText(x.text[:0], part.field))
		}
		x.keyValues = append(x.keyValues, text)
	}
	x.businessKey = x.keyValues[0]
	if len(x.keyValues) > 1 {
		x.businessKey = strings.Join(x.keyValues, "/")
	}
}

// maxKeyBytes is the most that the key fields of an event may take together: an
// index entry of the ledger holds some 2,700 bytes.
const maxKeyBytes = 2500

// checkKeyLength bounds the business key, which these fields make.
func (x *reading) checkKeyLength(names []string) *ledger.Rejection {
	n := len(x.businessKey)
	if n <= maxKeyBytes {
		return nil
	}
	return ledger.Rejectf(ledger.OutOfRange, "%s: want at most %d bytes in all, as they identify the fact, got %d", strings.Join(names, ", "), maxKeyBytes, n)
}

// keyNames are the fields of the key as the rules name them.
func (r *rule) keyNames() (names []string) {
	for _, part := range r.key {
		names = append(names, part.name)
	}
	return names
}

// appendKeyText appends a present field that is not a string in its one form.
func (x *reading) appendKeyText(to []byte, at int) []byte {
	v := &x.values[at]
	switch x.rule.fields[at].kind {
	case kindBoolean:
		return strconv.AppendBool(to, v.number == 1)
	case kindDate, kindString:
		return append(to, v.text...)
	}
	return strconv.AppendInt(to, v.number, 10)
}

// scope is what the keys are unique in.
func (x *reading) scope() string {
	if x.rule.programme {
		return x.rules.programme
	}
	return x.came.Source
}

// operations makes the vendor calls of the event, all or nothing. When no
// condition holds, the first operation is recorded with 0 points: every
// accepted event leaves a trace, and a repeat with other content is noticed.
func (x *reading) operations() ([]ledger.Operation, *ledger.Rejection) {
	out := make([]ledger.Operation, 0, len(x.rule.operations))
	for i := range x.rule.operations {
		o := &x.rule.operations[i]
		if !o.when.holds(x.values) {
			continue
		}
		account, rejection := x.accountOf(o)
		if rejection != nil {
			return nil, rejection
		}
		if !account.On && !x.explaining {
			return nil, ledger.Rejectf(ledger.VendorNotConfigured, "%s needs %s at the account %q, which is off here: it has no url or no credentials", x.came.Type, o.kind, account.Name)
		}
		made := x.operation(o, account)
		if rejection := x.addressee(&made, account); rejection != nil {
			return nil, rejection
		}
		if x.member.known {
			points, rejection := x.pointsOf(o)
			if rejection != nil {
				return nil, rejection
			}
			made.Points = points
		}
		if made.Points > 0 {
			made.HeldUntil = x.heldUntil(o.hold)
		}
		out = append(out, made)
	}
	if len(out) == 0 {
		if x.rule.elseReject {
			return nil, ledger.Rejectf(ledger.OutOfRange, "no operation of the rule of %s is for this event: none of their conditions holds, and the rule says else: reject", x.came.Type)
		}
		first := &x.rule.operations[0]
		account, rejection := x.accountOf(first)
		if rejection != nil {
			return nil, rejection
		}
		made := x.operation(first, account)
		// Nothing is sent, so nobody needs to be known.
		_ = x.addressee(&made, account)
		out = append(out, made)
	}
	return out, nil
}

// operation is one vendor call without its points and its member.
func (x *reading) operation(o *operation, account *Account) ledger.Operation {
	made := ledger.Operation{
		Account: account.Name, Kind: o.kind, BizID: x.bizID(o, account), BusinessKey: x.businessKey,
		SourceType: o.sourceType, PointsChannel: int(x.channel()),
		BusinessDate: x.date, MappingVersion: x.rules.version, Bulk: x.rule.bulk,
	}
	made.Reference = ledger.ReferenceOf(made.BizID)
	made.Reason = x.reasonOf(o, account, made.Reference)
	if at := x.rule.shopAt; at >= 0 {
		made.ShopCode = x.values[at].text
	}
	if at := x.rule.amountAt; at >= 0 && x.values[at].present {
		fen := x.values[at].number
		made.AmountFen = &fen
	}
	return made
}

// bizID hashes account name, scope, type and key values; the leg comes last.
func (x *reading) bizID(o *operation, account *Account) ledger.BizID {
	x.parts = append(x.parts[:0], account.Name, x.scope(), x.came.Type)
	x.parts = append(x.parts, x.keyValues...)
	return ledger.NewBizID(o.leg, x.parts...)
}

// typesOf lists a set's types for a reason.
func (r *Rules) typesOf(s *ruleSet) string {
	types := make([]string, 0, len(s.rules)+1)
	for typ := range s.rules {
		types = append(types, typ)
	}
	if r.declared != nil {
		types = append(types, dayDeclaredType)
	}
	slices.Sort(types)
	return strings.Join(types, ", ")
}
