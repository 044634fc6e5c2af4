package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"pointsledger/reconcile/match"
)

// everyCell hands over all cells that hold something.
func everyCell(t *testing.T, book *excelize.File, each func(sheet, cell, formula string)) {
	t.Helper()
	for _, sheet := range book.GetSheetList() {
		rows, err := book.GetRows(sheet, excelize.Options{RawCellValue: true})
		if err != nil {
			t.Fatal(err)
		}
		for r, row := range rows {
			for column := range row {
				cell, err := excelize.CoordinatesToCellName(column+1, r+1)
				if err != nil {
					t.Fatal(err)
				}
				formula, err := book.GetCellFormula(sheet, cell)
				if err != nil {
					t.Fatal(err)
				}
				each(sheet, cell, formula)
			}
		}
	}
}

func openBook(t *testing.T, path string) *excelize.File {
	t.Helper()
	book, err := excelize.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = book.Close() })
	return book
}

// find is the cell to the right of a text in the first column.
func find(t *testing.T, book *excelize.File, sheet, label, column string) string {
	t.Helper()
	rows, err := book.GetRows(sheet)
	if err != nil {
		t.Fatal(err)
	}
	for r, row := range rows {
		if len(row) > 0 && row[0] == label {
			return fmt.Sprintf("%s%d", column, r+1)
		}
	}
	t.Fatalf("sheet %s lacks %q", sheet, label)
	return ""
}

// Each formula has the value that a recalculation gives, whatever was compared; and a changed row
// moves its total, the summary and the number that must be zero.
func TestWorkbookAddsUp(t *testing.T) {
	t.Parallel()
	c := newConsole(t, "reconcile_test_workbook")
	run := c.month()
	for _, lang := range []string{"en", "zh"} {
		folder, _ := c.written(run, lang)
		book := openBook(t, filepath.Join(folder, "r.xlsx"))
		formulas := 0
		everyCell(t, book, func(sheet, cell, formula string) {
			if formula == "" {
				return
			}
			formulas++
			cached, err := book.GetCellValue(sheet, cell, excelize.Options{RawCellValue: true})
			if err != nil {
				t.Fatal(err)
			}
			found, err := book.CalcCellValue(sheet, cell, excelize.Options{RawCellValue: true})
			if err != nil || found != cached || cached == "" {
				t.Errorf("%s!%s: =%s is %q, %v, and %q was written", sheet, cell, formula, found, err, cached)
			}
		})
		if formulas < 100 {
			t.Errorf("%s: %d formulas", lang, formulas)
		}
	}
	folder, _ := c.written(run, "en")
	book := openBook(t, filepath.Join(folder, "r.xlsx"))
	value := func(sheet, cell string) string {
		t.Helper()
		found, err := book.CalcCellValue(sheet, cell, excelize.Options{RawCellValue: true})
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	zero, apart := find(t, book, "Summary", "Unexplained items (must be 0)", "B"), find(t, book, "Summary", "Points by which they differ", "B")
	check, pairs := find(t, book, "Summary", "Check (must be 0)", "D"), find(t, book, "Summary", "Matched by reference", "C")
	if value("Summary", zero) != "7" || value("Summary", apart) != "367" || value("Summary", check) != "0" || value("Summary", pairs) != "1200" {
		t.Errorf("summary: %s %s %s %s", value("Summary", zero), value("Summary", apart), value("Summary", check), value("Summary", pairs))
	}
	for _, change := range []struct {
		sheet, cell string
		value       any
	}{{"Only at the vendor", "G5", 75}, {"Other points", "L5", "wu"}, {"Matched", "E5", 101}} {
		if err := book.SetCellValue(change.sheet, change.cell, change.value); err != nil {
			t.Fatal(err)
		}
	}
	if value("Only at the vendor", "G3") != "75" || value("Summary", zero) != "6" || value("Summary", apart) != "282" || value("Summary", check) != "5" || value("Summary", pairs) != "1201" {
		t.Errorf("changed: %s %s %s %s %s", value("Only at the vendor", "G3"), value("Summary", zero), value("Summary", apart), value("Summary", check), value("Summary", pairs))
	}
}

// A text from outside is a text in every cell, ids are texts, and times are times.
func TestNoTextIsAFormula(t *testing.T) {
	t.Parallel()
	c := newConsole(t, "reconcile_test_formulas")
	folder, _ := c.written(c.month(), "en")
	book := openBook(t, filepath.Join(folder, "r.xlsx"))
	quoted := map[string]bool{}
	everyCell(t, book, func(sheet, cell, formula string) {
		kind, err := book.GetCellType(sheet, cell)
		if err != nil {
			t.Fatal(err)
		}
		text, err := book.GetCellValue(sheet, cell, excelize.Options{RawCellValue: true})
		if err != nil {
			t.Fatal(err)
		}
		outside := strings.Contains(text, "HYPERLINK") || strings.HasPrefix(text, "@") || text == "+SO" || text == "-SO" || strings.HasPrefix(text, "+86")
		if strings.Contains(formula, "HYPERLINK") || outside && (formula != "" || kind != excelize.CellTypeInlineString) {
			t.Errorf("%s!%s: %q, =%s, type %v", sheet, cell, text, formula, kind)
		}
		if outside {
			quoted[text] = true
		}
		if text == member && kind != excelize.CellTypeInlineString {
			t.Errorf("%s!%s: an id of type %v", sheet, cell, kind)
		}
	})
	for _, text := range []string{evil, "@SO", "+SO", "-SO", "@lin", "+86 138****5678"} {
		if !quoted[text] {
			t.Errorf("%q is nowhere", text)
		}
	}
	at, err := book.GetCellValue("Matched", "D5")
	if err != nil || !strings.HasPrefix(at, "2") || len(at) != len("2026-11-20 12:00:00") {
		t.Errorf("posted at %q, %v", at, err)
	}
	// No cell of a file is one, either.
	for _, kind := range match.Kinds() {
		csvRows(t, filepath.Join(folder, "csv", string(kind)+".csv"))
	}
	rows := csvRows(t, filepath.Join(folder, "csv", "matched.csv"))
	if rows[1][1] != "\t"+member || rows[1][2] != "'"+evil {
		t.Errorf("CSV: %q", rows[1])
	}
}
