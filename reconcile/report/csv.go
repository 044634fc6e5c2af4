package report

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"time"

	"pointsledger/desk/wording"
	"pointsledger/reconcile/match"
)

// bom tells a spreadsheet that a file is UTF-8: without it Excel in China reads GBK.
const bom = "\ufeff"

// CSVNames are all files that a report may have.
func CSVNames() []string {
	names := []string{"summary.csv", "trial_balance.csv", matchedName + ".csv", "in_transit.csv", "held.csv", "to_be_taken_back.csv", daysName + ".csv", withoutName + ".csv", "not_read.csv", "coverage.csv"}
	for _, kind := range match.Kinds() {
		names = append(names, string(kind)+".csv")
	}
	return names
}

// CSV writes the report as one file for each sheet; create has a file of a name written.
func (r *Report) CSV(ctx context.Context, create func(name string, write func(io.Writer) error) error) error {
	if err := r.readTrial(ctx); err != nil {
		return err
	}
	write := func(name string, rows func(*csv.Writer) error) error {
		return create(name+".csv", func(out io.Writer) error {
			if _, err := io.WriteString(out, bom); err != nil {
				return fmt.Errorf("write %s.csv: %w", name, err)
			}
			w := csv.NewWriter(out)
			w.UseCRLF = true
			if err := rows(w); err != nil {
				return err
			}
			if w.Flush(); w.Error() != nil {
				return fmt.Errorf("write %s.csv: %w", name, w.Error())
			}
			return nil
		})
	}
	if err := write("summary", func(w *csv.Writer) error { return r.csvBlocks(w, r.summaryBlocks()) }); err != nil {
		return err
	}
	for _, t := range r.tables() {
		if err := write(t.name, func(w *csv.Writer) error { return csvTable(ctx, w, t) }); err != nil {
			return err
		}
	}
	return write("coverage", func(w *csv.Writer) error { return r.csvBlocks(w, r.coverageBlocks()) })
}

// csvTable writes the headings and rows of a table, and no totals: a file is there to be
// reckoned with.
func csvTable(ctx context.Context, w *csv.Writer, t *table) error {
	line := make([]string, len(t.columns))
	for i := range t.columns {
		line[i] = wording.Cell(t.columns[i].title)
	}
	if err := w.Write(line); err != nil {
		return err
	}
	return t.counted(ctx, func(cells []any) error {
		for i := range t.columns {
			line[i] = csvCell(cells[i], t.columns[i].form)
		}
		return w.Write(line)
	})
}

// csvBlocks writes blocks one after the other, a blank line between two.
func (r *Report) csvBlocks(w *csv.Writer, blocks []*block) error {
	write := func(texts ...string) {
		_ = w.Write(texts) // w keeps the error
	}
	write(r.words.Title)
	write(r.heading())
	write(csvCell(r.byline(), text))
	for _, b := range blocks {
		write("")
		if b.title != "" {
			write(b.title)
		}
		if b.titled() {
			var line []string
			for i := range b.columns {
				line = append(line, b.columns[i].title)
			}
			write(line...)
		}
		for _, row := range b.rows {
			var line []string
			for i, c := range row.cells {
				line = append(line, csvCell(c.value, b.columns[i].form))
			}
			write(line...)
		}
	}
	return w.Error()
}

// csvCell is a value in a file: numbers without separators, local times without a zone, which
// spreadsheets read as times, and no text that they would take for a formula or a number.
func csvCell(v any, f form) string {
	switch v := v.(type) {
	case nil:
		return ""
	case int64:
		return strconv.FormatInt(v, 10)
	case time.Time:
		return v.Format(momentLayout)
	case dayOnly:
		return v.Format(time.DateOnly)
	case fraction:
		return strconv.FormatFloat(float64(v), 'f', -1, 64)
	case string:
		if f == name {
			return wording.DigitsCell(v)
		}
		return wording.Cell(v)
	}
	return fmt.Sprint(v)
}
