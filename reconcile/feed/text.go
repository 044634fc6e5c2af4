package feed

import (
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// cleaned takes off what a spreadsheet or an export puts around a cell's text: spaces of
// all widths, tabs and marks, the ` of WeChat's bills, and ="…", which
// keeps a spreadsheet from making a number of it.
func cleaned(text string) string {
	text = trimmed(text)
	if inner, ok := strings.CutPrefix(text, `="`); ok && strings.HasSuffix(inner, `"`) {
		text = trimmed(strings.TrimSuffix(inner, `"`))
	}
	if strings.HasPrefix(text, "`") || strings.HasPrefix(text, "'") {
		text = trimmed(text[1:])
	}
	return text
}

func trimmed(text string) string {
	return strings.TrimFunc(text, func(c rune) bool { return unicode.IsSpace(c) || unicode.Is(unicode.Cf, c) || c == 0 })
}

// headingKey is the form by which headings are told apart: spaces, line ends, widths and
// capitals do not count.
func headingKey(text string) string {
	return strings.ToLower(strings.Join(strings.Fields(width.Fold.String(cleaned(text))), " "))
}

var minusSigns = strings.NewReplacer("−", "-", "–", "-")

// folded is a number's or a time's text in ASCII, as far as widths go.
func folded(text string) string {
	for i := range len(text) {
		if text[i] >= 0x80 {
			return minusSigns.Replace(width.Fold.String(text))
		}
	}
	return text
}
