package rules

import (
	"slices"
	"time"

	"pointsledger/ledger"
	"pointsledger/rules/cloudevent"
)

// Decoded is what became of one message: exactly one of Event, Rejection and
// Ignored.
type Decoded struct {
	Event     *ledger.Event
	Rejection *ledger.Rejection
	// Ignored: the type is under ignore; acknowledge and count it.
	Ignored bool
	// Source, ID and Type are the envelope's as far as they are known, for the
	// reject's row: valid UTF-8 without control characters, cut to 256 bytes.
	Source, ID, Type string
	// Redact: the message is rejected and holds a password. Store
	// RedactedPayload in place of the payload: the same bytes with the values
	// masked.
	Redact          bool
	RedactedPayload []byte
}

// value is one declared field as it was read. number holds integers, booleans
// (0 and 1), channels, and dates as Unix seconds; text holds strings and dates.
type value struct {
	present bool
	number  int64
	text    string
	// from is the field of data that it was read from, nil when there is none.
	from *cloudevent.Field
}

// reading is the work on one message. It is reused for the next.
type reading struct {
	rules   *Rules
	message *ledger.Message
	came    *cloudevent.Event

	time    time.Time
	ignored bool
	// again: the message is stored with a reject and mapped once more.
	again bool
	// explaining: an account that is off is no reason to reject.
	explaining bool

	set *ruleSet
	// passedOver is the last set that had begun by the broker's time, and had not
	// by its own clock; nil is none.
	passedOver *ruleSet
	rule       *rule
	values     []value
	member     member
	// date is the business date, YYYY-MM-DD.
	date        string
	keyValues   []string
	businessKey string
	text        []byte
	parts       []string
}

// newReading is a reading that no message was read with.
func newReading() any { return &reading{came: &cloudevent.Event{}} }

// Decode reads one message and maps it by the rules in force at its broker
// time, or at its own where a rule set wants that. It never panics, whatever the bytes are, and does not keep them. header
// is the message's NATS header, nil when it has none.
func (r *Rules) Decode(m ledger.Message, header map[string][]string) Decoded {
	x := r.readings.Get().(*reading)
	defer x.release()
	event, rejection := x.read(r, &m, header)
	out := Decoded{Event: event, Rejection: rejection, Ignored: rejection == nil && x.ignored, Source: x.came.Source, ID: x.came.ID, Type: x.came.Type}
	if rejection != nil {
		rejection.Reason = cloudevent.StorableReason(rejection.Reason)
		out.Source, out.ID, out.Type = cloudevent.StorableAttribute(x.came.Source), cloudevent.StorableAttribute(x.came.ID), cloudevent.StorableAttribute(x.came.Type)
		out.RedactedPayload, out.Redact = cloudevent.Redact(m.Payload)
	}
	return out
}

// release forgets the message, and keeps the memory.
func (x *reading) release() {
	rules := x.rules
	x.came.Reset()
	clear(x.values)
	clear(x.keyValues)
	clear(x.parts)
	*x = reading{came: x.came, values: x.values[:0], keyValues: x.keyValues[:0], text: x.text[:0], parts: x.parts[:0]}
	rules.readings.Put(x)
}

// read goes from bytes to operations. Event and rejection are nil for a type
// that is ignored.
func (x *reading) read(r *Rules, m *ledger.Message, header map[string][]string) (*ledger.Event, *ledger.Rejection) {
	x.rules, x.message = r, m
	if rejection := x.came.Read(m.Payload, header); rejection != nil {
		return nil, rejection
	}
	if rejection := x.checkSubject(); rejection != nil {
		return nil, rejection
	}
	if rejection := x.findRule(); rejection != nil || x.ignored {
		return nil, rejection
	}
	return x.readData()
}

// findRule finds the rule of the set in force. Where that has none, the type may be
// one that is ignored, or has no call at the vendors.
func (x *reading) findRule() *ledger.Rejection {
	x.set = x.findSet()
	if x.rule = x.set.rules[x.came.Type]; x.rule != nil {
		return nil
	}
	if x.ignored = x.rules.ignored[x.came.Type]; x.ignored {
		return nil
	}
	if x.again {
		if x.rule = x.rules.newestReference(x.came.Type); x.rule != nil {
			return nil
		}
	}
	if x.rules.declared != nil && x.came.Type == dayDeclaredType {
		x.rule = x.rules.declared
		return nil
	}
	if words := x.rules.noVendorCall[x.came.Type]; words != "" {
		return ledger.Rejectf(ledger.NoVendorCall, "%s: %s", x.came.Type, words)
	}
	reason := ""
	if slices.Contains(x.rules.Types(), x.came.Type) {
		reason = " at that time"
	}
	return ledger.Rejectf(ledger.UnknownType, "type: no rule for %q%s; known types: %s", cloudevent.Clip(x.came.Type), reason, x.rules.typesOf(x.set))
}

func (x *reading) readData() (*ledger.Event, *ledger.Rejection) {
	if x.came.Secret != "" {
		return nil, ledger.Rejectf(ledger.BadType, "%s: passwords are not accepted in events, and this one was not stored; remove the field", cloudevent.Clip(x.came.Secret))
	}
	if rejection := x.checkTime(); rejection != nil {
		return nil, rejection
	}
	if rejection := x.came.CheckData(); rejection != nil {
		return nil, rejection
	}
	if rejection := x.readFields(); rejection != nil {
		return nil, rejection
	}
	if rejection := x.resolveDate(); rejection != nil {
		return nil, rejection
	}
	if x.rule.declares {
		return x.declaration(), nil
	}
	x.resolveKey()
	rejection := x.checkKeyLength(x.rule.keyNames())
	if rejection != nil {
		return nil, rejection
	}
	event := &ledger.Event{Source: x.came.Source, ID: x.came.ID, Type: x.came.Type, Time: x.time, RepeatIsDuplicate: x.rule.repeatIsDuplicate}
	if x.rule.refers != nil {
		event.Refers, rejection = x.referral()
	} else {
		event.Budget = x.budget()
		event.Operations, rejection = x.operations()
	}
	if rejection != nil {
		return nil, rejection
	}
	event.Content = x.content()
	if event.OnlyIfKnown = x.checkKeyTexts(); event.OnlyIfKnown == nil {
		event.OnlyIfKnown = x.checkDaysBack()
	}
	x.nameFact(event)
	return event, nil
}
