package feed

import (
	"archive/zip"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strconv"
	"strings"
)

// The library that writes our workbooks reads a sheet in a stream too, but it tells
// neither a number from a text, by which an id that lost its digits is known, nor a sheet
// that ends in the middle from one that is whole. So sheets are read here, and its
// reading is what the tests compare with (TestWorkbooksAreReadAsTheLibraryReadsThem).

const (
	// maxColumns is a spreadsheet's own bound.
	maxColumns = 16_384
	// maxSheetBytes bounds what is unpacked of a sheet. A row of ten cells has some 500
	// bytes, and a sheet at most 1,048,576 rows.
	maxSheetBytes = 8 << 30
	maxPartBytes  = 16 << 20
)

// workbook reads the rows of one sheet of an XLSX file.
type workbook struct {
	name     string
	file     *os.File
	texts    *texts
	sheet    io.ReadCloser
	decoder  *xml.Decoder
	cells    []cell
	row      int
	from1904 bool
}

type workbookXML struct {
	Properties struct {
		From1904 string `xml:"date1904,attr"`
	} `xml:"workbookPr"`
	Sheets []sheetXML `xml:"sheets>sheet"`
}

type sheetXML struct {
	Name  string `xml:"name,attr"`
	State string `xml:"state,attr"`
	ID    string `xml:"id,attr"`
}

type relationsXML struct {
	List []struct {
		ID     string `xml:"Id,attr"`
		Type   string `xml:"Type,attr"`
		Target string `xml:"Target,attr"`
	} `xml:"Relationship"`
}

func openWorkbook(m *Map, name string, file *os.File) (w *workbook, err error) {
	if m.onlyCSV != "" {
		return nil, &FileError{File: name, Problem: fmt.Sprintf("the map says %s, which a CSV file has, and this is a workbook: leave it out", m.onlyCSV)}
	}
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	parts, err := zip.NewReader(file, info.Size())
	if err != nil {
		return nil, &FileError{File: name, Problem: "this begins as a workbook and is none, or not all of it: " + err.Error()}
	}
	w = &workbook{name: name, file: file}
	var book workbookXML
	var relations relationsXML
	if err := w.part(parts, "xl/workbook.xml", &book); err != nil {
		return nil, err
	}
	if err := w.part(parts, "xl/_rels/workbook.xml.rels", &relations); err != nil {
		return nil, err
	}
	w.from1904 = book.Properties.From1904 == "1" || book.Properties.From1904 == "true"
	id, err := w.choose(book.Sheets, m.sheet)
	if err != nil {
		return nil, err
	}
	sheet, shared := "", ""
	for _, r := range relations.List {
		target := path.Join("xl", r.Target)
		if strings.HasPrefix(r.Target, "/") {
			target = r.Target[1:]
		}
		switch {
		case r.ID == id:
			sheet = target
		case strings.HasSuffix(r.Type, "/sharedStrings"):
			shared = target
		}
	}
	if w.texts, err = w.readTexts(parts, shared); err != nil {
		return nil, err
	}
	if w.sheet, err = openPart(parts, sheet); err != nil {
		w.texts.close()
		return nil, w.broken(err)
	}
	w.decoder = xml.NewDecoder(&limitedPart{from: w.sheet, left: maxSheetBytes})
	return w, nil
}

// choose is the id of the sheet that is read.
func (w *workbook) choose(sheets []sheetXML, asked string) (string, error) {
	var names, shown []string
	first := ""
	for _, s := range sheets {
		if asked != "" && headingKey(s.Name) == headingKey(asked) {
			return s.ID, nil
		}
		names = append(names, s.Name)
		if s.State == "" || s.State == "visible" {
			if shown = append(shown, s.Name); len(shown) == 1 {
				first = s.ID
			}
		}
	}
	switch {
	case asked != "":
		return "", &FileError{File: w.name, Problem: fmt.Sprintf("there is no sheet %s; there are: %s", asked, strings.Join(names, ", "))}
	case len(shown) == 0:
		return "", &FileError{File: w.name, Problem: "the workbook has no sheet"}
	case len(shown) > 1:
		return "", &FileError{File: w.name, Problem: fmt.Sprintf("the workbook has several sheets: say which one with `sheet:` in the map; there are: %s", strings.Join(shown, ", "))}
	}
	return first, nil
}

// part reads a small part whole.
func (w *workbook) part(parts *zip.Reader, name string, into any) error {
	part, err := openPart(parts, name)
	if err != nil {
		return w.broken(err)
	}
	defer part.Close()
	if err := xml.NewDecoder(io.LimitReader(part, maxPartBytes)).Decode(into); err != nil {
		return w.broken(fmt.Errorf("%s: %w", name, err))
	}
	return nil
}

// openPart opens a part by its name, whose capitals do not count.
func openPart(parts *zip.Reader, name string) (io.ReadCloser, error) {
	for _, f := range parts.File {
		if strings.EqualFold(f.Name, name) {
			return f.Open()
		}
	}
	return nil, fmt.Errorf("it has no part %q", name)
}

func (w *workbook) broken(err error) error {
	return &FileError{File: w.name, Row: w.row, Problem: "the workbook cannot be read: open it in a spreadsheet and save it again as .xlsx: " + err.Error()}
}

// limitedPart fails where a LimitReader would say that the part ends.
type limitedPart struct {
	from io.Reader
	left int64
}

var errLargePart = errors.New("it unpacks to more than any sheet has")

func (l *limitedPart) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errLargePart
	}
	n, err := l.from.Read(p)
	l.left -= int64(n)
	return n, err
}

// next reads up to the end of the next row that is there; rows without cells may be left
// out of a sheet.
func (w *workbook) next() ([]cell, int, error) {
	for {
		token, err := w.decoder.Token()
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, 0, w.broken(err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			if t.Name.Local == "row" {
				return w.readRow(t)
			}
		case xml.EndElement:
			if t.Name.Local == "sheetData" {
				return nil, 0, w.readRest()
			}
		}
	}
}

// readRest reads what stands behind the rows: only then is the part known to be whole.
func (w *workbook) readRest() error {
	for {
		switch _, err := w.decoder.Token(); {
		case errors.Is(err, io.EOF):
			return io.EOF
		case err != nil:
			return w.broken(err)
		}
	}
}

func (w *workbook) readRow(start xml.StartElement) ([]cell, int, error) {
	w.row++
	if n, err := strconv.Atoi(attribute(start, "r")); err == nil && n >= w.row {
		w.row = n
	}
	w.cells = w.cells[:0]
	for {
		token, err := w.decoder.Token()
		if err != nil {
			return nil, 0, w.broken(err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			if t.Name.Local != "c" {
				continue
			}
			place := len(w.cells)
			if at, ok := placeOf(strings.TrimRight(attribute(t, "r"), "0123456789")); ok && at >= place {
				place = at
			}
			if place >= maxColumns {
				return nil, 0, w.broken(fmt.Errorf("row %d has more than %d columns", w.row, maxColumns))
			}
			for len(w.cells) < place {
				w.cells = append(w.cells, cell{})
			}
			c, err := w.readCell(t)
			if err != nil {
				return nil, 0, w.broken(err)
			}
			w.cells = append(w.cells, c)
		case xml.EndElement:
			if t.Name.Local == "row" {
				return w.cells, w.row, nil
			}
		}
	}
}

func (w *workbook) readCell(start xml.StartElement) (cell, error) {
	kind := attribute(start, "t")
	var value, inline strings.Builder
	in := ""
	for {
		token, err := w.decoder.Token()
		if err != nil {
			return cell{}, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if t.Name.Local == "rPh" { // how Chinese is read aloud
				if err := w.decoder.Skip(); err != nil {
					return cell{}, err
				}
				continue
			}
			in = t.Name.Local
		case xml.CharData:
			switch in {
			case "v":
				value.Write(t)
			case "t":
				inline.Write(t)
			}
		case xml.EndElement:
			in = ""
			if t.Name.Local == "c" {
				return w.cell(kind, value.String(), inline.String())
			}
		}
	}
}

func (w *workbook) cell(kind, value, inline string) (cell, error) {
	switch kind {
	case "s":
		n, err := strconv.Atoi(strings.TrimSpace(value))
		if err != nil {
			return cell{}, fmt.Errorf("a text's number: %w", err)
		}
		text, err := w.texts.at(n)
		return cell{text: text}, err
	case "inlineStr":
		return cell{text: unescaped(inline)}, nil
	case "str":
		return cell{text: unescaped(value)}, nil
	case "b", "e", "d":
		return cell{text: value}, nil
	}
	value = strings.TrimSpace(value)
	return cell{text: value, number: value != ""}, nil
}

func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name && a.Name.Space == "" {
			return a.Value
		}
	}
	return ""
}

func (w *workbook) is1904() bool { return w.from1904 }

func (w *workbook) close() error {
	w.texts.close()
	return errors.Join(w.sheet.Close(), w.file.Close())
}
