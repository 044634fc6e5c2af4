package feed

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
)

const (
	utf8Name = "utf-8"
	gbName   = "gb18030"
	// maxRecordBytes bounds a row, so that a quotation mark that is never closed does not
	// read the whole file into memory.
	maxRecordBytes = 1 << 20
	bom            = "\ufeff"
)

// csvSource reads the rows of a CSV file.
type csvSource struct {
	name    string
	file    *os.File
	limited *limitedReader
	rows    *csv.Reader
	cells   []cell
	gb      bool
}

// limitedReader fails when too much is read for one row.
type limitedReader struct {
	from io.Reader
	left int
}

var errLongRow = errors.New("a row has more than 1 MB: is a quotation mark not closed?")

func (l *limitedReader) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errLongRow
	}
	n, err := l.from.Read(p)
	l.left -= n
	return n, err
}

func openCSV(m *Map, name string, file *os.File) (*csvSource, error) {
	if m.onlyWorkbook != "" {
		return nil, &FileError{File: name, Problem: fmt.Sprintf("the map says %s, which a workbook has, and this is a CSV file: leave it out", m.onlyWorkbook)}
	}
	head := bufio.NewReaderSize(file, 1<<16)
	begins, _ := head.Peek(1 << 16) // An error comes again when it is read.
	marked := bytes.HasPrefix(begins, []byte(bom))
	var from io.Reader = head
	switch {
	case bytes.HasPrefix(begins, []byte{0xff, 0xfe}) || bytes.HasPrefix(begins, []byte{0xfe, 0xff}):
		return nil, &FileError{File: name, Problem: "this is UTF-16: save it as CSV UTF-8"}
	case marked:
		_, _ = head.Discard(len(bom))
	case m.encoding == gbName:
		from = simplifiedchinese.GB18030.NewDecoder().Reader(head)
		begins, _ = simplifiedchinese.GB18030.NewDecoder().Bytes(begins)
	}
	s := &csvSource{name: name, file: file, limited: &limitedReader{from: from}, gb: m.encoding == gbName && !marked}
	s.rows = csv.NewReader(s.limited)
	s.rows.Comma, s.rows.FieldsPerRecord, s.rows.ReuseRecord, s.rows.LazyQuotes = m.delimiter, -1, true, m.lazy
	if m.delimiter == 0 {
		s.rows.Comma = delimiterOf(begins, m.headerRow)
	}
	return s, nil
}

// delimiterOf is what stands most often between the headings.
func delimiterOf(begins []byte, headerRow int) rune {
	for range headerRow - 1 {
		_, begins, _ = bytes.Cut(begins, []byte("\n"))
	}
	line, _, _ := strings.Cut(string(begins), "\n")
	best := ','
	for _, c := range ";\t|" {
		if strings.Count(line, string(c)) > strings.Count(line, string(best)) {
			best = c
		}
	}
	return best
}

func (s *csvSource) next() ([]cell, int, error) {
	s.limited.left = maxRecordBytes
	record, err := s.rows.Read()
	if err != nil {
		return nil, 0, s.readError(err)
	}
	line, _ := s.rows.FieldPos(0)
	s.cells = s.cells[:0]
	for i, text := range record {
		if !utf8.ValidString(text) {
			return nil, 0, &FileError{File: s.name, Row: line, Problem: fmt.Sprintf("column %s is not UTF-8: write `encoding: gb18030` into the map, or save the file as CSV UTF-8", lettersOf(i))}
		}
		if s.gb && strings.ContainsRune(text, utf8.RuneError) {
			return nil, 0, &FileError{File: s.name, Row: line, Problem: fmt.Sprintf("column %s is not GB18030, as the map says: leave `encoding` out for UTF-8", lettersOf(i))}
		}
		s.cells = append(s.cells, cell{text: text})
	}
	return s.cells, line, nil
}

func (s *csvSource) readError(err error) error {
	var parse *csv.ParseError
	switch {
	case errors.Is(err, io.EOF):
		return io.EOF
	case errors.As(err, &parse) && errors.Is(err, csv.ErrBareQuote):
		return &FileError{File: s.name, Row: parse.Line, Problem: "a quotation mark stands inside a cell that has none around it: `quotes: lazy` in the map reads it as it stands"}
	case errors.As(err, &parse):
		return &FileError{File: s.name, Row: parse.Line, Problem: "a quotation mark is not closed, or something stands behind it: `quotes: lazy` in the map reads one that stands inside a cell"}
	case errors.Is(err, errLongRow):
		return &FileError{File: s.name, Problem: err.Error()}
	}
	return fmt.Errorf("read %s: %w", s.name, err)
}

func (s *csvSource) is1904() bool { return false }

func (s *csvSource) close() error { return s.file.Close() }
