package custom

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"pointsledger/vendorapi"
)

// template is a text with places for values, written {name}; {{ and }} are braces.
type template []part

// part is a piece of a template: a text, or the name of a value.
type part struct{ text, name string }

// parseTemplate takes a text apart. What the names may be is seen to elsewhere.
func parseTemplate(text string) (template, error) {
	var t template
	var plain strings.Builder
	flush := func() {
		if plain.Len() > 0 {
			t = append(t, part{text: plain.String()})
			plain.Reset()
		}
	}
	for rest := text; rest != ""; {
		at := strings.IndexAny(rest, "{}")
		if at < 0 {
			plain.WriteString(rest)
			break
		}
		plain.WriteString(rest[:at])
		switch brace := rest[at : at+1]; {
		case strings.HasPrefix(rest[at+1:], brace):
			plain.WriteString(brace)
			rest = rest[at+2:]
		case brace == "}":
			return nil, fmt.Errorf("a } without its {; write }} for a brace")
		default:
			end := strings.IndexAny(rest[at+1:], "{}")
			if end < 0 || rest[at+1+end] != '}' {
				return nil, fmt.Errorf("a { without its }; write {{ for a brace")
			}
			flush()
			t = append(t, part{name: rest[at+1 : at+1+end]})
			rest = rest[at+end+2:]
		}
	}
	flush()
	return t, nil
}

// uses tells whether a value of that name stands in the template.
func (t template) uses(name string) bool {
	return slices.ContainsFunc(t, func(p part) bool { return p.name == name })
}

// usesSecret tells whether a secret or the token stands in the template.
func (t template) usesSecret() bool {
	return slices.ContainsFunc(t, func(p part) bool { return p.name == nameToken || strings.HasPrefix(p.name, secretPrefix) })
}

// values are what one request is made of, by name. A value is never taken for a
// template itself.
type values struct {
	texts map[string]string
	// shown: the request is for a person. What is secret or of the moment is
	// vendorapi.Mask, and is shown as that wherever it stands.
	shown bool
}

// with are the values and one more.
func (v values) with(name, text string) values {
	v.texts = maps.Clone(v.texts)
	v.texts[name] = text
	return v
}

// plain is the escape that changes nothing.
func plain(dst []byte, s string) []byte { return append(dst, s...) }

// expand puts the values in, each of them escaped.
func (t template) expand(dst []byte, v values, escape func(dst []byte, s string) []byte) []byte {
	for _, p := range t {
		switch text := v.texts[p.name]; {
		case p.name == "":
			dst = append(dst, p.text...)
		case v.shown && text == vendorapi.Mask:
			dst = append(dst, text...)
		default:
			dst = escape(dst, text)
		}
	}
	return dst
}

// text is the template with its values as they are.
func (t template) text(v values) string { return string(t.expand(nil, v, plain)) }

// source is the template as it was written, for a person.
func (t template) source() string {
	var b strings.Builder
	for _, p := range t {
		if p.name != "" {
			b.WriteString("{" + p.name + "}")
			continue
		}
		b.WriteString(p.text)
	}
	return b.String()
}

// The names that a template may use. What belongs to a kind of request is added by
// those that read it.
const (
	nameTimestamp     = "timestamp"      // Unix seconds
	nameTimestampMS   = "timestamp_ms"   // Unix milliseconds
	nameTimestampText = "timestamp_text" // 2006-01-02 15:04:05, China's time
	nameNonce         = "nonce"          // a random whole number of at most 15 digits
	nameToken         = "token"
	secretPrefix      = "secret."

	nameMethod, namePath, nameQuery, nameBody = "method", "path", "query", "body" // in a signature
	nameCode                                  = "code"                            // of the member
	nameMember                                = "member_id"
	nameOrigin                                = "origin_biz_id" // in calls that take back
	namePage, nameOffset, namePageSize        = "page", "offset", "page_size"
	// nameSignature cannot be written in a file: it is no name there.
	nameSignature = "\x00signature"
)

// operationNames are the fields of an operation that a call is for.
func operationNames(call string) []string {
	names := []string{"biz_id", "points", nameMember, "reason", "source_type", "points_channel", "shop_code"}
	switch call {
	case "points_add", "freeze_point":
		return names
	}
	return append(names, nameOrigin)
}

// momentNames are what each request has anew.
func momentNames() []string {
	return []string{nameTimestamp, nameTimestampMS, nameTimestampText, nameNonce}
}
