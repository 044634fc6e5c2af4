package report

import "cmp"

// Block is a part of the summary for a terminal: lines of a label and a text, or a table.
type Block struct {
	Name, Title, About string
	// Columns are empty for lines.
	Columns []BlockColumn
	Rows    [][]string
}

// BlockColumn is a column of a block; numbers stand on the right.
type BlockColumn struct {
	Title string
	Right bool
}

// Blocks are the summary: the number that must be zero first, then what leads to it, what
// waits, and what was not compared.
func (r *Report) Blocks() []Block {
	var blocks []Block
	for _, b := range append(r.summaryBlocks(), r.countsBlock()) {
		shows := Block{Name: b.name, Title: b.title, About: b.about}
		if b.titled() {
			for i := range b.columns {
				f := b.columns[i].form
				shows.Columns = append(shows.Columns, BlockColumn{cmp.Or(b.columns[i].short, b.columns[i].title), f == points || f == count})
			}
		}
		for _, row := range b.rows {
			texts := make([]string, len(b.columns))
			for i, c := range row.cells {
				texts[i] = shown(c.value)
			}
			shows.Rows = append(shows.Rows, texts)
		}
		blocks = append(blocks, shows)
	}
	return blocks
}

// Title is what the report is called, and Heading what it is of.
func (r *Report) Title() string { return r.words.Title }

// Heading names the comparison, its account and its window; Byline what its records are from.
func (r *Report) Heading() string { return r.heading() }

// Byline says what the records are from and when the report was made.
func (r *Report) Byline() string { return r.byline() }
