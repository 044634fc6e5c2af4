package report

import (
	"fmt"
	"strings"

	"github.com/xuri/excelize/v2"
)

// Where things stand on the sheets of rows.
const (
	titleRow, aboutRow, totalRow, headRow, firstRow = 1, 2, 3, 4, 5

	// maxRows are on one sheet; the rest goes on in the next. A sheet ends at 1,048,576.
	maxRows = 1_000_000
)

// part is a sheet of a table: the rows from first to last.
type part struct {
	sheet       string
	first, last int
}

// layout knows where everything of a workbook stands, before any of it is written.
type layout struct {
	parts  map[string][]part
	tables map[string]*table
}

// newLayout places tables on sheets; most rows are on each.
func newLayout(tables []*table, most int64) *layout {
	l := &layout{parts: map[string][]part{}, tables: map[string]*table{}}
	for _, t := range tables {
		l.tables[t.name] = t
		left := t.rows
		for n := 1; n == 1 || left > 0; n++ {
			sheet := t.title
			if n > 1 {
				sheet = fmt.Sprintf("%s (%d)", t.title, n)
			}
			here := min(left, most)
			// A sheet without rows has a place for one: a formula needs a range.
			l.parts[t.name] = append(l.parts[t.name], part{sheet, firstRow, firstRow + int(max(here, 1)) - 1})
			left -= here
		}
	}
	return l
}

// letter is the name of a column, from 0.
func letter(at int) string {
	text, err := excelize.ColumnNumberToName(at + 1)
	if err != nil {
		return "A" // at is the place of a column in a list of some twenty
	}
	return text
}

func quoted(sheet string) string { return "'" + strings.ReplaceAll(sheet, "'", "''") + "'!" }

// span is the cells of a column on a part of a table.
func (l *layout) span(t *table, p part, key string) string {
	at := letter(t.at(key))
	return fmt.Sprintf("%s$%s$%d:$%s$%d", quoted(p.sheet), at, p.first, at, p.last)
}

// each joins what is said of each part of a table.
func (l *layout) each(name string, say func(t *table, p part) string) string {
	var said []string
	for _, p := range l.parts[name] {
		said = append(said, say(l.tables[name], p))
	}
	return strings.Join(said, "+")
}

// blockPlace is where a block stands on its sheet.
type blockPlace struct {
	*block
	first int
	rows  map[string]int
}

// place is a row of a block, for the formulas of its cells.
type place struct {
	*layout
	blocks map[string]*blockPlace
	block  *blockPlace
	row    int
}

func (p *place) column(b *blockPlace, key string) string {
	for i := range b.columns {
		if b.columns[i].key == key {
			return letter(i)
		}
	}
	return "A"
}

// cell is a cell of the same row.
func (p *place) cell(key string) string { return fmt.Sprintf("%s%d", p.column(p.block, key), p.row) }

// of is a cell of a named row, of a block on the same sheet.
func (p *place) of(block, row, key string) string {
	b := p.blocks[block]
	return fmt.Sprintf("%s%d", p.column(b, key), b.rows[row])
}

// above adds up the rows of the block above this one.
func (p *place) above(key string) string {
	at := p.column(p.block, key)
	return fmt.Sprintf("SUM(%s%d:%s%d)", at, p.block.first, at, max(p.row-1, p.block.first))
}

// total is the total of a column of a table, which stands above its rows.
func (p *place) total(name, key string) string {
	return p.each(name, func(t *table, of part) string {
		return fmt.Sprintf("%s$%s$%d", quoted(of.sheet), letter(t.at(key)), totalRow)
	})
}

// countRows counts the rows of a table that have a column.
func (p *place) countRows(name, key string) string {
	return p.each(name, func(t *table, of part) string { return "COUNTA(" + p.span(t, of, key) + ")" })
}

// countBlank counts those that have it not.
func (p *place) countBlank(name, key string) string {
	return p.each(name, func(t *table, of part) string { return "COUNTBLANK(" + p.span(t, of, key) + ")" })
}

// sumIf adds up a column over the rows that have a word in another; countIf counts them.
func (p *place) sumIf(name, key, by, word string) string {
	return p.sumIfs(name, key, [][2]string{{by, literal(word)}})
}

func (p *place) countIf(name, by, word string) string {
	return p.countIfs(name, [][2]string{{by, literal(word)}})
}

// literal is one of our own words in a formula.
func literal(word string) string { return `"` + strings.ReplaceAll(word, `"`, `""`) + `"` }

// sumIfs adds up a column over the rows whose columns equal what is given; countIfs counts
// them.
func (p *place) sumIfs(name, key string, same [][2]string) string {
	return p.each(name, func(t *table, of part) string {
		return "SUMIFS(" + p.span(t, of, key) + "," + p.criteria(t, of, same) + ")"
	})
}

func (p *place) countIfs(name string, same [][2]string) string {
	return p.each(name, func(t *table, of part) string { return "COUNTIFS(" + p.criteria(t, of, same) + ")" })
}

func (p *place) criteria(t *table, of part, same [][2]string) string {
	var said []string
	for _, s := range same {
		said = append(said, p.span(t, of, s[0])+","+s[1])
	}
	return strings.Join(said, ",")
}
