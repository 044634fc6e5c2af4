package rules

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"pointsledger/ledger"
)

// Again maps a message that was stored with a reject once more: the bytes and
// headers as they came, by the rules in force at its broker time. on tells
// whether an account is on where the workers run, which the rules compiled here
// need not know. ignored: the type needs no record; the entry is then empty.
// It is safe for concurrent use, as Decode is.
//
// What was masked before it was stored is not what was published. An event
// whose declared fields hold such a mask stays a reject, because a re-sent one
// would have other content.
func (r *Rules) Again(m ledger.Message, on func(account string) bool) (entry ledger.Entry, ignored bool) {
	x := r.readings.Get().(*reading)
	x.explaining = true // on decides, below
	defer x.release()
	event, rejection := x.read(r, &m, parseHeaderLines(m.Header))
	if rejection == nil && event == nil {
		return ledger.Entry{}, true
	}
	if rejection == nil {
		rejection = refuseAgain(event, on)
	}
	if rejection == nil {
		return ledger.Entry{Message: m, Event: event}, false
	}
	rejection.Reason = storable(rejection.Reason, reasonBytes)
	return ledger.Entry{Message: m, Rejection: rejection, Source: storable(x.source, attributeChars),
		ID: storable(x.id, attributeChars), Type: storable(x.typ, attributeChars)}, false
}

// refuseAgain says why an event that the rules accept is still a reject; nil
// when it is none.
func refuseAgain(event *ledger.Event, on func(account string) bool) *ledger.Rejection {
	for i := range event.Operations {
		o := &event.Operations[i]
		if !on(o.Target) {
			return ledger.Rejectf(ledger.VendorNotConfigured,
				"%s needs %s at the account %q, which is off here (no url or no credentials), and no worker has recorded an operation there yet", event.Type, o.Kind, o.Target)
		}
	}
	if strings.Contains(event.Content, redactedValue) {
		return ledger.Rejectf(ledger.BadType,
			`a password was masked before this event was stored ("***"), so these are not the published bytes: have it published again without the password`)
	}
	return nil
}

// Mask hides the passwords of a payload, as they are hidden before a reject is
// stored.
func Mask(payload []byte) []byte {
	masked, _ := redact(payload)
	return masked
}

// maxLine is the most bytes of a line that `worker publish` reads.
const maxLine = 1 << 20

// Line writes a stored message as one line of JSON that `worker publish` takes:
// the structured event as it came, without line breaks, or a binary one as its
// structured twin. why says in a few words what keeps it from that; it is empty
// when there is a line. The line ends without a line break.
func Line(m ledger.Message) (line []byte, why string) {
	payload := bytes.TrimPrefix(m.Payload, []byte("\xef\xbb\xbf"))
	header := parseHeaderLines(m.Header)
	binary, _ := mode(header)
	switch {
	case !utf8.Valid(payload):
		return nil, "not UTF-8"
	case !json.Valid(payload):
		return nil, "not JSON"
	}
	var out bytes.Buffer
	if binary {
		if why := asStructured(&out, header, payload); why != "" {
			return nil, why
		}
	} else if err := json.Compact(&out, payload); err != nil {
		return nil, "not JSON"
	}
	switch {
	case out.Bytes()[0] != '{':
		return nil, "not a JSON object"
	case out.Len() >= maxLine:
		return nil, "longer than 1 MiB"
	}
	return out.Bytes(), ""
}

// asStructured writes a binary event in structured mode. Extension attributes are
// left out: nothing here reads them.
func asStructured(out *bytes.Buffer, header map[string][]string, payload []byte) (why string) {
	var a attributes
	if problem := a.fromHeader(header); problem != nil {
		return "headers that cannot be read"
	}
	out.WriteByte('{')
	for _, one := range []struct {
		name string
		from *attribute
	}{{"specversion", &a.specVersion}, {"id", &a.id}, {"source", &a.source}, {"type", &a.typ}, {"time", &a.time},
		{"datacontenttype", &a.contentType}} {
		if one.from.kind != 0 {
			fmt.Fprintf(out, "%q:%s,", one.name, one.from.raw)
		}
	}
	out.WriteString(`"data":`)
	if err := json.Compact(out, payload); err != nil {
		return "not JSON"
	}
	out.WriteByte('}')
	return ""
}
