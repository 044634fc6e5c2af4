package rules

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"pointsledger/ledger"
	"pointsledger/rules/cloudevent"
)

// object is a JSON object of a schema. Its keys are written in order of names.
type object map[string]any

// noControl refuses control characters, as the reader does.
const noControl = `^[^\x00-\x1f\x7f-\x9f]*$`

// Schema is the JSON Schema (draft 2020-12) of a whole CloudEvent in structured
// mode, for one type, by the last rule set that has it. It is as strict as
// Decode, except for what a schema cannot say: clocks, points limits, duplicate
// names, passwords deep inside or in the envelope, integers written as 12.0, and
// key texts that look like others.
func Schema(r *Rules, typ string) ([]byte, error) {
	for i := len(r.sets) - 1; i >= 0; i-- {
		if rule := r.sets[i].rules[typ]; rule != nil {
			return rule.schema(r)
		}
	}
	if r.declared != nil && typ == dayDeclaredType {
		return r.declared.schema(r)
	}
	return nil, fmt.Errorf("find schema: no rule for type %q, known types: %v", typ, r.Types())
}

func (r *rule) schema(rules *Rules) ([]byte, error) {
	envelopeText := func(about string) object {
		return object{"type": "string", "minLength": 1, "maxLength": cloudevent.MaxAttributeChars, "pattern": noControl, "description": about}
	}
	root := object{
		"$schema":     "https://json-schema.org/draft/2020-12/schema",
		"title":       r.typ,
		"description": r.about + r.aboutOrigin() + " A CloudEvent 1.0 in structured mode, published to the subject " + subjectPrefix + r.typ + ". Fields that are not listed are ignored.",
		"type":        "object",
		"required":    []string{"specversion", "id", "source", "type", "data"},
		"properties": object{
			"specversion":     object{"const": "1.0"},
			"id":              envelopeText("Names this event; a re-sent event may have another."),
			"source":          envelopeText("The system that issues the business number: the shop or platform, never a single terminal. It is stable over re-sends."),
			"type":            object{"const": r.typ},
			"time":            object{"type": []string{"string", "null"}, "format": "date-time", "description": "When it happened, RFC 3339 with an offset: at most 10 minutes after and 400 days before the broker's time, which is taken when there is none."},
			"datacontenttype": object{"type": []string{"string", "null"}, "pattern": `^\s*([aA]pplication/[jJ][sS][oO][nN]|text/json|[^;]*\+json)\s*(;.*)?$`},
			"data_base64":     object{"type": "null"},
			"data":            r.dataSchema(rules),
		},
	}
	if r.keyHasDate {
		name := r.fields[r.dateAt].name
		root["anyOf"] = []any{present("time"), object{"properties": object{"data": present(name)}}}
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(root); err != nil {
		return nil, fmt.Errorf("write schema of %s: %w", r.typ, err)
	}
	return out.Bytes(), nil
}

// aboutOrigin says which earlier event is meant; empty for what has its own
// operations.
func (r *rule) aboutOrigin() string {
	if r.refers == nil {
		return ""
	}
	shape := r.refers.shapes[0]
	from := ""
	if !shape.programme {
		from = " of its source, or of " + orderSource
	}
	return fmt.Sprintf(" It is about an earlier %s%s, named by %s.", r.refers.typ, from, strings.Join(r.fieldNames(shape.key), ", "))
}

func (r *rule) dataSchema(rules *Rules) object {
	properties, required := object{}, []string{}
	for _, at := range r.order {
		f := &r.fields[at]
		properties[f.name] = f.schema(r, rules)
		if f.required {
			required = append(required, f.name)
		}
	}
	data := object{"type": "object", "properties": properties, "required": required}
	data["patternProperties"] = noSecrets()
	var needs []any
	for i := range r.operations {
		needs = append(needs, r.needs(&r.operations[i])...)
	}
	if len(needs) > 0 {
		data["allOf"] = needs
	}
	return data
}

// secretPattern is isSecretName as a regular expression.
const secretPattern = `([pP][aA][sS][sS][wW][oO][rR][dD]|[pP][aA][sS][sS][wW][dD]|[pP][aA][sS][sS][cC][oO][dD][eE]|[pP][wW][dD]|密码)[-_ 0-9]*$`

// noSecrets lets fields for passwords be there while they hold none.
func noSecrets() object {
	return object{secretPattern: object{"enum": []any{nil, true, false, "", object{}, []any{}}}}
}

func (f *field) schema(r *rule, rules *Rules) object {
	var s object
	switch f.kind {
	case kindString:
		s = object{"type": "string", "minLength": f.min, "maxLength": f.max, "pattern": noControl}
	case kindInteger:
		s = object{"type": "integer", "minimum": f.min, "maximum": f.max}
	case kindBoolean:
		s = object{"type": "boolean"}
	case kindDate:
		s = object{"type": "string", "format": "date", "pattern": `^\d{4}-\d{2}-\d{2}$`}
	case kindChannel:
		s = object{"anyOf": []any{
			object{"type": "string", "enum": rules.channels.all()},
			object{"type": "integer", "minimum": 1, "maximum": 9},
		}}
	case kindMember:
		s = memberSchema(r)
	}
	if !f.required && f.kind != kindMember {
		s = object{"anyOf": []any{s, object{"type": "null"}}}
	}
	about := f.about
	if f.unit != "" {
		about = strings.TrimSpace(about + " Unit: " + f.unit + ".")
	}
	if about != "" {
		s["description"] = about
	}
	return s
}

// present is a schema of objects that have a string under name.
func present(name string) object {
	return object{"required": []string{name}, "properties": object{name: object{"type": "string"}}}
}

func memberSchema(r *rule) object {
	printable := func(about string) object {
		return object{"type": []string{"string", "null"}, "minLength": 1, "maxLength": defaultChars, "pattern": noControl, "description": about}
	}
	memberID := "Kylin's member id; needed where points are frozen."
	if slices.ContainsFunc(r.operations, func(o operation) bool { return o.anyMemberID() }) {
		memberID = "The vendor's own id of the member, where customerId is not."
	}
	s := object{
		"type": "object",
		"properties": object{
			"customerId": object{"type": []string{"string", "null"}, "pattern": fmt.Sprintf(`^[0-9]{1,%d}$`, maxCustomerDigits), "description": "Zhimai's customer id, its digits as a string."},
			"userCode":   printable("The scanned member code, in place of customerId."),
			"memberId":   printable(memberID),
		},
		"patternProperties": noSecrets(),
		"not":               object{"allOf": []any{present("customerId"), present("userCode")}},
	}
	switch {
	case r.member == memberCustomer:
		s["allOf"] = []any{present("customerId")}
	case r.keyHasMemberID:
		s["allOf"] = []any{present("memberId")}
	default:
		s["anyOf"] = []any{present("customerId"), present("userCode"), present("memberId")}
	}
	if r.member == memberAny {
		return object{"anyOf": []any{s, object{"type": "null"}}}
	}
	return s
}

// anyMemberID tells that an account which may be chosen takes members by memberId for
// every call. Where another one does not, Decode says so.
func (o *operation) anyMemberID() bool {
	return slices.ContainsFunc(o.accounts.all(), func(a *Account) bool { return a.AnyMemberID })
}

// needs says which member an operation wants, when its condition holds.
func (r *rule) needs(o *operation) []any {
	var member object
	switch {
	case o.kind == ledger.FreezePoint && o.anyMemberID():
		member = object{"type": "object", "anyOf": []any{present("memberId"), present("customerId")}}
	case o.kind == ledger.FreezePoint:
		member = object{"type": "object", "allOf": []any{present("memberId")}}
	case o.anyMemberID():
		member = object{"anyOf": []any{object{"type": "null"}, present("memberId"), present("customerId"), present("userCode")}}
	default:
		member = object{"anyOf": []any{object{"type": "null"}, present("customerId"), present("userCode")}}
	}
	need := object{"properties": object{"member": member}}
	if chosen := &o.accounts; chosen.of != nil && chosen.field >= 0 && chosen.only == nil {
		// What the map of accounts does not know is a reject.
		name := r.fields[chosen.field].name
		need["required"] = []string{name}
		need["properties"] = object{"member": member, name: object{"enum": slices.Sorted(maps.Keys(chosen.of))}}
	}
	if !o.when.set {
		return []any{need}
	}
	f := &r.fields[o.when.field]
	var holds object
	switch {
	case o.when.above && o.when.number < math.MaxInt64:
		holds = object{"type": "integer", "minimum": o.when.number + 1}
	case o.when.isText:
		holds = oneOf(o.when.texts)
	case f.kind == kindBoolean:
		values := make([]bool, len(o.when.numbers))
		for i, number := range o.when.numbers {
			values[i] = number == 1
		}
		holds = oneOf(values)
	case f.kind == kindInteger && !o.when.above:
		holds = oneOf(o.when.numbers)
	default:
		// A channel has several names; what it needs is left to Decode.
		return nil
	}
	return []any{object{
		"if":   object{"required": []string{f.name}, "properties": object{f.name: holds}},
		"then": need,
	}}
}

// oneOf is the schema of what has one of the values.
func oneOf[T any](values []T) object {
	if len(values) == 1 {
		return object{"const": values[0]}
	}
	return object{"enum": values}
}
