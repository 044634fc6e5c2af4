package rules

import (
	"encoding/json"
	"strings"

	"pointsledger/ledger"
	"pointsledger/rules/cloudevent"
	"pointsledger/rules/spelling"
)

// FactIn reads what fact a reject is about, as far as that can be told from an
// event that is not acceptable: its source, its type and the order number, or
// whatever fields the type's rules make the key of. ok is false when one of them
// is not there as a plain text: not JSON, no source, no order number, a key that
// holds a date or a member. Then nothing ties the reject to a fact, and it waits
// for a person. It reads the bytes leniently, for nothing is recorded by it, and
// is safe for concurrent use.
func (r *Rules) FactIn(reject *ledger.Reject) (fact ledger.FactHint, ok bool) {
	if reject.Source == "" || reject.Type == "" {
		return fact, false
	}
	data, ok := cloudevent.DataOf(&reject.Message)
	if !ok {
		return fact, false
	}
	for _, shape := range r.shapes[reject.Type] {
		if shape.rule.programme {
			continue
		}
		key, plain := shape.rule.keyFields()
		values, read := texts(shape.rule, key, data)
		if !plain || !read {
			continue
		}
		businessKey := values
		if shape.rule.refers != nil { // the ledger records it under the origin's
			if businessKey, read = texts(shape.rule, shape.rule.refers.shapes[0].key, data); !read {
				continue
			}
		}
		return ledger.FactHint{Reject: reject.ID, Source: reject.Source, Type: reject.Type, BusinessKey: strings.Join(businessKey, "/"),
			Fact: factKeyOf(spelling.SourceKey(reject.Source), reject.Type, values)}, true
	}
	return fact, false
}

// keyFields are the fields of the key; plain is false when it holds a date or a
// member, too.
func (r *rule) keyFields() (at []int, plain bool) {
	for _, part := range r.key {
		if part.kind != keyField {
			return nil, false
		}
		at = append(at, part.field)
	}
	return at, true
}

// texts are the values of fields, which resolveKey joins by a slash; false when one
// of them is not there as a plain text.
func texts(rule *rule, at []int, data map[string]json.RawMessage) (values []string, ok bool) {
	values = make([]string, 0, len(at))
	for _, i := range at {
		var text string
		raw, there := data[rule.fields[i].name]
		if rule.fields[i].kind != kindString || !there || len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &text) != nil || text == "" {
			return nil, false
		}
		values = append(values, text)
	}
	return values, len(values) > 0
}
