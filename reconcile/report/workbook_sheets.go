package report

import (
	"fmt"
	"math"

	"github.com/xuri/excelize/v2"
)

// tableSheet is a sheet of a table as it is being written.
type tableSheet struct {
	*workbook
	table  *table
	part   part
	stream *excelize.StreamWriter
	at     int
	cells  []any // used again for each row
}

// beginTable writes what stands above the rows of a table.
func (b *workbook) beginTable(t *table, p part) (*tableSheet, error) {
	last := letter(len(t.columns) - 1)
	if t.rows > 0 {
		if err := b.file.AutoFilter(p.sheet, fmt.Sprintf("A%d:%s%d", headRow, last, p.last), nil); err != nil {
			return nil, err
		}
	}
	widths, printed := make([]float64, len(t.columns)), 0
	for i := range t.columns {
		if widths[i] = t.columns[i].width; !t.columns[i].detail {
			printed = i + 1
		}
	}
	stream, err := b.begin(p.sheet, widths, printed, p.last)
	if err != nil {
		return nil, err
	}
	if err := stream.SetPanes(&excelize.Panes{Freeze: true, YSplit: headRow, TopLeftCell: fmt.Sprintf("A%d", firstRow), ActivePane: "bottomLeft"}); err != nil {
		return nil, err
	}
	s := &tableSheet{workbook: b, table: t, part: p, stream: stream, at: firstRow, cells: make([]any, len(t.columns))}
	return s, s.head(last)
}

func (s *tableSheet) head(last string) error {
	t := s.table
	if err := s.stream.SetRow("A1", []any{excelize.Cell{StyleID: s.styles.title, Value: s.part.sheet}}, excelize.RowOpts{Height: 26}); err != nil {
		return err
	}
	about := t.about + "  " + s.heading()
	if err := s.stream.MergeCell("A2", last+"2"); err != nil {
		return err
	}
	if err := s.stream.SetRow("A2", []any{excelize.Cell{StyleID: s.styles.about, Value: about}}, excelize.RowOpts{Height: lineHeight * lines(about, s.width())}); err != nil {
		return err
	}
	totals, heads := make([]any, len(t.columns)), make([]any, len(t.columns))
	totals[0] = excelize.Cell{StyleID: s.styles.total.of(text), Value: s.words.Total}
	for i := range t.columns {
		c := &t.columns[i]
		heads[i] = excelize.Cell{StyleID: s.styles.headLeft, Value: c.title}
		if c.form == points || c.form == count {
			heads[i] = excelize.Cell{StyleID: s.styles.headRight, Value: c.title}
		}
		if c.sum {
			formula := fmt.Sprintf("SUM(%s%d:%s%d)", letter(i), s.part.first, letter(i), s.part.last)
			totals[i] = excelize.Cell{StyleID: s.styles.total.of(points), Formula: formula, Value: s.total(c.key)}
		}
	}
	if !hasSum(t) {
		totals[0] = nil
	}
	if err := s.stream.SetRow(fmt.Sprintf("A%d", totalRow), totals); err != nil {
		return err
	}
	return s.stream.SetRow(fmt.Sprintf("A%d", headRow), heads, excelize.RowOpts{Height: 30})
}

func hasSum(t *table) bool {
	for i := range t.columns {
		if t.columns[i].sum {
			return true
		}
	}
	return false
}

// total is a total's value before anything is calculated. That of a table on several sheets
// is not known for each: the viewer calculates it.
func (s *tableSheet) total(key string) any {
	if len(s.layout.parts[s.table.name]) > 1 {
		return nil
	}
	return s.table.totals[key]
}

func (s *tableSheet) width() (characters float64) {
	for i := range s.table.columns {
		characters += s.table.columns[i].width
	}
	return characters
}

// row writes the next row.
func (s *tableSheet) row(cells []any) error {
	ref := func(key string) string { return fmt.Sprintf("%s%d", letter(s.table.at(key)), s.at) }
	high := 1.0
	for i := range s.table.columns {
		c := &s.table.columns[i]
		value, style := s.value(cells[i], c.form, &s.styles.row)
		if text, ok := value.(string); ok && c.form == long {
			high = max(high, lines(text, c.width))
		}
		switch {
		case c.formula != nil:
			s.cells[i] = excelize.Cell{StyleID: style, Formula: c.formula(ref), Value: value}
		case value == nil:
			s.cells[i] = nil
		default:
			s.cells[i] = excelize.Cell{StyleID: style, Value: value}
		}
	}
	var options []excelize.RowOpts
	if high > 1 {
		options = append(options, excelize.RowOpts{Height: min(lineHeight*high, maxHeight)})
	}
	err := s.stream.SetRow(fmt.Sprintf("A%d", s.at), s.cells, options...)
	s.at++
	return err
}

func (s *tableSheet) end() error { return s.stream.Flush() }

// maxHeight is that of the highest row that a workbook may have.
const maxHeight = 400

// lineHeight is that of one line of ten points.
const lineHeight = 15

// lines is how many a text takes in a column: a viewer does not find the height of a row by
// itself everywhere. Chinese takes two places, and a word that does not fit leaves some.
func lines(text string, width float64) float64 {
	places := 0.0
	for _, c := range text {
		if places++; c > 0x2e80 {
			places++
		}
	}
	return max(math.Ceil(places*1.12/width), 1)
}

// blocksWidths are the columns of a sheet of blocks.
var blocksWidths = []float64{46, 20, 16, 16, 16, 20, 18}

func blocksWidth() (characters float64) {
	for _, width := range blocksWidths {
		characters += width
	}
	return characters
}

// writeBlocks writes a sheet of blocks, one below the other.
func (b *workbook) writeBlocks(sheet, title string, blocks []*block) error {
	stream, err := b.begin(sheet, blocksWidths, len(blocksWidths), 0)
	if err != nil {
		return err
	}
	s := &blockSheet{workbook: b, stream: stream, row: 1, places: map[string]*blockPlace{}}
	for _, line := range []struct {
		text  string
		style int
	}{{title, b.styles.title}, {b.heading(), b.styles.about}, {b.byline(), b.styles.about}} {
		if err := s.wide(line.text, line.style); err != nil {
			return err
		}
	}
	// All are placed before the first is written: some refer to those below.
	row := s.row
	for _, x := range blocks {
		p := &blockPlace{block: x, rows: map[string]int{}}
		row += x.above()
		p.first = row
		for i := range x.rows {
			p.rows[x.rows[i].id] = row + i
		}
		row += len(x.rows)
		s.places[x.name] = p
	}
	for _, x := range blocks {
		if err := s.block(x); err != nil {
			return err
		}
	}
	return stream.Flush()
}

// above is how many rows stand above a block's own, the blank one included.
func (b *block) above() int {
	n := 1
	for _, some := range []bool{b.title != "", b.about != "", b.titled()} {
		if some {
			n++
		}
	}
	return n
}

func (b *block) titled() bool {
	for i := range b.columns {
		if b.columns[i].title != "" {
			return true
		}
	}
	return false
}

// blockSheet is a sheet of blocks as it is being written.
type blockSheet struct {
	*workbook
	stream *excelize.StreamWriter
	row    int
	places map[string]*blockPlace
}

// wide writes a text over all columns.
func (s *blockSheet) wide(text string, style int) error {
	if err := s.stream.MergeCell(fmt.Sprintf("A%d", s.row), fmt.Sprintf("%s%d", letter(len(blocksWidths)-1), s.row)); err != nil {
		return err
	}
	height := lineHeight * lines(text, blocksWidth())
	if style == s.styles.title {
		height = 26
	}
	err := s.stream.SetRow(fmt.Sprintf("A%d", s.row), []any{excelize.Cell{StyleID: style, Value: text}}, excelize.RowOpts{Height: height})
	s.row++
	return err
}

func (s *blockSheet) block(b *block) error {
	s.row++ // a blank one
	if b.title != "" {
		if err := s.wide(b.title, s.styles.section); err != nil {
			return err
		}
	}
	if b.about != "" {
		if err := s.wide(b.about, s.styles.about); err != nil {
			return err
		}
	}
	if b.titled() {
		heads := make([]any, len(b.columns))
		for i := range b.columns {
			style := s.styles.headLeft
			if f := b.columns[i].form; f == points || f == count {
				style = s.styles.headRight
			}
			heads[i] = excelize.Cell{StyleID: style, Value: b.columns[i].title}
		}
		if err := s.stream.SetRow(fmt.Sprintf("A%d", s.row), heads, excelize.RowOpts{Height: 30}); err != nil {
			return err
		}
		s.row++
	}
	for i := range b.rows {
		if err := s.cells(b, &b.rows[i]); err != nil {
			return err
		}
	}
	return nil
}

func (s *blockSheet) cells(b *block, row *blockRow) error {
	if len(b.columns) == 1 { // a list of sentences
		return s.wide(fmt.Sprint(row.cells[0].value), s.styles.plain.of(long))
	}
	at := &place{layout: s.layout, blocks: s.places, block: s.places[b.name], row: s.row}
	look, height := s.styles.of(row.weight), 16.0
	if b.name == heroBlock {
		look, height = &s.styles.hero, 30
	}
	cells := make([]any, len(row.cells))
	for i, c := range row.cells {
		f := b.columns[i].form
		if i == 0 && f == text {
			f = long
		}
		value, style := s.value(c.value, f, look)
		if b.name == heroBlock && i == 0 {
			style = s.styles.heroLabel
		}
		if cells[i] = (excelize.Cell{StyleID: style, Value: value}); c.formula != nil {
			cells[i] = excelize.Cell{StyleID: style, Value: value, Formula: c.formula(at)}
		}
	}
	if first, ok := row.cells[0].value.(string); ok {
		height = max(height, lineHeight*lines(first, blocksWidths[0]))
	}
	err := s.stream.SetRow(fmt.Sprintf("A%d", s.row), cells, excelize.RowOpts{Height: height})
	s.row++
	return err
}
