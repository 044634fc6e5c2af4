package evidence

import (
	"strings"

	"pointsledger/ledger"
)

// ReferenceAtEnd is the reference at the end of a text, as the ledger writes
// it: a # and a reference whose check character fits. Empty when there is none.
func ReferenceAtEnd(text string) string {
	text = strings.TrimRight(text, blank)
	at := len(text) - ledger.ReferenceChars
	if at < 1 || text[at-1] != '#' {
		return ""
	}
	reference, ok := ledger.CanonicalReference(text[at:])
	if !ok {
		return ""
	}
	return reference
}

// blank is what may stand behind a text without meaning anything.
const blank = " \t\r\n\u00a0\u3000"

// beginsLike tells that a text is the beginning of a longer reason, cut off.
// What a vendor puts where it cuts (dots, half a character) does not count.
func beginsLike(text, reason string) bool {
	text = withoutEnd(text)
	return text != "" && len(text) < len(reason) && strings.HasPrefix(reason, text)
}

// withoutEnd is a text without what a vendor puts where it cuts.
func withoutEnd(text string) string { return strings.TrimRight(text, blank+".…\ufffd") }
