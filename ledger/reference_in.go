package ledger

import "strings"

// ReferenceIn finds the first of our references in a text: # and a reference
// whose check character fits, as it stands at the end of a reason. Empty when
// there is none.
func ReferenceIn(text string) string {
	for rest := text; ; {
		at := strings.IndexByte(rest, '#')
		if at < 0 {
			return ""
		}
		rest = rest[at+1:]
		if len(rest) < ReferenceChars {
			return ""
		}
		if reference, ok := CanonicalReference(rest[:ReferenceChars]); ok {
			return reference
		}
	}
}
