package report

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// form is what the cells of a column are.
type form int

const (
	text    form = iota
	name         // a text that names something, as an id: never a number
	long         // a text of several lines
	points       // an integer with thousands separators
	count        // the same, of rows
	instant      // a time.Time in the report's zone, or a dayOnly
	share        // a fraction, as a percentage
)

// dayOnly is an instant of which only the day is known.
type dayOnly struct{ time.Time }

// column is a column of a table. Its key names it in formulas.
type column struct {
	key, title string
	// short is the title where there is little room; empty is title.
	short string
	form  form
	// width is in characters.
	width float64
	// sum: its total is a sum of its rows. detail: a page and a printed sheet leave it out;
	// these stand last.
	sum, detail bool
	// formula says what its cells are of their own row; nil: what they hold.
	formula func(cell func(key string) string) string
}

// table is a sheet with one row for each thing, as long as it may be.
type table struct {
	name, title, about string
	columns            []column
	rows               int64
	// totals are by key.
	totals map[string]int64
	// each hands over the cells of one row after the other, in the order of columns. nil is an
	// empty cell. Of a long table no more than most are read; 0 is all.
	each func(ctx context.Context, most int64, row func(cells []any) error) error
}

// at is the place of a column.
func (t *table) at(key string) int {
	for i := range t.columns {
		if t.columns[i].key == key {
			return i
		}
	}
	return -1
}

// counted hands the rows over and sees that they are as many, and add up to as much, as
// the totals say: a total whose formula covers other rows would be a lie.
func (t *table) counted(ctx context.Context, row func(cells []any) error) error {
	var rows int64
	sums := map[string]int64{}
	err := t.each(ctx, 0, func(cells []any) error {
		rows++
		for i := range t.columns {
			if c := &t.columns[i]; c.sum {
				if n, ok := cells[i].(int64); ok {
					sums[c.key] += n
				}
			}
		}
		return row(cells)
	})
	if err != nil {
		return fmt.Errorf("write %s: %w", t.name, err)
	}
	if rows != t.rows {
		return fmt.Errorf("write %s: %d rows, and %d were counted", t.name, rows, t.rows)
	}
	for i := range t.columns {
		if c := &t.columns[i]; c.sum && sums[c.key] != t.totals[c.key] {
			return fmt.Errorf("write %s: the column %s adds up to %d, and %d were counted", t.name, c.key, sums[c.key], t.totals[c.key])
		}
	}
	return nil
}

// cell is a cell of a block: a value, and in a workbook the formula that leads to it.
type cell struct {
	value   any
	formula func(*place) string
}

// just is a cell without a formula.
func just(value any) cell { return cell{value: value} }

// weight is how a row of a block stands out.
type weight int

const (
	plain weight = iota
	strong
	// check is a row that must be zero.
	check
)

// blockRow is a row of a block.
type blockRow struct {
	id     string
	weight weight
	cells  []cell
}

// block is a small table that stands with others on a sheet.
type block struct {
	name, title, about string
	columns            []column
	rows               []blockRow
}

func (b *block) add(w weight, cells ...cell) {
	b.rows = append(b.rows, blockRow{weight: w, cells: cells})
}

// errEnough ends a reading that is to be no longer.
var errEnough = errors.New("enough")

// first are the first rows, most of them.
func (t *table) first(ctx context.Context, most int) ([][]any, error) {
	var rows [][]any
	err := t.each(ctx, int64(most), func(cells []any) error {
		if len(rows) == most {
			return errEnough
		}
		rows = append(rows, slices.Clone(cells))
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, fmt.Errorf("read %s: %w", t.name, err)
	}
	return rows, nil
}
