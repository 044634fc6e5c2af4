package cloudevent

import (
	"bytes"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// RedactedValue stands where a password was.
const RedactedValue = `"***"`

// secretEndings end the names of fields that hold a password, in lower case
// and without separators and digits.
func secretEndings() [5]string {
	return [5]string{"password", "passwd", "passcode", "pwd", "密码"}
}

// IsSecretName says whether a field of this name holds a password: password,
// cardPassword, card_password, loginPwd, 密码. It is asked for every field of
// every event.
func IsSecretName(name []byte) bool {
	if len(name) > 256 {
		return false
	}
	for _, ending := range secretEndings() {
		if endsIn(name, ending) {
			return true
		}
	}
	return false
}

// endsIn says whether the name ends in a word of lower case, in whatever case and
// whatever separators and digits stand within.
func endsIn(name []byte, word string) bool {
	at := len(name) - 1
	for i := len(word) - 1; i >= 0; i-- {
		for at >= 0 && separates(name[at]) {
			at--
		}
		if at < 0 || lower(name[at]) != word[i] {
			return false
		}
		at--
	}
	return true
}

func separates(c byte) bool { return c == '_' || c == '-' || c == ' ' || '0' <= c && c <= '9' }

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c | 0x20
	}
	return c
}

// holdsSecret says whether a value, as JSON text, can be a password: null, true,
// false and what is empty cannot. A form may carry the field, empty.
func holdsSecret(value []byte) bool {
	switch string(value) {
	case "null", "true", "false", `""`, "":
		return false
	}
	if first := value[0]; first == '{' || first == '[' {
		rest := value[skipSpace(value, 1):]
		return len(rest) != 1 // the closing bracket
	}
	return true
}

// secretHeader finds a header that holds a password; empty is none.
func secretHeader(header map[string][]string) string {
	for name, values := range header {
		if isSecretHeader(name) && strings.Join(values, "") != "" {
			return name
		}
	}
	return ""
}

// isSecretHeader is IsSecretName for a header; an event's attributes, which
// nearly all headers are, are told quickly.
func isSecretHeader(name string) bool {
	var known attributes
	return known.byHeader(name) == nil && IsSecretName([]byte(name))
}

// Redact masks the values of password fields in a payload that is to be stored
// with a reject. It works on bytes and needs no valid JSON: a message that is
// cut off or badly encoded may hold a password too. false means that there was
// nothing to mask, and then the payload is returned as it is.
func Redact(payload []byte) ([]byte, bool) {
	var out []byte
	copied := 0
	for at := 0; at < len(payload); {
		if payload[at] != '"' {
			at++
			continue
		}
		end := stringEnd(payload, at)
		from, to := 0, 0
		if value := afterColon(payload, end); value >= 0 && IsSecretName(plainText(payload[at:end])) {
			if from, to = value, valueEnd(payload, value); !holdsSecret(payload[from:to]) {
				from, to = 0, 0
			}
		} else if value < 0 && quotesSecret(plainText(payload[at:end])) {
			from, to = at, end
		}
		if to > from {
			out = append(append(out, payload[copied:from]...), RedactedValue...)
			copied, end = to, to
		}
		at = end
	}
	if copied == 0 {
		return payload, false
	}
	return append(out, payload[copied:]...), true
}

// stringEnd is the position behind the string that begins at the quote at.
func stringEnd(payload []byte, at int) int {
	for i := at + 1; i < len(payload); i++ {
		switch payload[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(payload)
}

// plainText is a string without its quotes and escapes, as well as it goes.
func plainText(text []byte) []byte {
	if bytes.IndexByte(text, '\\') >= 0 {
		if plain, err := jsontext.AppendUnquote(nil, text); err == nil {
			return plain
		}
	}
	return bytes.Trim(text, `"`)
}

// afterColon is where the value of a name that ends at end begins; -1 when no
// colon follows, so that it is no name.
func afterColon(payload []byte, end int) int {
	end = skipSpace(payload, end)
	if end >= len(payload) || payload[end] != ':' {
		return -1
	}
	return skipSpace(payload, end+1)
}

func skipSpace(payload []byte, at int) int {
	for at < len(payload) && bytes.IndexByte([]byte(" \t\r\n"), payload[at]) >= 0 {
		at++
	}
	return at
}

// valueEnd is the position behind the value at a position: a string, an object
// or array with all in it, or a word.
func valueEnd(payload []byte, at int) int {
	depth := 0
	for at < len(payload) {
		switch payload[at] {
		case '"':
			at = stringEnd(payload, at)
			if depth == 0 {
				return at
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth < 0 {
				return at
			}
			if depth == 0 {
				return at + 1
			}
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return at
			}
		}
		at++
	}
	return at
}

// quotesSecret says whether a string holds JSON with a password field in it,
// as when an event was encoded twice.
func quotesSecret(text []byte) bool {
	text = bytes.ReplaceAll(bytes.ToLower(text), []byte(`\`), nil)
	for _, ending := range secretEndings() {
		_, rest, found := bytes.Cut(text, []byte(ending))
		for found {
			if rest = bytes.TrimLeft(rest, "\" \t\r\n"); len(rest) > 0 && rest[0] == ':' {
				return true
			}
			_, rest, found = bytes.Cut(rest, []byte(ending))
		}
	}
	return false
}

// Mask hides the passwords of a payload, as they are hidden before a reject is
// stored.
func Mask(payload []byte) []byte {
	masked, _ := Redact(payload)
	return masked
}
