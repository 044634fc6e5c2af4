package cloudevent

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// clipChars caps what a reason quotes from an event.
const clipChars = 60

// MaxReasonBytes caps a whole reason.
const MaxReasonBytes = 1000

// Clip shortens a text for a reason.
func Clip(text string) string {
	chars := 0
	for at := range text {
		if chars == clipChars {
			return text[:at] + "…"
		}
		chars++
	}
	return text
}

// got is what stood in a field, for a reason. Objects and arrays are only
// named: they could be long, and could hold what must not be stored.
func got(kind jsontext.Kind, raw []byte) string {
	if kind == '{' || kind == '[' {
		return kindName(kind)
	}
	return Clip(string(raw[:min(len(raw), 4*(clipChars+1))]))
}

// StorableReason is a reason as it is stored with a reject.
func StorableReason(text string) string { return storable(text, MaxReasonBytes) }

// StorableAttribute is what the envelope says, as it is stored with a reject.
func StorableAttribute(text string) string { return storable(text, MaxAttributeChars) }

// storable is text as Postgres can keep it: valid UTF-8, no NUL nor other
// control characters, at most limit bytes.
func storable(text string, limit int) string {
	plain := utf8.ValidString(text) && !strings.ContainsFunc(text, unprintable)
	if !plain {
		text = strings.Map(func(c rune) rune {
			if unprintable(c) {
				return utf8.RuneError
			}
			return c
		}, strings.ToValidUTF8(text, string(utf8.RuneError)))
	}
	if len(text) <= limit {
		return text
	}
	for !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit]
}

// unprintable characters could break a line of a report or hide what stands
// there: control characters, and the marks that turn the writing direction.
func unprintable(c rune) bool {
	return unicode.IsControl(c) || '\u202a' <= c && c <= '\u202e' || '\u2066' <= c && c <= '\u2069'
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

// HasControl says whether a text holds a control character.
func HasControl(s string) bool { return strings.ContainsFunc(s, unicode.IsControl) }
