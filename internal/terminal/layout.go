package terminal

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// PageWidth is what every output fits, in terminal cells.
const PageWidth = 100

// cells is the width of a character on a terminal: Chinese takes two.
func cells(r rune) int {
	switch {
	case unicode.Is(unicode.Mn, r):
		return 0
	case r < 0x1100:
		return 1
	case r <= 0x115f, r >= 0x2e80 && r <= 0xa4cf, r >= 0xac00 && r <= 0xd7a3, r >= 0xf900 && r <= 0xfaff,
		r >= 0xfe30 && r <= 0xfe6f, r >= 0xff00 && r <= 0xff60, r >= 0xffe0 && r <= 0xffe6,
		r >= 0x1f300 && r <= 0x1faff, r >= 0x20000 && r <= 0x3fffd:
		return 2
	}
	return 1
}

// Width is how many cells a text takes.
func Width(text string) int {
	n := 0
	for _, r := range text {
		n += cells(r)
	}
	return n
}

// cut splits a text after at most n cells.
func cut(text string, n int) (head, rest string) {
	used := 0
	for i, r := range text {
		if used += cells(r); used > n {
			return text[:i], text[i:]
		}
	}
	return text, ""
}

// Clip shortens a text to n cells.
func Clip(text string, n int) string {
	if Width(text) <= n {
		return text
	}
	head, _ := cut(text, n-1)
	return head + "…"
}

// Wrap breaks a text into lines of at most n cells: at spaces or after commas
// where it can, else between any two characters.
func Wrap(text string, n int) []string {
	var lines []string
	for Width(text) > n {
		head, rest := cut(text, n)
		if at := breakAt(head, rest); at > 0 {
			head, rest = head[:at], head[at:]+rest
		}
		lines, text = append(lines, strings.TrimRight(head, " ")), strings.TrimLeft(rest, " ")
	}
	return append(lines, text)
}

// breakAt is where the last word of head begins, when it goes on in rest; 0
// when head is one word. JSON has few spaces: its commas end a word, too, but
// not those inside a number.
func breakAt(head, rest string) int {
	text := head + rest
	for at := len(head); at > 0; at-- {
		before, after := text[at-1], text[at]
		if before == ' ' || after == ' ' || before == ',' && (after < '0' || after > '9') {
			return at
		}
	}
	return 0
}

// Column of a table. Numbers stand on the right.
type Column struct {
	title string
	right bool
	whole bool
}

// Left and right are columns of texts and of numbers; the texts of Whole, as dates, say
// nothing when they are cut.
func Left(title string) Column  { return Column{title: title} }
func Right(title string) Column { return Column{title: title, right: true, whole: true} }
func Whole(title string) Column { return Column{title: title, whole: true} }

// lastCells is how far the last column is clipped before any other: foreign
// words stand there, while causes and orders are there to be copied.
const lastCells = 14

// Table prints rows under titles, two blanks between columns. What does
// not fit the page is clipped in the last column, then where the columns are
// widest; numbers and what is whole never are.
func Table(out io.Writer, columns []Column, rows [][]string) {
	widths := make([]int, len(columns))
	total := 2 * (len(columns) - 1)
	for i, c := range columns {
		widths[i] = Width(c.title)
		for _, row := range rows {
			widths[i] = max(widths[i], Width(row[i]))
		}
		total += widths[i]
	}
	for total > PageWidth {
		widest := -1
		for i, c := range columns {
			if !c.whole && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if last := len(columns) - 1; !columns[last].whole && widths[last] > lastCells {
			widest = last
		}
		if widest < 0 || widths[widest] < 6 {
			break // what is whole fills the page
		}
		widths[widest]--
		total--
	}
	line := func(texts []string) {
		var b strings.Builder
		for i, text := range texts {
			text = Clip(text, widths[i])
			blanks := strings.Repeat(" ", widths[i]-Width(text))
			if columns[i].right {
				b.WriteString(blanks + text)
			} else {
				b.WriteString(text + blanks)
			}
			b.WriteString("  ")
		}
		fmt.Fprintln(out, strings.TrimRight(b.String(), " "))
	}
	titles := make([]string, len(columns))
	for i, c := range columns {
		titles[i] = c.title
	}
	line(titles)
	for _, row := range rows {
		line(row)
	}
}

// LabelCells is the width of a label of printLine.
const LabelCells = 16

// Line prints a label and a text that goes on below itself.
func Line(out io.Writer, label, text string) {
	for _, line := range Wrap(Clean(text), PageWidth-2-LabelCells) {
		fmt.Fprintf(out, "  %s\n", strings.TrimRight(label+strings.Repeat(" ", max(LabelCells-Width(label), 1))+line, " "))
		label = ""
	}
}

// Paragraph prints a text within the page.
func Paragraph(out io.Writer, text string) {
	for _, line := range Wrap(Clean(text), PageWidth) {
		fmt.Fprintln(out, line)
	}
}

// Point prints one point of a list. Each command stands on a line of its
// own and is not broken: it is there to be copied.
func Point(out io.Writer, text string) {
	text, commands, found := strings.Cut(text, "\n")
	mark := "- "
	for _, line := range Wrap(Clean(text), PageWidth-4) {
		fmt.Fprintf(out, "  %s%s\n", mark, line)
		mark = "  "
	}
	if found {
		fmt.Fprintf(out, "      %s\n", strings.ReplaceAll(commands, "\n", "\n      "))
	}
}

// Clean makes a foreign text safe for a terminal: no control characters, no
// marks that turn the direction of writing.
func Clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Cf, r):
			return -1
		case unicode.IsControl(r) || r == unicode.ReplacementChar:
			return ' '
		}
		return r
	}, text)
}

// JSON prints one indented object.
func JSON(out io.Writer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// Indented prints a line that keeps its own indent, as JSON in lines has; what is
// too long goes on below.
func Indented(out io.Writer, line string) {
	text := strings.TrimLeft(line, " ")
	indent := strings.Repeat(" ", min(4+len(line)-len(text), PageWidth/2))
	for i, part := range Wrap(Clean(text), PageWidth-len(indent)-2) {
		if i > 0 {
			part = "  " + part
		}
		fmt.Fprintf(out, "%s%s\n", indent, part)
	}
}
