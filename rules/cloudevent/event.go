package cloudevent

import (
	"bytes"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"pointsledger/ledger"
)

// Event is one message as it came. The zero value is ready for Read. It is not safe
// for concurrent use.
type Event struct {
	// Binary: the attributes stand in headers, and the whole body is data.
	Binary bool
	// Source, ID and Type are what the envelope says as far as it was read, also
	// where Read ends with a rejection: not cut, and not checked then.
	Source, ID, Type string
	// Data and Member are the fields of data and of data.member, in the order in
	// which they came. Their slices are parts of the payload.
	Data, Member []Field
	// Secret is the path of the first password, or its header; empty is none.
	Secret string

	attributes attributes
	envelope   []Field
	// dataKind is 0 when the event has no data.
	dataKind jsontext.Kind

	// payload is what is read, without a byte order mark; stripped counts its bytes.
	payload  []byte
	stripped int
	decoder  jsontext.Decoder
	buffer   bytes.Buffer
}

// Read reads a message from its bytes up to the attributes that every event has.
// header is the message's NATS header, nil when it has none. The event must be new,
// or Reset.
func (e *Event) Read(payload []byte, header map[string][]string) *ledger.Rejection {
	binary, problem := mode(header)
	if problem != nil {
		return problem
	}
	if name := secretHeader(header); name != "" {
		e.Secret = "header " + strings.ToLower(name)
	}
	if e.Binary = binary; binary {
		problem = e.attributes.fromHeader(header)
		e.ID, e.Source, e.Type = e.attributes.id.text, e.attributes.source.text, e.attributes.typ.text
	}
	if rejection := e.checkBytes(payload); rejection != nil {
		return rejection
	}
	if rejection := e.run(); rejection != nil {
		return rejection
	}
	if problem != nil {
		return problem
	}
	if !binary {
		e.attributes.fromBody(e.envelope)
	}
	if rejection := e.checkVersion(header); rejection != nil {
		return rejection
	}
	return e.checkAttributes()
}

// Reset forgets the message, and keeps the memory unless it has grown large.
func (e *Event) Reset() {
	*e = Event{envelope: emptied(e.envelope), Data: emptied(e.Data), Member: emptied(e.Member), decoder: e.decoder}
}

func emptied(fields []Field) []Field {
	const mostKept = 1024
	if cap(fields) > mostKept {
		return nil
	}
	clear(fields)
	return fields[:0]
}

// HasTime says whether the envelope has a time at all.
func (e *Event) HasTime() bool { return e.attributes.time.kind != 0 }

// Time reads the envelope's time, which must be there.
func (e *Event) Time() (time.Time, *ledger.Rejection) {
	a := &e.attributes.time
	at, err := ParseTime(a.text)
	if a.kind != '"' || err != nil {
		return time.Time{}, ledger.Rejectf(ledger.BadType, `time: want RFC 3339 with an offset, like "2026-11-20T12:00:00+08:00", got %s`, got(a.kind, a.raw))
	}
	return at, nil
}
