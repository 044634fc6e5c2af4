package wording

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// UTC writes a time into a file for other programs.
func UTC(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// UTCOrNone is empty where there is no time.
func UTCOrNone(t *time.Time) string {
	if t == nil {
		return ""
	}
	return UTC(*t)
}

// Cell keeps a spreadsheet from taking a foreign text for a formula. A wide sign begins
// one too where people type Chinese. A control character is a space, but for tab and line
// ends: a terminal that shows the file would obey it.
func Cell(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && !strings.ContainsRune("\t\r\n", r) {
			return ' '
		}
		return r
	}, text)
	if first, _ := utf8.DecodeRuneInString(strings.TrimLeft(text, " ")); text != "" && strings.ContainsRune("=+-@＝＋－＠\t\r\n", first) {
		return "'" + text
	}
	return text
}

// DigitsCell is Cell for numbers that are names, as a member's id: a spreadsheet would
// take 383933091455959041 for 3.83933E+17, and 0042 for 42. A tab before it makes it a text.
func DigitsCell(text string) string {
	text = Cell(text)
	if text != "" && text[0] >= '0' && text[0] <= '9' {
		return "\t" + text
	}
	return text
}
