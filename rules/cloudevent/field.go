package cloudevent

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Field is one member of an object. Kind is the JSON kind of its value: a quote,
// '0', 't', 'f', 'n', '{' or '['. Raw is the value's text, nil for an object or
// an array. The slices are parts of the payload.
type Field struct {
	Name []byte
	Kind jsontext.Kind
	Raw  []byte
}

// Text is the text of a field that holds a string.
func (f *Field) Text() string { return string(unquoted(f.Raw)) }

// Got is what stands in the field, for a reason.
func (f *Field) Got() string { return got(f.Kind, f.Raw) }

// Find finds a field by its exact name; nil when it is not there.
func Find(fields []Field, name string) *Field {
	for i := range fields {
		if string(fields[i].Name) == name {
			return &fields[i]
		}
	}
	return nil
}

// Near is a hint at a name that differs from the wanted one in case or in
// underscores only; empty when there is none.
func Near(fields []Field, name string) string {
	plain := strings.NewReplacer("_", "", "-", "")
	for i := range fields {
		found := string(fields[i].Name)
		switch {
		case found == name:
		case strings.EqualFold(found, name):
			return "; found " + strconv.Quote(found) + ": names are case-sensitive"
		case strings.EqualFold(plain.Replace(found), plain.Replace(name)):
			return "; found " + strconv.Quote(Clip(found)) + ": names must be exact"
		}
	}
	return ""
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

// AppendQuoted appends a text as a JSON string.
func AppendQuoted[T ~string | ~[]byte](to []byte, text T) []byte {
	// It fails for invalid UTF-8 only, and then still appends.
	to, _ = jsontext.AppendQuote(to, text)
	return to
}
