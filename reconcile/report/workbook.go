package report

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/xuri/excelize/v2"
)

// Workbook writes the report as an XLSX workbook. Rows are streamed through temporary files:
// memory does not grow with them.
func (r *Report) Workbook(ctx context.Context, out io.Writer) error {
	return r.workbook(ctx, out, maxRows)
}

func (r *Report) workbook(ctx context.Context, out io.Writer, most int64) (err error) {
	if err := r.readTrial(ctx); err != nil {
		return err
	}
	tables := r.tables()
	b := &workbook{Report: r, file: excelize.NewFile(), layout: newLayout(tables, most)}
	defer func() {
		if closed := b.file.Close(); err == nil && closed != nil {
			err = fmt.Errorf("close the workbook: %w", closed)
		}
	}()
	if err := b.prepare(tables); err != nil {
		return fmt.Errorf("prepare the workbook: %w", err)
	}
	if err := b.writeBlocks(r.words.Summary, r.words.Title, r.summaryBlocks()); err != nil {
		return fmt.Errorf("write the summary: %w", err)
	}
	for _, t := range tables {
		if err := b.writeTable(ctx, t, most); err != nil {
			return err
		}
	}
	if err := b.writeBlocks(r.words.Coverage, r.words.Coverage, r.coverageBlocks()); err != nil {
		return fmt.Errorf("write coverage and method: %w", err)
	}
	// The library packs a workbook in memory, unless it is given where to pack it.
	b.file.SetZipWriter(func(io.Writer) excelize.ZipWriter { return zip.NewWriter(out) })
	if err := b.file.Write(io.Discard); err != nil {
		return fmt.Errorf("pack the workbook: %w", err)
	}
	return nil
}

// workbook is one being written.
type workbook struct {
	*Report
	file   *excelize.File
	layout *layout
	styles styles
}

// prepare makes the sheets, in their order, and the styles.
func (b *workbook) prepare(tables []*table) error {
	w := b.words
	calculate := true
	err := b.file.SetCalcProps(&excelize.CalcPropsOptions{FullCalcOnLoad: &calculate})
	if err == nil {
		err = b.file.SetDocProps(&excelize.DocProperties{Title: w.Title + " " + b.heading(), Creator: b.MadeBy, Created: b.ReadAt.Format(time.RFC3339), Modified: b.ReadAt.Format(time.RFC3339), Language: string(b.asked.Lang)})
	}
	if err == nil {
		err = b.file.SetDefaultFont(fontName)
	}
	if err == nil {
		err = b.styles.make(b.file)
	}
	if err == nil {
		err = b.file.SetSheetName("Sheet1", w.Summary)
	}
	if err != nil {
		return err
	}
	for _, t := range tables {
		for _, p := range b.layout.parts[t.name] {
			if _, err := b.file.NewSheet(p.sheet); err != nil {
				return err
			}
		}
	}
	_, err = b.file.NewSheet(w.Coverage)
	return err
}

// begin sets how a sheet is printed and begins to write it. Widths are in characters. The
// first columns are printed, as wide as a page: all in one would be too small to read. last
// is the last row of a table, whose head every page repeats; 0 for no table.
func (b *workbook) begin(sheet string, widths []float64, printed, last int) (*excelize.StreamWriter, error) {
	size, wide, high, fit, orientation := 9, 1, 0, true, "landscape" // A4
	if err := b.file.SetSheetProps(sheet, &excelize.SheetPropsOptions{FitToPage: &fit}); err != nil {
		return nil, err
	}
	if err := b.file.SetPageLayout(sheet, &excelize.PageLayoutOptions{Size: &size, Orientation: &orientation, FitToWidth: &wide, FitToHeight: &high}); err != nil {
		return nil, err
	}
	side, top, bottom, footing := 0.4, 0.5, 0.7, 0.3 // inches
	if err := b.file.SetPageMargins(sheet, &excelize.PageLayoutMarginsOptions{Left: &side, Right: &side, Top: &top, Bottom: &bottom, Header: &footing, Footer: &footing}); err != nil {
		return nil, err
	}
	footer := fmt.Sprintf("&L%s %d&C%s&R&A", b.words.RunNo, b.Run, b.words.PageOf)
	if err := b.file.SetHeaderFooter(sheet, &excelize.HeaderFooterOptions{OddFooter: footer}); err != nil {
		return nil, err
	}
	if last > 0 {
		if err := b.file.SetDefinedName(&excelize.DefinedName{Name: "_xlnm.Print_Titles", RefersTo: fmt.Sprintf("%s$%d:$%d", quoted(sheet), headRow, headRow), Scope: sheet}); err != nil {
			return nil, err
		}
	}
	if printed < len(widths) {
		if err := b.file.SetDefinedName(&excelize.DefinedName{Name: "_xlnm.Print_Area", RefersTo: fmt.Sprintf("%s$A$1:$%s$%d", quoted(sheet), letter(printed-1), last), Scope: sheet}); err != nil {
			return nil, err
		}
	}
	stream, err := b.file.NewStreamWriter(sheet)
	if err != nil {
		return nil, err
	}
	for i, width := range widths {
		if err := stream.SetColWidth(i+1, i+1, width); err != nil {
			return nil, err
		}
	}
	return stream, nil
}

// writeTable writes a table to its sheets.
func (b *workbook) writeTable(ctx context.Context, t *table, most int64) error {
	parts := b.layout.parts[t.name]
	var s *tableSheet
	var n int64
	next := func() (err error) {
		if s != nil {
			if err := s.end(); err != nil {
				return err
			}
		}
		s, err = b.beginTable(t, parts[n/most])
		return err
	}
	if err := next(); err != nil {
		return fmt.Errorf("begin %s: %w", t.name, err)
	}
	err := t.counted(ctx, func(cells []any) error {
		if n > 0 && n%most == 0 {
			if err := next(); err != nil {
				return err
			}
		}
		n++
		return s.row(cells)
	})
	if err != nil {
		return err
	}
	if n == 0 {
		if err := s.stream.SetRow(fmt.Sprintf("A%d", firstRow), []any{excelize.Cell{StyleID: b.styles.about, Value: b.words.NoRows}}); err != nil {
			return fmt.Errorf("write %s: %w", t.name, err)
		}
	}
	if err := s.end(); err != nil {
		return fmt.Errorf("end %s: %w", t.name, err)
	}
	return nil
}

// value is a cell's value as a workbook has it, and the style that shows it.
func (b *workbook) value(v any, f form, in *look) (any, int) {
	switch v := v.(type) {
	case nil:
		return nil, in.of(text)
	case time.Time:
		return serial(v), in.of(instant)
	case dayOnly:
		return math.Floor(serial(v.Time)), in.day
	case fraction:
		return float64(v), in.of(share)
	case string:
		if f == instant || f == points || f == count || f == share {
			return v, in.of(text)
		}
		return v, in.of(f)
	}
	if f != count {
		f = points
	}
	return v, in.of(f)
}

// serial is a local time as workbooks count them: in days since 1899-12-30. A cell keeps
// 15 digits of it, of which ten are behind the point: it is the next one up, as programs
// that cut off what is below a second would show the one before.
func serial(at time.Time) float64 {
	_, offset := at.Zone()
	seconds := at.Unix() + int64(offset) + 25569*86400
	const digits = 1e10
	days, rest := seconds/86400, seconds%86400
	return float64(days) + float64(rest*digits/86400+1)/digits
}
