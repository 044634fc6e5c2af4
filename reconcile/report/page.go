package report

import (
	"context"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"time"

	"pointsledger/desk/wording"
)

// pageRows are the rows that the page shows of each table.
const pageRows = 50

//go:embed page.tmpl
var pageText string

//go:embed page.css
var pageStyle string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// Page writes the report as one page that needs nothing beside it: no script, no font, no
// picture from elsewhere. Of long tables it shows the first rows.
func (r *Report) Page(ctx context.Context, out io.Writer) error {
	if err := r.readTrial(ctx); err != nil {
		return err
	}
	v := pageView{W: r.words, Lang: string(r.asked.Lang), Style: template.CSS(pageStyle), Heading: r.heading(), Byline: r.byline(), Zero: r.Unexplained == 0, Partly: r.partly(),
		Unexplained: wording.Count(r.Unexplained), Points: wording.Count(r.UnexplainedPoints), Days: r.daysSVG(), Kinds: r.kindsSVG()}
	if v.Lang == string(Chinese) {
		v.Lang = "zh-CN"
	}
	for _, f := range []struct {
		label  string
		points int64
	}{{r.words.LedgerPoints, r.LedgerPoints}, {r.words.VendorPoints, r.VendorPoints}, {r.words.Difference, r.DifferencePoints}} {
		v.Cards = append(v.Cards, card{f.label, wording.Count(f.points)})
	}
	covered := "–"
	if r.Postings > 0 {
		covered = percent(fraction(r.Coverage))
	}
	v.Cards = append(v.Cards, card{r.words.CoverageShare, covered})
	for _, b := range r.summaryBlocks()[1:] {
		v.Summary = append(v.Summary, r.pageBlock(b))
	}
	tables := r.tables()
	for _, t := range append(tables[1:], tables[0]) { // the trial balance comes last
		if t.name == matchedName || t.name == daysName || t.rows == 0 {
			continue
		}
		rows, err := t.first(ctx, pageRows)
		if err != nil {
			return err
		}
		v.Tables = append(v.Tables, r.pageTable(t, rows))
	}
	for _, b := range r.coverageBlocks() {
		v.Coverage = append(v.Coverage, r.pageBlock(b))
	}
	if err := pageTemplate.Execute(out, &v); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

type card struct{ Label, Value string }

// pageView is what the page shows.
type pageView struct {
	W                                    *words
	Lang                                 string
	Style                                template.CSS
	Heading, Byline, Unexplained, Points string
	Zero                                 bool // nothing is unexplained
	// Partly is said in the place of a zero that is one of a part alone.
	Partly                    string
	Cards                     []card
	Days                      daysChart
	Kinds                     kindsChart
	Summary, Tables, Coverage []pageSection
}

// pageSection is a table of the page.
type pageSection struct {
	Name, Title, About, More string
	// List: sentences, and no table. Titled: it has headings.
	List, Titled bool
	Heads        []pageCell
	Rows         []pageRow
	Foot         []pageCell
}

type pageRow struct {
	Class string
	Cells []pageCell
}

// pageCell is a cell and the class that shows it; Head is its column's title.
type pageCell struct{ Text, Class, Head string }

func (r *Report) pageBlock(b *block) pageSection {
	s := pageSection{Name: b.name, Title: b.title, About: b.about, List: len(b.columns) == 1, Titled: b.titled()}
	for i := range b.columns {
		s.Heads = append(s.Heads, pageCell{Text: b.columns[i].title, Class: class(b.columns[i].form)})
	}
	for i := range b.rows {
		row := pageRow{Class: map[weight]string{strong: "strong", check: "check"}[b.rows[i].weight]}
		for n, c := range b.rows[i].cells {
			row.Cells = append(row.Cells, pageCell{shown(c.value), class(b.columns[n].form), b.columns[n].title})
		}
		for n := len(row.Cells); n < len(b.columns); n++ {
			row.Cells = append(row.Cells, pageCell{})
		}
		if b.rows[i].weight == check && !allZero(b.rows[i].cells) {
			row.Class += " bad"
		}
		s.Rows = append(s.Rows, row)
	}
	return s
}

func allZero(cells []cell) bool {
	for _, c := range cells {
		if n, ok := c.value.(int64); ok && n != 0 {
			return false
		}
	}
	return true
}

func (r *Report) pageTable(t *table, rows [][]any) pageSection {
	s := pageSection{Name: t.name, Title: t.title, About: t.about, Titled: true}
	for i := range t.columns {
		if c := &t.columns[i]; !c.detail {
			s.Heads = append(s.Heads, pageCell{Text: c.title, Class: class(c.form)})
			total := pageCell{Class: class(c.form), Head: c.title}
			if c.sum {
				total.Text = wording.Count(t.totals[c.key])
			}
			s.Foot = append(s.Foot, total)
		}
	}
	if s.Foot[0].Text == "" {
		s.Foot[0].Text = r.words.Total
	}
	if !hasSum(t) {
		s.Foot = nil
	}
	for _, cells := range rows {
		var row pageRow
		for i := range t.columns {
			if c := &t.columns[i]; !c.detail {
				row.Cells = append(row.Cells, shownAs(cells[i], c))
			}
		}
		s.Rows = append(s.Rows, row)
	}
	if int64(len(rows)) < t.rows {
		s.More = fmt.Sprintf(r.words.FirstRows, wording.Count(int64(len(rows))), wording.Count(t.rows))
	}
	return s
}

// shownAs is a cell of a table; a name and a few words are broken only when they are long.
func shownAs(v any, c *column) pageCell {
	cell := pageCell{shown(v), class(c.form), c.title}
	if c.form == name || c.form == text {
		if cell.Class = "id"; len(cell.Text) > 24 {
			cell.Class = "id wide"
		}
	}
	return cell
}

// class is the style of a form.
func class(f form) string {
	return map[form]string{points: "n", count: "n", name: "id", instant: "at", long: "long"}[f]
}

// shown is a value for people.
func shown(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case int64:
		return wording.Count(v)
	case time.Time:
		return v.Format(momentLayout)
	case dayOnly:
		return v.Format(time.DateOnly)
	case fraction:
		return percent(v)
	}
	return fmt.Sprint(v)
}

// percent never says 100 of what is less.
func percent(f fraction) string {
	if f < 1 && f > 0.9999 {
		return "> 99.99 %"
	}
	return fmt.Sprintf("%.2f %%", 100*float64(f))
}
