package wire

import "strings"

// tokenMarks are the characters besides letters and digits that a token may have
// (RFC 9110, 5.6.2).
const tokenMarks = "!#$%&'*+-.^_`|~"

// IsToken tells whether the text can name a header.
func IsToken(name string) bool {
	for _, b := range []byte(name) {
		if !isTokenByte(b) {
			return false
		}
	}
	return name != ""
}

func isTokenByte(b byte) bool {
	letter := b|0x20 >= 'a' && b|0x20 <= 'z' || b >= '0' && b <= '9' || b == '-'
	return letter || strings.IndexByte(tokenMarks, b) >= 0
}

// IsFieldValue tells whether the text can be sent as a header's value unchanged:
// not empty, no control characters, no space at its ends (HTTP would cut it).
func IsFieldValue(value string) bool {
	for _, b := range []byte(value) {
		if b < ' ' || b == 0x7f {
			return false
		}
	}
	return value != "" && strings.Trim(value, " ") == value
}
