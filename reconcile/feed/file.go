package feed

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"strings"
)

// cell is a cell as the file has it; number: a workbook keeps it as a number.
type cell struct {
	text   string
	number bool
}

// source is one kind of file.
type source interface {
	// next returns the next row, or io.EOF; the cells are good until it is called again.
	next() (cells []cell, number int, err error)
	// is1904: the file counts its dates from 1904.
	is1904() bool
	close() error
}

const (
	// maxHeaderRow bounds how far down the headings may stand.
	maxHeaderRow = 1000
	// lookedThrough is how far they are looked for, to say which row they are in.
	lookedThrough = 20
)

// File is an open file whose headings were found. It is read once, by one goroutine.
type File struct {
	name   string
	m      *Map
	source source
	places map[Field][]int
	sign   int // -1: none
	titles []string
	needs  uint16
	out    LeftOut
	// footed: a row of sums was read, and notes may follow.
	footed bool
}

// Open opens a file as the map says, and finds its headings. The error is a *FileError, or that of
// reading. The caller closes.
func (m *Map) Open(path string, needs Needs) (*File, error) {
	f := &File{name: path, m: m, places: map[Field][]int{}, sign: -1}
	for _, need := range slices.Concat(needs.Filled, needs.Columns) {
		if !m.has(need) {
			return nil, &FileError{File: m.name, Problem: fmt.Sprintf("the map names no column for %s: add it under columns", need)}
		}
	}
	for _, need := range needs.Filled {
		f.needs |= need.bit()
	}
	var err error
	if f.source, err = openSource(m, path); err != nil {
		return nil, err
	}
	if err := f.findHeadings(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// has: points may stand in two columns.
func (m *Map) has(field Field) bool {
	return m.columns[field] != nil || field == Points && m.columns[PointsIn] != nil
}

func openSource(m *Map, path string) (source, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open the file: %w", err)
	}
	begins := make([]byte, 512)
	n, err := io.ReadFull(file, begins)
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read %s: %w", path, err), file.Close())
	}
	begins = begins[:n]
	var s source
	switch lower := bytes.ToLower(bytes.TrimLeft(bytes.TrimPrefix(begins, []byte(bom)), " \r\n\t")); {
	case bytes.HasPrefix(begins, []byte("PK\x03\x04")):
		s, err = openWorkbook(m, path, file)
	case bytes.HasPrefix(begins, []byte{0xd0, 0xcf, 0x11, 0xe0}):
		err = &FileError{File: path, Problem: "this is an old .xls workbook, or one with a password: save it as .xlsx without one"}
	case bytes.HasPrefix(lower, []byte("<")):
		err = &FileError{File: path, Problem: "this is a web page or XML, whatever it is called: open it in a spreadsheet and save it as .xlsx"}
	case len(lower) == 0 && n < cap(begins):
		err = &FileError{File: path, Problem: "the file is empty"}
	default:
		s, err = openCSV(m, path, file)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return s, nil
}

// findHeadings reads up to the row of the headings, and finds the columns by them.
func (f *File) findHeadings() error {
	if f.m.headerRow == 0 {
		return f.findColumns(nil)
	}
	for {
		cells, number, err := f.source.next()
		switch {
		case errors.Is(err, io.EOF):
			return &FileError{File: f.name, Problem: fmt.Sprintf("the file has no row %d, in which the map looks for the headings (header_row)", f.m.headerRow)}
		case err != nil:
			return err
		case number < f.m.headerRow:
			continue
		case number > f.m.headerRow && f.m.headerRow > 1:
			return &FileError{File: f.name, Row: f.m.headerRow, Problem: fmt.Sprintf("row %d, in which the map looks for the headings (header_row), is empty", f.m.headerRow)}
		}
		return f.findColumns(titlesOf(cells))
	}
}

func titlesOf(cells []cell) []string {
	titles := make([]string, len(cells))
	for i, c := range cells {
		titles[i] = strings.Join(strings.Fields(cleaned(c.text)), " ")
	}
	return titles
}

func (f *File) findColumns(titles []string) error {
	f.titles = titles
	for _, field := range fields {
		for _, ref := range f.m.columns[field] {
			place, err := f.find(string(field), ref)
			if err != nil {
				return err
			}
			f.places[field] = append(f.places[field], place)
		}
	}
	if f.m.sign == nil {
		return nil
	}
	place, err := f.find("sign", f.m.sign.ref)
	f.sign = place
	return err
}

func (f *File) find(what string, ref columnRef) (int, error) {
	if ref.heading == "" {
		return ref.place, nil
	}
	found := -1
	for i, title := range f.titles {
		switch {
		case headingKey(title) != ref.heading:
		case found >= 0:
			return 0, &FileError{File: f.name, Row: f.m.headerRow, Problem: fmt.Sprintf("the heading %s, which the map has for %s, is there twice, in columns %s and %s: write {column: %s} or {column: %s} in its place",
				title, what, lettersOf(found), lettersOf(i), lettersOf(found), lettersOf(i))}
		default:
			found = i
		}
	}
	if found >= 0 {
		return found, nil
	}
	return 0, &FileError{File: f.name, Row: f.m.headerRow, Problem: fmt.Sprintf("there is no column %s, which the map has for %s; there are: %s%s", ref.written, what, f.shownTitles(), f.elsewhere(ref.heading))}
}

func (f *File) shownTitles() string {
	var shown []string
	for _, title := range f.titles {
		if title != "" {
			shown = append(shown, shortened(title))
		}
	}
	return strings.Join(shown, ", ")
}

// elsewhere says in which of the next rows a heading stands.
func (f *File) elsewhere(heading string) string {
	for range lookedThrough {
		cells, number, err := f.source.next()
		if err != nil {
			return ""
		}
		if slices.ContainsFunc(cells, func(c cell) bool { return headingKey(c.text) == heading }) {
			return fmt.Sprintf(". Row %d has it: if the headings stand there, write `header_row: %d` into the map", number, number)
		}
	}
	return ""
}

// Rows yields the rows in their order. A *CellError is about one cell of the row beside it, and
// the rows after it can be read; any other error is the last.
func (f *File) Rows() iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for {
			cells, number, err := f.source.next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(Row{}, err)
				return
			}
			row, use, err := f.read(cells, number)
			if (use || err != nil) && !yield(row, err) {
				return
			}
		}
	}
}

// LeftOut counts what Rows has left out so far.
func (f *File) LeftOut() LeftOut { return f.out }

// Close closes the file.
func (f *File) Close() error { return f.source.close() }
