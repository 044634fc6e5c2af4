package rules

import (
	"slices"
	"strings"

	"pointsledger/ledger"
	"pointsledger/rules/spelling"
)

// reference is what a rule says of the earlier fact that its events are about, their
// origin.
type reference struct {
	// typ is the origin's type.
	typ string
	// consumes: the origin's freezes become spending; else its grants are taken back
	// and its freezes released.
	consumes bool
	// shareAt is the field that says how much of the origin's amount is taken back;
	// -1 is all of it.
	shareAt int
	// sourceAt is the field that names the origin's source.
	sourceAt int
	// shapes are how the origin may be named; the first is that of the rule set at
	// hand, and its key fields are required here.
	shapes []originShape
	texts  []referenceText
}

// originShape is how rule sets name the origin: by its source or in the programme,
// and by fields of the event that refers to it.
type originShape struct {
	programme bool
	key       []int
}

// referenceText is the text of the operations of one kind.
type referenceText struct {
	kind ledger.Kind
	text template
}

// referral is what the event says about its origin. The business key becomes the
// origin's, so that one search finds all that is about an order.
func (x *reading) referral() (*ledger.Referral, *ledger.Rejection) {
	ref := x.rule.refers
	out := &ledger.Referral{Consumes: ref.consumes, BusinessDate: x.date, MappingVersion: x.rules.version}
	for i, shape := range ref.shapes {
		values, readable := x.originKey(shape)
		if !readable {
			continue // no event that was named so is meant
		}
		if fact := factKeyOf(x.originScope(shape), ref.typ, values); !slices.Contains(out.Origins, fact) {
			out.Origins = append(out.Origins, fact)
		}
		if i == 0 {
			x.businessKey = strings.Join(values, "/")
		}
	}
	if rejection := x.checkKeyLength(x.rule.fieldNames(ref.shapes[0].key)); rejection != nil {
		return nil, rejection
	}
	out.BusinessKey, out.Origin = x.businessKey, ref.typ+" "+x.businessKey
	if at := ref.shareAt; at >= 0 {
		share := x.values[at].number
		out.ShareFen = &share
	}
	out.Texts = make(map[ledger.Kind]string, len(ref.texts))
	for _, text := range ref.texts {
		out.Texts[text.kind] = string(x.readable(text.text, x.rules.leastText))
	}
	return out, nil
}

// originKey are the values of the origin's key; false when one of them is absent.
func (x *reading) originKey(shape originShape) (values []string, readable bool) {
	for _, at := range shape.key {
		v := &x.values[at]
		if !v.present {
			return nil, false
		}
		text := v.text
		if kind := x.rule.fields[at].kind; kind != kindString && kind != kindDate {
			text = string(x.appendKeyText(x.text[:0], at))
		}
		values = append(values, text)
	}
	return values, true
}

// originScope is the one form of what the origin's key is unique in.
func (x *reading) originScope(shape originShape) string {
	if shape.programme {
		return x.rules.programme
	}
	return spelling.SourceKey(x.originSource())
}

// originSource is the source of the origin as the event spells it: its own, when it
// names no other.
func (x *reading) originSource() string {
	if v := &x.values[x.rule.refers.sourceAt]; v.present {
		return v.text
	}
	return x.came.Source
}

// fieldNames are the names of fields by their positions.
func (r *rule) fieldNames(at []int) (names []string) {
	for _, i := range at {
		names = append(names, r.fields[i].name)
	}
	return names
}
