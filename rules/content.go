package rules

import "pointsledger/rules/cloudevent"

// content is the canonical JSON of the declared fields: names in order, absent
// fields as null, the channel as its number. Equal events have equal texts:
// neither the envelope nor unknown fields are in it.
func (x *reading) content() string {
	text := append(x.text[:0], '{')
	for at := range x.rule.fields {
		if at > 0 {
			text = append(text, ',')
		}
		f, v := &x.rule.fields[at], &x.values[at]
		text = append(text, f.label...)
		switch {
		case f.kind == kindMember:
			text = x.member.appendTo(text)
		case !v.present:
			text = append(text, "null"...)
		case f.kind == kindString || f.kind == kindDate:
			text = cloudevent.AppendQuoted(text, v.text)
		default:
			text = x.appendKeyText(text, at)
		}
	}
	x.text = append(text, '}')
	return string(x.text)
}

func (m *member) appendTo(text []byte) []byte {
	if !m.known {
		return append(text, "null"...)
	}
	text = appendOrNull(append(text, `{"customerId":`...), m.customerID)
	text = appendOrNull(append(text, `,"memberId":`...), m.memberID)
	text = appendOrNull(append(text, `,"userCode":`...), m.userCode)
	return append(text, '}')
}

func appendOrNull(text []byte, id string) []byte {
	if id == "" {
		return append(text, "null"...)
	}
	return cloudevent.AppendQuoted(text, id)
}
