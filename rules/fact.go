package rules

import (
	"slices"

	"pointsledger/ledger"
	"pointsledger/rules/spelling"
)

// factShape is how the rule sets of a file name a fact of one type: the scope
// and the key fields. Nearly every type has one shape in all of its rule sets.
type factShape struct {
	// rule is the newest that has the shape.
	rule *rule
	// legs are accounts and legs of which a fact has at least one, under
	// whichever rule set of this shape it was recorded.
	legs []shapeLeg
}

type shapeLeg struct{ account, leg string }

// compileShapes finds the shapes of each type over all rule sets.
func (r *Rules) compileShapes() {
	r.shapes = map[string][]*factShape{}
	for i := range r.sets {
		for typ, rule := range r.sets[i].rules {
			shape := r.shapeOf(rule)
			if shape == nil {
				shape = &factShape{}
				r.shapes[typ] = append(r.shapes[typ], shape)
			}
			shape.rule, rule.shape = rule, shape
			for _, leg := range rule.tellingLegs() {
				if !slices.Contains(shape.legs, leg) {
					shape.legs = append(shape.legs, leg)
				}
			}
		}
	}
}

// shapeOf finds the rule's shape, nil when it is not there yet.
func (r *Rules) shapeOf(rule *rule) *factShape {
	for _, shape := range r.shapes[rule.typ] {
		if shape.rule.programme == rule.programme && slices.EqualFunc(shape.rule.key, rule.key, func(a, b keyPart) bool { return a.name == b.name }) {
			return shape
		}
	}
	return nil
}

// tellingLegs are the legs of which every recorded fact has one: the first
// operation without a condition, or else all.
func (r *rule) tellingLegs() (legs []shapeLeg) {
	for i := range r.operations {
		o := &r.operations[i]
		var own []shapeLeg
		for _, account := range o.accounts.all() {
			own = append(own, shapeLeg{account.Name, o.leg})
		}
		if !o.when.set {
			return own
		}
		legs = append(legs, own...)
	}
	return legs
}

// nameFact gives the event its fact key, and all that a ledger may know the
// fact by otherwise.
func (x *reading) nameFact(event *ledger.Event) {
	event.FactKey = x.factKey()
	shapes := x.rules.shapes[x.came.Type]
	own := x.rule.shape
	x.addOlderKeys(event, own.legs, false)
	if len(shapes) == 1 {
		return
	}
	values, keyValues, ruleAt, who, date := x.values, slices.Clone(x.keyValues), x.rule, x.member, x.date
	x.values = nil
	for _, shape := range shapes {
		if shape == own {
			continue
		}
		// What cannot be read by that shape was not recorded by it.
		x.rule, x.member, x.date = shape.rule, member{}, ""
		if x.readFields() != nil || x.resolveDate() != nil {
			continue
		}
		x.resolveKey()
		if fact := x.factKey(); fact != event.FactKey {
			event.OtherFacts = append(event.OtherFacts, fact)
		}
		x.addOlderKeys(event, shape.legs, true)
	}
	x.values, x.keyValues, x.rule, x.member, x.date = values, keyValues, ruleAt, who, date
}

// factKey hashes scope, type and key values, as bizID does, without account and
// leg, and with one form of what has several spellings.
func (x *reading) factKey() ledger.FactKey {
	x.parts = append(x.parts[:0], x.plainScope(), x.came.Type)
	for _, value := range x.keyValues {
		x.parts = append(x.parts, spelling.Key(value))
	}
	return ledger.NewFactKey(x.parts...)
}

// factKeyOf is factKey for what was not read as an event.
func factKeyOf(plainScope, typ string, keyValues []string) ledger.FactKey {
	parts := []string{plainScope, typ}
	for _, value := range keyValues {
		parts = append(parts, spelling.Key(value))
	}
	return ledger.NewFactKey(parts...)
}

func (x *reading) plainScope() string {
	if x.rule.programme {
		return x.rules.programme
	}
	return spelling.SourceKey(x.came.Source)
}

// addOlderKeys adds the dedup keys that the fact would have at other accounts,
// and in other spellings of the source. The event's own are left out.
func (x *reading) addOlderKeys(event *ledger.Event, legs []shapeLeg, otherShape bool) {
	var scopes []string
	if !x.rule.programme {
		scopes = spelling.SourceSpellings(x.came.Source)
	}
	for _, leg := range legs {
		own := slices.ContainsFunc(event.Operations, func(o ledger.Operation) bool {
			return o.Account == leg.account && string(o.BizID[:ledger.LegChars]) == leg.leg
		})
		// A leg that the event has is looked for by its own key.
		if !own || otherShape {
			x.addOlderKey(event, leg, x.scope())
		}
		for _, scope := range scopes {
			x.addOlderKey(event, leg, scope)
		}
	}
}

func (x *reading) addOlderKey(event *ledger.Event, leg shapeLeg, scope string) {
	x.parts = append(x.parts[:0], leg.account, scope, x.came.Type)
	key := ledger.OperationKey{Account: leg.account, BizID: ledger.NewBizID(leg.leg, append(x.parts, x.keyValues...)...)}
	if !slices.Contains(event.OlderKeys, key) {
		event.OlderKeys = append(event.OlderKeys, key)
	}
}
