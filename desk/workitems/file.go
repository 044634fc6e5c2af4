package workitems

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"

	"pointsledger/ledger"
)

// Result is what a person says of a work item.
type Result string

// The results that the column result may hold; an empty cell says that it is not done
// yet.
const (
	// Done: the points are taken back, or released. The operation is posted.
	Done Result = "done"
	// NotPossible: they are not and will not be. The operation is given up.
	NotPossible Result = "not_possible"
)

// Answer is a row of the file.
type Answer struct {
	Line  int
	BizID ledger.BizID
	// Result is as it stands there, in small letters; it may be none of the results.
	Result Result
	Note   string
	// Points is nil where the file has no such column, or no number in it.
	Points *int64
}

// Bounds of a file, which is held in memory. A note is as long as the evidence of a
// settlement by hand.
const (
	maxFileBytes = 32 << 20
	maxFileRows  = 100_000
	maxNoteChars = 500
)

// Read reads a file that came back: CSV with the columns biz_id, result and, if there
// is one, note, found by their names; others are ignored, but for points. A spreadsheet
// may have written it: with or without a byte order mark, in UTF-8 or GB18030, with
// commas, semicolons or tabs. The error is a *FileError, or that of reading.
func Read(from io.Reader) ([]Answer, error) {
	raw, err := io.ReadAll(io.LimitReader(from, maxFileBytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read work items: %w", err)
	case len(raw) > maxFileBytes:
		return nil, &FileError{Want: fmt.Sprintf("want at most %d MB", maxFileBytes>>20)}
	case bytes.HasPrefix(raw, []byte("PK\x03\x04")):
		return nil, &FileError{Want: "this is a workbook: save the sheet as CSV (UTF-8)"}
	}
	raw = bytes.TrimPrefix(raw, []byte(bom))
	if !utf8.Valid(raw) {
		if raw, err = simplifiedchinese.GB18030.NewDecoder().Bytes(raw); err != nil || bytes.ContainsRune(raw, utf8.RuneError) {
			return nil, &FileError{Want: "want UTF-8 or GB18030: save the sheet as CSV (UTF-8)"}
		}
	}
	rows := csv.NewReader(bytes.NewReader(raw))
	rows.Comma, rows.FieldsPerRecord = separator(raw), -1
	at, err := columnsOf(rows)
	if err != nil {
		return nil, err
	}
	var answers []Answer
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return answers, nil
		}
		if err != nil {
			return nil, unreadable(err)
		}
		line, _ := rows.FieldPos(0)
		if len(answers) == maxFileRows {
			return nil, &FileError{line, fmt.Sprintf("want at most %d rows", maxFileRows)}
		}
		if a, filled := at.answer(row); filled {
			a.Line = line
			answers = append(answers, a)
		}
	}
}

// separator is what stands between the titles.
func separator(raw []byte) rune {
	first, _, _ := bytes.Cut(raw, []byte("\n"))
	best := ','
	for _, r := range ";\t" {
		if bytes.Count(first, []byte(string(r))) > bytes.Count(first, []byte(string(best))) {
			best = r
		}
	}
	return best
}

func unreadable(err error) error {
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		return &FileError{parse.Line, parse.Err.Error()}
	}
	return fmt.Errorf("read work items: %w", err)
}

// columns are the places of the columns, -1 for none.
type columns struct{ bizID, result, note, points int }

func columnsOf(rows *csv.Reader) (c columns, err error) {
	heading, err := rows.Read()
	if errors.Is(err, io.EOF) {
		return c, &FileError{Want: "the file is empty: want a row of titles with biz_id, result and note"}
	}
	if err != nil {
		return c, unreadable(err)
	}
	names := make([]string, len(heading))
	for i, name := range heading {
		names[i] = strings.ToLower(strings.TrimSpace(name))
	}
	for _, want := range []struct {
		name     string
		at       *int
		required bool
	}{{"biz_id", &c.bizID, true}, {"result", &c.result, true}, {"note", &c.note, false}, {"points", &c.points, false}} {
		*want.at = slices.Index(names, want.name)
		switch {
		case *want.at < 0 && want.required:
			return c, &FileError{1, fmt.Sprintf("there is no column %s; there are: %s", want.name, strings.Join(names, ", "))}
		case *want.at >= 0 && slices.Contains(names[*want.at+1:], want.name):
			return c, &FileError{1, fmt.Sprintf("the column %s is there twice", want.name)}
		}
	}
	return c, nil
}

// answer reads a row; filled is false for one of blanks.
func (c columns) answer(row []string) (a Answer, filled bool) {
	cell := func(at int) string {
		if at < 0 || at >= len(row) {
			return ""
		}
		return strings.TrimSpace(row[at])
	}
	a = Answer{BizID: ledger.BizID(strings.TrimPrefix(cell(c.bizID), "'")), Note: cell(c.note)}
	a.Result = Result(strings.NewReplacer(" ", "_", "-", "_").Replace(strings.ToLower(cell(c.result))))
	if n, err := strconv.ParseInt(strings.ReplaceAll(cell(c.points), ",", ""), 10, 64); err == nil {
		a.Points = &n
	}
	return a, strings.TrimSpace(strings.Join(row, "")) != ""
}
