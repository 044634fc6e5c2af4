package feed

import (
	"fmt"
	"strings"

	"pointsledger/desk/privacy"
)

// MapError is returned by ReadMap and ParseMap for a map that cannot be used.
type MapError struct {
	File string
	// Line is 0 when it is about no line.
	Line int
	// Problem says what is wrong and what to write instead.
	Problem string
}

func (e *MapError) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Problem
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Problem)
}

// FileError is returned by Map.Open, and yielded as the last of File.Rows, for a file that cannot be read
// as the map says.
type FileError struct {
	File string
	// Row is 0 when it is about no row.
	Row int
	// Problem says what is wrong and what to do.
	Problem string
}

func (e *FileError) Error() string {
	if e.Row == 0 {
		return e.File + ": " + privacy.Mobiles(e.Problem) // it may list what stands where headings should
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Row, privacy.Mobiles(e.Problem))
}

// CellError is returned beside a row by File.Rows for a cell that cannot be read. The rows
// after it can.
type CellError struct {
	File string
	// Row is the row of the sheet, or the line of a CSV file, from 1.
	Row int
	// Column is the heading, or the letters of a column without one.
	Column string
	// Value is what stands there.
	Value string
	// Want says what is wanted.
	Want string
}

func (e *CellError) Error() string {
	got := "nothing"
	if e.Value != "" {
		got = fmt.Sprintf("%q", shortened(privacy.Mobiles(e.Value)))
	}
	return fmt.Sprintf("%s:%d:%s: want %s, got %s", e.File, e.Row, e.Column, e.Want, got)
}

// shortened keeps a message on a line or two.
func shortened(text string) string {
	const most = 60
	chars := []rune(strings.ToValidUTF8(text, "\ufffd"))
	if len(chars) > most {
		return string(chars[:most]) + "…"
	}
	return string(chars)
}
