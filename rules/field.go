package rules

import (
	"fmt"
	"math"

	"pointsledger/rules/cloudevent"
)

// fieldKind is what a declared field holds.
type fieldKind int

const (
	kindString fieldKind = iota
	kindInteger
	kindBoolean
	kindDate
	kindMember
	kindChannel
)

// defaultChars is the most characters of an id or another string that says
// nothing else.
const defaultChars = 64

// maxChars is the most characters that a rule file may allow a string.
const maxChars = 1000

// field declares one field of an event's data. The same declaration drives
// reading, the content, the reasons of rejects and the JSON Schema.
type field struct {
	name string
	kind fieldKind
	// required: absent or null is a reject missing_field. A member that is
	// null is decided by the rule's memberRule.
	required bool
	// min and max bound an integer, or the characters of a string.
	min, max int64
	// unit stands behind "an integer in"; empty has none.
	unit  string
	about string
	// label is the name as it stands in the content, quoted, with its colon.
	label string
}

func stringField(name, about string) field {
	return field{name: name, kind: kindString, min: 1, max: defaultChars, about: about}
}

func integerField(name, unit string, low, high int64, about string) field {
	return field{name: name, kind: kindInteger, min: low, max: high, unit: unit, about: about}
}

func memberField() field {
	return field{name: "member", kind: kindMember, required: true, about: "Who gets the points; null is an anonymous sale where the type allows it."}
}

func channelField(required bool) field {
	return field{name: "channel", kind: kindChannel, required: required, about: "Where it happened, by name or by Zhimai's number."}
}

func pointsField() field {
	return integerField("points", "points", 0, math.MaxInt64, "Overrides the number of points that the rule gives, where the rule lets it.")
}

func shopCodeField() field {
	return stringField("shopCode", "The shop's code, as the programme knows it.")
}

func businessDateField() field {
	return field{name: "businessDate", kind: kindDate, about: "The programme's calendar day; without it the day of the envelope's time."}
}

// orderSource is the field of an event about another that names the other's source.
const orderSource = "orderSource"

func orderSourceField() field {
	f := stringField(orderSource, "The source that issued the order's number, as it stands in the order's own events; absent: this event's source.")
	f.max = cloudevent.MaxAttributeChars
	return f
}

// need makes a field required.
func (f field) need() field {
	f.required = true
	return f
}

// word is the kind as a rule file names it.
func (k fieldKind) word() string {
	switch k {
	case kindString:
		return "string"
	case kindInteger:
		return "integer"
	case kindBoolean:
		return "boolean"
	case kindDate:
		return "date"
	case kindMember:
		return "member"
	}
	return "channel"
}

// want says in words what the field holds, for the reasons of rejects.
func (f *field) want() string {
	switch f.kind {
	case kindString:
		return fmt.Sprintf("a string of %d to %d characters", f.min, f.max)
	case kindInteger:
		return f.integer() + f.bounds()
	case kindBoolean:
		return "true or false"
	case kindDate:
		return `a date as "YYYY-MM-DD"`
	case kindMember:
		return `an object like {"customerId": "383933091455959041"}`
	default:
		return "a channel's name or its number 1 to 9"
	}
}

func (f *field) integer() string {
	if f.unit == "" {
		return "an integer"
	}
	return "an integer in " + f.unit
}

func (f *field) bounds() string {
	low, high := f.min != math.MinInt64, f.max != math.MaxInt64
	switch {
	case low && high:
		return fmt.Sprintf(" from %d to %d", f.min, f.max)
	case low:
		return fmt.Sprintf(" of at least %d", f.min)
	case high:
		return fmt.Sprintf(" of at most %d", f.max)
	}
	return " that fits 64 bits"
}

// memberRule says which members a type accepts.
type memberRule int

const (
	// memberAny: null is an anonymous sale.
	memberAny memberRule = iota
	// memberKnown: null is a reject.
	memberKnown
	// memberCustomer: customerId is required, as it is part of the key or the
	// rule says so.
	memberCustomer
)
