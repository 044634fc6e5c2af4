package rules

import (
	"slices"
	"strings"
	"time"

	"pointsledger/ledger"
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
	// pair is the member of data that it was read from, nil when there is none.
	pair *pair
}

// reading is the work on one message. It is reused for the next.
type reading struct {
	rules      *Rules
	message    *ledger.Message
	scan       scan
	attributes attributes

	source, id, typ string
	time            time.Time
	ignored         bool
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

// Decode reads one message and maps it by the rules in force at its broker
// time, or at its own where a rule set wants that. It never panics, whatever the bytes are, and does not keep them. header
// is the message's NATS header, nil when it has none.
func (r *Rules) Decode(m ledger.Message, header map[string][]string) Decoded {
	x := r.readings.Get().(*reading)
	defer x.release()
	event, rejection := x.read(r, &m, header)
	out := Decoded{Event: event, Rejection: rejection, Ignored: rejection == nil && x.ignored, Source: x.source, ID: x.id, Type: x.typ}
	if rejection != nil {
		rejection.Reason = storable(rejection.Reason, reasonBytes)
		out.Source, out.ID, out.Type = storable(x.source, attributeChars), storable(x.id, attributeChars), storable(x.typ, attributeChars)
		out.RedactedPayload, out.Redact = redact(m.Payload)
	}
	return out
}

// release forgets the message, and keeps the memory unless it has grown large.
func (x *reading) release() {
	rules := x.rules
	const mostKept = 1024
	*x = reading{
		scan: scan{
			envelope: emptied(x.scan.envelope, mostKept), data: emptied(x.scan.data, mostKept),
			member: emptied(x.scan.member, mostKept), decoder: x.scan.decoder,
		},
		values: emptied(x.values, mostKept), keyValues: emptied(x.keyValues, mostKept),
		text: x.text[:0], parts: emptied(x.parts, mostKept),
	}
	rules.readings.Put(x)
}

func emptied[T any](s []T, most int) []T {
	if cap(s) > most {
		return nil
	}
	clear(s)
	return s[:0]
}

// read goes from bytes to operations. Event and rejection are nil for a type
// that is ignored.
func (x *reading) read(r *Rules, m *ledger.Message, header map[string][]string) (*ledger.Event, *ledger.Rejection) {
	x.rules, x.message = r, m
	binary, problem := mode(header)
	if problem != nil {
		return nil, problem
	}
	if name := secretHeader(header); name != "" {
		x.scan.secret = "header " + strings.ToLower(name)
	}
	if x.scan.binary = binary; binary {
		problem = x.attributes.fromHeader(header)
		x.id, x.source, x.typ = x.attributes.id.text, x.attributes.source.text, x.attributes.typ.text
	}
	if rejection := x.scan.checkBytes(m.Payload); rejection != nil {
		return nil, rejection
	}
	if rejection := x.scan.run(); rejection != nil {
		return nil, rejection
	}
	if problem != nil {
		return nil, problem
	}
	if !binary {
		x.attributes.fromBody(x.scan.envelope)
	}
	if rejection := x.checkVersion(header); rejection != nil {
		return nil, rejection
	}
	if rejection := x.checkEnvelope(); rejection != nil {
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
	if x.rule = x.set.rules[x.typ]; x.rule != nil {
		return nil
	}
	if x.ignored = x.rules.ignored[x.typ]; x.ignored {
		return nil
	}
	if x.again {
		if x.rule = x.rules.newestReference(x.typ); x.rule != nil {
			return nil
		}
	}
	if words := x.rules.noVendorCall[x.typ]; words != "" {
		return ledger.Rejectf(ledger.NoVendorCall, "%s: %s", x.typ, words)
	}
	reason := ""
	if slices.Contains(x.rules.Types(), x.typ) {
		reason = " at that time"
	}
	return ledger.Rejectf(ledger.UnknownType, "type: no rule for %q%s; known types: %s", clip(x.typ), reason, x.set.types())
}

func (x *reading) readData() (*ledger.Event, *ledger.Rejection) {
	if x.scan.secret != "" {
		return nil, ledger.Rejectf(ledger.BadType, "%s: passwords are not accepted in events, and this one was not stored; remove the field", clip(x.scan.secret))
	}
	if rejection := x.checkTime(); rejection != nil {
		return nil, rejection
	}
	if rejection := x.checkContent(); rejection != nil {
		return nil, rejection
	}
	if rejection := x.readFields(); rejection != nil {
		return nil, rejection
	}
	if rejection := x.resolveDate(); rejection != nil {
		return nil, rejection
	}
	x.resolveKey()
	rejection := x.checkKeyLength(x.rule.keyNames())
	if rejection != nil {
		return nil, rejection
	}
	event := &ledger.Event{Source: x.source, ID: x.id, Type: x.typ, Time: x.time, RepeatIsDuplicate: x.rule.repeatIsDuplicate}
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
