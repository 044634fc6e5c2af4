package feed

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// maxIDBytes is what no id is longer than; it keeps a whole text from being taken for one.
const maxIDBytes = 256

// read reads a row; use is false for one that is left out.
func (f *File) read(cells []cell, number int) (row Row, use bool, err error) {
	row.Number = number
	if f.leftOut(cells) {
		return row, false, nil
	}
	way, use, err := f.way(cells, number)
	if !use || err != nil {
		return row, false, err
	}
	for _, field := range fields {
		places := f.places[field]
		if places == nil {
			continue
		}
		c := at(cells, places[0])
		if len(places) > 1 {
			c = f.joined(cells, places, field)
		}
		if cleaned(c.text) == "" {
			continue
		}
		row.filled |= field.bit()
		if want := f.set(&row, field, c); want != "" {
			return row, false, f.refused(row.Number, places[0], c, want)
		}
	}
	if row.filled&(PointsIn.bit()|PointsOut.bit()) != 0 {
		row.filled |= Points.bit()
	}
	switch {
	case way > 0 && row.Points < 0:
		return row, false, f.refused(number, f.placeFor(Points), at(cells, f.placeFor(Points)), "points that are not below 0 in a row of this kind (sign.plus)")
	case way < 0:
		row.Points = -max(row.Points, -row.Points)
	}
	if lacks := f.needs &^ row.filled; lacks != 0 {
		for _, field := range fields {
			if lacks&field.bit() != 0 {
				return row, false, f.refused(row.Number, f.placeFor(field), cell{}, wants[field])
			}
		}
	}
	return row, true, nil
}

// placeFor is where a field would stand.
func (f *File) placeFor(field Field) int {
	if field == Points && f.places[Points] == nil {
		field = PointsIn
	}
	return f.places[field][0]
}

var wants = map[Field]string{
	Member: "a member's id", Points: "a whole number of points", PointsIn: "a whole number of points", PointsOut: "a whole number of points", Text: "a text",
	At: wantTime, Order: "an order number", Shop: "a shop",
}

// set reads one cell into the row; want is what is wanted when it cannot be read.
func (f *File) set(row *Row, field Field, c cell) (want string) {
	var ok bool
	switch field {
	case Member:
		row.Member, want = f.id(c)
	case Order:
		row.Order, want = f.id(c)
	case Shop:
		row.Shop, want = f.id(c)
	case Text:
		row.Text = cleaned(c.text)
	case Points:
		row.Points, ok = points(c)
	case PointsIn, PointsOut:
		var n int64
		n, ok = points(c)
		if field == PointsOut {
			n = -max(n, -n)
		}
		if n != 0 && row.Points != 0 {
			return "points given or taken, and not both in one row"
		}
		row.Points += n
	case At:
		row.At, row.DateOnly, ok = f.m.at(c, f.source.is1904())
	case Amount:
		var d decimal
		if d, ok = decimalOf(c); ok {
			row.AmountFen, ok = d.scaled(f.m.decimals)
		}
		if !ok {
			return wantAmounts[f.m.decimals]
		}
	}
	if want == "" && !ok && field != Member && field != Order && field != Shop && field != Text {
		want = wants[field]
	}
	return want
}

var wantAmounts = map[int]string{2: "an amount in yuan with at most two decimals (amount_unit: fen, if it is in fen)", 0: "a whole number of fen (amount_unit: yuan, if it is in yuan)"}

func points(c cell) (int64, bool) {
	d, ok := decimalOf(c)
	if !ok {
		return 0, false
	}
	return d.scaled(0)
}

func (f *File) id(c cell) (id, want string) {
	id, want = idOf(c)
	switch {
	case want != "":
	case strings.ContainsRune(id, utf8.RuneError):
		want = "an id: a character of it was lost when the file was written"
	case len(id) > maxIDBytes:
		want = "an id of at most 256 bytes"
	case strings.HasPrefix(id, "#") && spreadsheetErrors[id]:
		want = "an id: this is a spreadsheet's error"
	}
	return id, want
}

var spreadsheetErrors = map[string]bool{"#N/A": true, "#REF!": true, "#VALUE!": true, "#NAME?": true, "#DIV/0!": true, "#NULL!": true, "#NUM!": true}

// way is 1 or -1 when a column of its own says which way the points go; use is false when
// the row is of a kind that is ignored.
func (f *File) way(cells []cell, number int) (way int, use bool, err error) {
	if f.sign < 0 {
		return 0, true, nil
	}
	s := f.m.sign
	c := at(cells, f.sign)
	text := cleaned(c.text)
	switch {
	case slices.Contains(s.Ignore, text):
		f.out.Ignored++
		return 0, false, nil
	case slices.Contains(s.Plus, text):
		return 1, true, nil
	case slices.Contains(s.Minus, text):
		return -1, true, nil
	}
	return 0, false, f.refused(number, f.sign, c, "one of the map's sign: "+strings.Join(slices.Concat(s.Plus, s.Minus, s.Ignore), ", "))
}

func (f *File) refused(row, place int, c cell, want string) *CellError {
	column := lettersOf(place)
	if place < len(f.titles) && f.titles[place] != "" {
		column = f.titles[place]
	}
	return &CellError{File: f.name, Row: row, Column: column, Value: cleaned(c.text), Want: want}
}

func at(cells []cell, place int) cell {
	if place >= len(cells) {
		return cell{}
	}
	return cells[place]
}

// joined is the text of several cells, with spaces between. A date and a time that a
// workbook keeps as numbers are written out first.
func (f *File) joined(cells []cell, places []int, field Field) cell {
	var parts []string
	for _, place := range places {
		c := at(cells, place)
		text := cleaned(c.text)
		if c.number && field == At {
			text = f.m.dateOrClock(text, f.source.is1904())
		}
		if text != "" {
			parts = append(parts, text)
		}
	}
	return cell{text: strings.Join(parts, " ")}
}
