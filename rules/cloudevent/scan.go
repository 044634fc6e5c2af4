package cloudevent

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"pointsledger/ledger"
)

// MaxDepth is the most levels of objects and arrays in a message. Events need
// three; the rest is room for fields we do not know.
const MaxDepth = 32

// MaxPayload is the most bytes of a message. JetStream lets 1 MiB through; an
// event needs under 1 kB, and a reject keeps the whole message.
const MaxPayload = 256 << 10

// place is where in the event an object stands.
type place int

const (
	// placeOutside is the value of an envelope attribute.
	placeOutside place = iota
	placeEnvelope
	placeData
	placeMember
	// placeInside is anything deeper in data.
	placeInside
)

var errTooDeep = errors.New("too deep")

// run reads the payload, which must be valid UTF-8.
func (e *Event) run() *ledger.Rejection {
	e.buffer = *bytes.NewBuffer(e.payload)
	e.decoder.Reset(&e.buffer)
	kind := e.decoder.PeekKind()
	at := placeEnvelope
	if e.Binary {
		at, e.dataKind = placeData, kind
	}
	if _, err := e.value(at, kind); err != nil {
		return e.rejection(err)
	}
	end := int(e.decoder.InputOffset())
	if rest := bytes.TrimLeft(e.payload[end:], " \t\r\n"); len(rest) > 0 {
		return ledger.Rejectf(ledger.NotJSON, "more data after the JSON value, at byte %d: want one event a message", len(e.payload)-len(rest)+e.stripped)
	}
	if kind != '{' && !e.Binary {
		return ledger.Rejectf(ledger.NotCloudEvent, "want a CloudEvent as a JSON object, got %s%s", kindName(kind), doubleEncoded(kind))
	}
	return nil
}

// value reads one value. It returns the text of a scalar, nil for the rest.
func (e *Event) value(at place, kind jsontext.Kind) ([]byte, error) {
	switch kind {
	case '{':
		return nil, e.object(at)
	case '[':
		return nil, e.array(at)
	}
	text, err := e.decoder.ReadValue()
	if err != nil {
		return nil, err
	}
	return e.last(len(text)), nil
}

// last is the text just read, as a part of the payload: what the decoder
// returns is good until its next call only.
func (e *Event) last(length int) []byte {
	end := int(e.decoder.InputOffset())
	return e.payload[end-length : end : end]
}

func (e *Event) object(at place) error {
	if err := e.open(); err != nil {
		return err
	}
	for e.decoder.PeekKind() != '}' {
		text, err := e.decoder.ReadValue()
		if err != nil {
			return err
		}
		p := Field{Name: unquoted(e.last(len(text))), Kind: e.decoder.PeekKind()}
		if e.Secret == "" && IsSecretName(p.Name) && e.holdsSecretNext() {
			e.Secret = pathOf(e.decoder.StackPointer(), e.Binary)
		}
		if p.Raw, err = e.value(at.inner(p.Name), p.Kind); err != nil {
			return err
		}
		switch at {
		case placeEnvelope:
			e.envelope = append(e.envelope, p)
			if string(p.Name) == "data" {
				e.dataKind = p.Kind
			}
		case placeData:
			e.Data = append(e.Data, p)
		case placeMember:
			e.Member = append(e.Member, p)
		}
	}
	_, err := e.decoder.ReadToken()
	return err
}

// holdsSecretNext looks at the value of the name just read.
func (e *Event) holdsSecretNext() bool {
	value := afterColon(e.payload, int(e.decoder.InputOffset()))
	return value >= 0 && holdsSecret(e.payload[value:valueEnd(e.payload, value)])
}

func (e *Event) array(at place) error {
	if err := e.open(); err != nil {
		return err
	}
	if at != placeOutside && at != placeEnvelope {
		at = placeInside
	} else {
		at = placeOutside
	}
	for {
		kind := e.decoder.PeekKind()
		if kind == ']' {
			_, err := e.decoder.ReadToken()
			return err
		}
		if _, err := e.value(at, kind); err != nil {
			return err
		}
	}
}

func (e *Event) open() error {
	if _, err := e.decoder.ReadToken(); err != nil {
		return err
	}
	if e.decoder.StackDepth() > MaxDepth {
		return errTooDeep
	}
	return nil
}

// inner is the place of an object that is the value of name.
func (at place) inner(name []byte) place {
	switch {
	case at == placeEnvelope && string(name) == "data":
		return placeData
	case at == placeData && string(name) == "member":
		return placeMember
	case at == placeEnvelope || at == placeOutside:
		return placeOutside
	}
	return placeInside
}

// rejection puts a syntax error into words.
func (e *Event) rejection(err error) *ledger.Rejection {
	if errors.Is(err, errTooDeep) {
		return ledger.Rejectf(ledger.TooLarge, "nested deeper than %d levels", MaxDepth)
	}
	var syntax *jsontext.SyntacticError
	if !errors.As(err, &syntax) {
		return ledger.Rejectf(ledger.NotJSON, "not JSON: %s", Clip(err.Error()))
	}
	at := int(syntax.ByteOffset) + e.stripped
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		return ledger.Rejectf(ledger.NotJSON, "duplicate key %s at byte %d: a field may be there once", Clip(pathOf(syntax.JSONPointer, e.Binary)), at)
	case errors.Is(err, jsontext.ErrNonStringName):
		return ledger.Rejectf(ledger.NotJSON, "not JSON at byte %d: want a name in double quotes", at)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return ledger.Rejectf(ledger.NotJSON, "not JSON: the message ends in the middle, after %d bytes", len(e.payload)+e.stripped)
	}
	return ledger.Rejectf(ledger.NotJSON, "not JSON at byte %d: %s", at, Clip(syntax.Err.Error()))
}

// pathOf is a JSON pointer in the form that reasons use: data.member.userCode.
func pathOf(pointer jsontext.Pointer, binary bool) string {
	var path []string
	if binary {
		path = append(path, "data")
	}
	for token := range pointer.Tokens() {
		path = append(path, token)
	}
	return strings.Join(path, ".")
}
