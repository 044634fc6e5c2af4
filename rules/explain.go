package rules

import (
	"time"

	"pointsledger/ledger"
	"pointsledger/rules/cloudevent"
)

// Explanation shows what an event would do and why.
type Explanation struct {
	// Ignored: the type is under ignore. Event is nil then.
	Ignored bool
	Event   *ledger.Event
	// Binary: the envelope stood in headers.
	Binary bool
	// RulesFrom is the start of the rule set that was used.
	RulesFrom time.Time
	// PassedOver is the start of a later set that had begun by the broker's time
	// and had not by the event's own, which that set goes by; zero is none.
	PassedOver time.Time
	// Keys belong to Event.Operations, in the same order.
	Keys []KeyExplanation
	// Origin shows which earlier event Event.Refers means; nil when it has none.
	Origin *OriginExplanation
}

// OriginExplanation shows which earlier event is meant, and how it is looked for.
type OriginExplanation struct {
	Type string
	// Parts are what the first of Referral.Origins is made of.
	Parts []KeyPart
	// Share is the field that says how much of the origin's amount is taken back;
	// empty is all of it.
	Share string
}

// KeyExplanation shows what an operation's dedup key was made of.
type KeyExplanation struct {
	// Leg is the two letters in front of the key; it is hashed last.
	Leg string
	// Parts are hashed in this order, the leg among them.
	Parts []KeyPart
}

// KeyPart is one part of a dedup key.
type KeyPart struct {
	// Name is account, scope, type, leg, or the key field's name.
	Name  string
	Value string
}

// Explain is Decode with its reasons. It has no side effects, accepts an empty
// subject, as a file has none, and takes every account for one that is on:
// explaining needs no credentials. The event is nil when it is rejected.
func (r *Rules) Explain(m ledger.Message, header map[string][]string) (Explanation, *ledger.Rejection) {
	x := r.readings.Get().(*reading)
	x.explaining = true
	defer x.release()
	event, rejection := x.read(r, &m, header)
	if event != nil && event.OnlyIfKnown != nil {
		rejection = event.OnlyIfKnown
	}
	if rejection != nil {
		rejection.Reason = cloudevent.StorableReason(rejection.Reason)
		return Explanation{}, rejection
	}
	out := Explanation{Ignored: x.ignored, Event: event, Binary: x.came.Binary, RulesFrom: r.setAt(m.BrokerTime).from}
	if event == nil {
		return out, nil
	}
	out.RulesFrom = x.set.from
	if x.passedOver != nil {
		out.PassedOver = x.passedOver.from
	}
	if event.Refers != nil {
		out.Origin = x.explainOrigin()
	}
	for i := range event.Operations {
		out.Keys = append(out.Keys, x.explainKey(&event.Operations[i]))
	}
	return out, nil
}

func (x *reading) explainKey(o *ledger.Operation) KeyExplanation {
	leg := string(o.BizID[:ledger.LegChars])
	parts := []KeyPart{{"account", o.Account}, {scopeName(x.rule.programme), x.scope()}, {"type", x.came.Type}}
	for i, value := range x.keyValues {
		parts = append(parts, KeyPart{x.rule.key[i].name, value})
	}
	return KeyExplanation{Leg: leg, Parts: append(parts, KeyPart{"leg", leg})}
}

func (x *reading) explainOrigin() *OriginExplanation {
	ref := x.rule.refers
	shape := ref.shapes[0]
	out := &OriginExplanation{Type: ref.typ, Parts: []KeyPart{{scopeName(shape.programme), x.originScope(shape)}, {"type", ref.typ}}}
	values, _ := x.originKey(shape)
	for i, name := range x.rule.fieldNames(shape.key) {
		out.Parts = append(out.Parts, KeyPart{name, values[i]})
	}
	if ref.shareAt >= 0 {
		out.Share = x.rule.fields[ref.shareAt].name
	}
	return out
}

func scopeName(programme bool) string {
	if programme {
		return "scope (programme)"
	}
	return "scope (source)"
}
