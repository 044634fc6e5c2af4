package spelling

import (
	"strings"
	"unicode/utf8"
)

// Source is the one form of all spellings of a source, for the fact key
// only: percent-decoded until nothing is left to decode. A source is a URI
// reference, so "%E9%97%A8" and "门" name one shop; and a header says "%E9%97%A8"
// whether the publisher wrote that and its SDK did not encode it again (Go and
// Java do not), or wrote "门" and its SDK encoded it (CloudEvents HTTP binding,
// section 3.1.3.2). A "%" that no two hex digits follow stands for itself.
//
// Dedup keys keep the spelling that they have always been made of
// (TestKeysOfSpelledSources): an old ledger and the vendor know them.
func Source(source string) string {
	for strings.IndexByte(source, '%') >= 0 {
		decoded := percentDecoded(source)
		if decoded == source {
			break
		}
		source = decoded
	}
	return source
}

// SourceKey is the one form of a source by which facts, accounts and publishers are
// told apart.
func SourceKey(source string) string { return Key(Source(source)) }

// percentDecoded decodes each %XX once, and leaves any other % as it is.
func percentDecoded(s string) string {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]) {
			out.WriteByte(hexValue(s[i+1])<<4 | hexValue(s[i+2]))
			i += 2
			continue
		}
		out.WriteByte(s[i])
	}
	return out.String()
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

func hexValue(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}

// SourceSpellings are the usual spellings of a source that rows from before fact
// keys may have their dedup keys from, without the one at hand: plain, and
// percent-encoded in upper and in lower case. Nil for a source that has one.
func SourceSpellings(source string) []string {
	if strings.IndexByte(source, '%') < 0 && isASCII(source) {
		return nil
	}
	plain := Source(source)
	var out []string
	for _, spelling := range []string{plain, percentEncoded(plain, "0123456789ABCDEF"), percentEncoded(plain, "0123456789abcdef")} {
		if spelling != source && utf8.ValidString(spelling) {
			out = append(out, spelling)
		}
	}
	return out
}

// percentEncoded encodes what may not stand in a URI.
func percentEncoded(s, digits string) string {
	var out strings.Builder
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("\"%<>\\^`{|}", c) >= 0 {
			out.Write([]byte{'%', digits[c>>4], digits[c&15]})
		} else {
			out.WriteByte(c)
		}
	}
	return out.String()
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
