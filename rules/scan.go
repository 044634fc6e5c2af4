package rules

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"pointsledger/ledger"
)

// maxDepth is the most levels of objects and arrays in a message. Events need
// three; the rest is room for fields we do not know.
const maxDepth = 32

// maxPayload is the most bytes of a message. JetStream lets 1 MiB through; an
// event needs under 1 kB, and a reject keeps the whole message.
const maxPayload = 256 << 10

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

// pair is one member of an object. kind is the JSON kind of its value: a quote,
// '0', 't', 'f', 'n', '{' or '['. raw is the value's text, nil for an object or
// an array. The slices are parts of the payload.
type pair struct {
	name []byte
	kind jsontext.Kind
	raw  []byte
}

// scan reads a payload in one pass and notes the members of the three objects
// that matter: the envelope, data and data.member. All the rest is checked for
// syntax, duplicate names and depth, and skipped.
type scan struct {
	payload []byte
	// stripped counts the bytes of a byte order mark before payload.
	stripped int
	// binary: the whole body is data.
	binary   bool
	envelope []pair
	data     []pair
	member   []pair
	// dataKind is 0 when the event has no data.
	dataKind jsontext.Kind
	// secret is the path of the first password; empty is none.
	secret string

	decoder jsontext.Decoder
	buffer  bytes.Buffer
}

var errTooDeep = errors.New("too deep")

// run reads the payload, which must be valid UTF-8.
func (s *scan) run() *ledger.Rejection {
	s.buffer = *bytes.NewBuffer(s.payload)
	s.decoder.Reset(&s.buffer)
	kind := s.decoder.PeekKind()
	at := placeEnvelope
	if s.binary {
		at, s.dataKind = placeData, kind
	}
	if _, err := s.value(at, kind); err != nil {
		return s.rejection(err)
	}
	end := int(s.decoder.InputOffset())
	if rest := bytes.TrimLeft(s.payload[end:], " \t\r\n"); len(rest) > 0 {
		return ledger.Rejectf(ledger.NotJSON, "more data after the JSON value, at byte %d: want one event a message", len(s.payload)-len(rest)+s.stripped)
	}
	if kind != '{' && !s.binary {
		return ledger.Rejectf(ledger.NotCloudEvent, "want a CloudEvent as a JSON object, got %s%s", kindName(kind), doubleEncoded(kind))
	}
	return nil
}

// value reads one value. It returns the text of a scalar, nil for the rest.
func (s *scan) value(at place, kind jsontext.Kind) ([]byte, error) {
	switch kind {
	case '{':
		return nil, s.object(at)
	case '[':
		return nil, s.array(at)
	}
	text, err := s.decoder.ReadValue()
	if err != nil {
		return nil, err
	}
	return s.last(len(text)), nil
}

// last is the text just read, as a part of the payload: what the decoder
// returns is good until its next call only.
func (s *scan) last(length int) []byte {
	end := int(s.decoder.InputOffset())
	return s.payload[end-length : end : end]
}

func (s *scan) object(at place) error {
	if err := s.open(); err != nil {
		return err
	}
	for s.decoder.PeekKind() != '}' {
		text, err := s.decoder.ReadValue()
		if err != nil {
			return err
		}
		p := pair{name: unquoted(s.last(len(text))), kind: s.decoder.PeekKind()}
		if s.secret == "" && isSecretName(p.name) && s.holdsSecretNext() {
			s.secret = pathOf(s.decoder.StackPointer(), s.binary)
		}
		if p.raw, err = s.value(at.inner(p.name), p.kind); err != nil {
			return err
		}
		switch at {
		case placeEnvelope:
			s.envelope = append(s.envelope, p)
			if string(p.name) == "data" {
				s.dataKind = p.kind
			}
		case placeData:
			s.data = append(s.data, p)
		case placeMember:
			s.member = append(s.member, p)
		}
	}
	_, err := s.decoder.ReadToken()
	return err
}

// holdsSecretNext looks at the value of the name just read.
func (s *scan) holdsSecretNext() bool {
	value := afterColon(s.payload, int(s.decoder.InputOffset()))
	return value >= 0 && holdsSecret(s.payload[value:valueEnd(s.payload, value)])
}

func (s *scan) array(at place) error {
	if err := s.open(); err != nil {
		return err
	}
	if at != placeOutside && at != placeEnvelope {
		at = placeInside
	} else {
		at = placeOutside
	}
	for {
		kind := s.decoder.PeekKind()
		if kind == ']' {
			_, err := s.decoder.ReadToken()
			return err
		}
		if _, err := s.value(at, kind); err != nil {
			return err
		}
	}
}

func (s *scan) open() error {
	if _, err := s.decoder.ReadToken(); err != nil {
		return err
	}
	if s.decoder.StackDepth() > maxDepth {
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
func (s *scan) rejection(err error) *ledger.Rejection {
	if errors.Is(err, errTooDeep) {
		return ledger.Rejectf(ledger.TooLarge, "nested deeper than %d levels", maxDepth)
	}
	var syntax *jsontext.SyntacticError
	if !errors.As(err, &syntax) {
		return ledger.Rejectf(ledger.NotJSON, "not JSON: %s", clip(err.Error()))
	}
	at := int(syntax.ByteOffset) + s.stripped
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		return ledger.Rejectf(ledger.NotJSON, "duplicate key %s at byte %d: a field may be there once", clip(pathOf(syntax.JSONPointer, s.binary)), at)
	case errors.Is(err, jsontext.ErrNonStringName):
		return ledger.Rejectf(ledger.NotJSON, "not JSON at byte %d: want a name in double quotes", at)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return ledger.Rejectf(ledger.NotJSON, "not JSON: the message ends in the middle, after %d bytes", len(s.payload)+s.stripped)
	}
	return ledger.Rejectf(ledger.NotJSON, "not JSON at byte %d: %s", at, clip(syntax.Err.Error()))
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

// unquoted is the text of a JSON string, a part of it where nothing is escaped.
func unquoted(text []byte) []byte {
	if bytes.IndexByte(text, '\\') < 0 {
		return text[1 : len(text)-1]
	}
	// The decoder has accepted the text, so it can be unquoted.
	plain, _ := jsontext.AppendUnquote(nil, text)
	return plain
}

func appendQuoted[T ~string | ~[]byte](to []byte, text T) []byte {
	// It fails for invalid UTF-8 only, and then still appends.
	to, _ = jsontext.AppendQuote(to, text)
	return to
}

func kindName(kind jsontext.Kind) string {
	switch kind {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case '0':
		return "a number"
	case 'n':
		return "null"
	}
	return "true or false"
}

// doubleEncoded is the advice for the usual cause of a string in an object's
// place.
func doubleEncoded(kind jsontext.Kind) string {
	if kind == '"' {
		return " (JSON inside a string? encode it once)"
	}
	return ""
}
