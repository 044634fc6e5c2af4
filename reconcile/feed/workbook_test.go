package feed_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"pointsledger/reconcile/feed"
)

// book saves a workbook with the rows of one sheet, and returns its path.
func book(t testing.TB, edit func(*excelize.File), rows ...[]any) string {
	t.Helper()
	f := excelize.NewFile()
	for i, row := range rows {
		if err := f.SetSheetRow("Sheet1", fmt.Sprintf("A%d", i+1), &row); err != nil {
			t.Fatal(err)
		}
	}
	if edit != nil {
		edit(f)
	}
	path := filepath.Join(t.TempDir(), "f.xlsx")
	if err := f.SaveAs(path); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// edited rewrites one part of a workbook.
func edited(t testing.TB, path, part string, edit func(string) string) string {
	t.Helper()
	from, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	var out bytes.Buffer
	to := zip.NewWriter(&out)
	for _, f := range from.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if f.Name == part {
			text = []byte(edit(string(text)))
		}
		w, err := to.Create(f.Name)
		if err == nil {
			_, err = w.Write(text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	return write(t, "f.xlsx", out.String())
}

const sheet1 = "xl/worksheets/sheet1.xml"

var headings = []any{"会员ID", "积分变动", "备注", "时间"}

func TestWorkbookIsReadAsItWasMeant(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 20, 9, 5, 0, 0, time.UTC)
	rich := func(f *excelize.File) {
		if err := f.SetCellRichText("Sheet1", "C2", []excelize.RichTextRun{{Text: "消费 "}, {Text: "#7K2M9QF3TR4V8", Font: &excelize.Font{Bold: true}}}); err != nil {
			t.Error(err)
		}
	}
	for name, c := range map[string]struct {
		yaml string
		edit func(*excelize.File)
		rows [][]any
		want string
	}{
		"texts and numbers": {plainMap, nil, [][]any{headings, {"383933091455959041", 100, "消费", at}, {123456789012345, -100.0, nil, "2026-11-20 09:05"}, {"0012", "+1,000", "a\rb", "2026/11/20"}},
			"383933091455959041 100 消费 2026-11-20 01:05:00|123456789012345 -100  2026-11-20 01:05:00|0012 1000 a\rb 2026-11-19 16:00:00 day"},
		"runs of a text":     {plainMap, rich, [][]any{headings, {"1", 1, "", at}}, "1 1 消费 #7K2M9QF3TR4V8 2026-11-20 01:05:00"},
		"empty rows, a sum":  {plainMap, nil, [][]any{headings, {"1", 1, "", at}, {}, {"", " "}, {"合计", 1}, {"制表人 Wu"}}, "1 1  2026-11-20 01:05:00; blank 1; footers 2"},
		"a date and a clock": {"columns: {member: 会员ID, points: 积分变动, at: [备注, 时间]}\n", nil, [][]any{headings, {"1", 1, 46346, 0.378472222222222}, {"1", 1, 46346, "09:05"}}, "1 1  2026-11-20 01:05:00|1 1  2026-11-20 01:05:00"},
		"columns apart":      {plainMap, nil, [][]any{{"会员ID", nil, "积分变动", nil, "备注", "时间"}, {"1", nil, 1, nil, nil, at}}, "1 1  2026-11-20 01:05:00"},
		"a sheet by its name": {plainMap + "sheet: 明细\n", func(f *excelize.File) {
			if err := f.SetSheetName("Sheet1", "明细"); err != nil {
				t.Error(err)
			}
			if _, err := f.NewSheet("汇总"); err != nil {
				t.Error(err)
			}
		}, [][]any{headings, {"1", 1, "", at}}, "1 1  2026-11-20 01:05:00"},
		"a hidden sheet": {plainMap, func(f *excelize.File) {
			if _, err := f.NewSheet("字典"); err != nil {
				t.Error(err)
			}
			if err := f.SetSheetVisible("字典", false); err != nil {
				t.Error(err)
			}
		}, [][]any{headings, {"1", 1, "", at}}, "1 1  2026-11-20 01:05:00"},
	} {
		rows, left, problems := all(t, parse(t, c.yaml), book(t, c.edit, c.rows...), records)
		if got := shown(rows, left); got != c.want || problems != nil {
			t.Errorf("%s: got %s, %v\nwant %s", name, got, problems, c.want)
		}
	}
	old := edited(t, book(t, nil, headings, []any{"1", 1, "", 44884.378472222222}), "xl/workbook.xml", func(text string) string {
		return strings.Replace(text, "<workbookPr", "<workbookPr date1904=\"1\"", 1)
	})
	if rows, left, problems := all(t, parse(t, plainMap), old, records); shown(rows, left) != "1 1  2026-11-20 01:05:00" {
		t.Errorf("counted from 1904: %s %v", shown(rows, left), problems)
	}
}

// A number that a spreadsheet keeps inexactly is the amount that it shows; an id kept so
// is refused, also where its digits are all in the file.
func TestNumbersOfAWorkbook(t *testing.T) {
	t.Parallel()
	m := parse(t, "columns: {order: 会员ID, amount: 积分变动}\n")
	needs := feed.Needs{Filled: []feed.Field{feed.Order, feed.Amount}}
	raw := func(cell, value string) string {
		return edited(t, book(t, nil, headings, []any{"A", 7}), sheet1, func(text string) string {
			if strings.Contains(text, `r="`+cell+`"`) && cell == "B2" {
				return strings.Replace(text, "<v>7</v>", "<v>"+value+"</v>", 1)
			}
			return strings.Replace(text, `<c r="A2" t="s"><v>4</v></c>`, `<c r="A2"><v>`+value+`</v></c>`, 1)
		})
	}
	for value, want := range map[string]int64{"19.899999999999999": 1990, "0.30000000000000004": 30, "1E2": 10000, "1.9900000000000001E1": 1990, "-0.29": -29, "9.0071992547409916E+15": 900719925474099000} {
		rows, _, problems := all(t, m, raw("B2", value), needs)
		if problems != nil || rows[0].AmountFen != want {
			t.Errorf("%s: %+v %v, want %d", value, rows, problems, want)
		}
	}
	for value, want := range map[string]string{"123456789012345": "123456789012345", "1.2345678901E10": "12345678901", "7.0": "7", "0": "0"} {
		if rows, _, problems := all(t, m, raw("A2", value), needs); problems != nil || rows[0].Order != want {
			t.Errorf("%s: %+v %v, want %s", value, rows, problems, want)
		}
	}
	for value, want := range map[string]string{"3.8393309145595898E+17": "has lost some; export the column as text", "383933091455959041": "has lost some", "1234567890123456": "has lost some", "1.5": "made a number with a fraction", "-3": "made a number"} {
		if _, _, problems := all(t, m, raw("A2", value), needs); len(problems) != 1 || !strings.Contains(problems[0].Error(), "f.xlsx:2:会员ID: want an id") || !strings.Contains(problems[0].Error(), want) {
			t.Errorf("%s: %v, want %s", value, problems, want)
		}
	}
}

func TestWorkbooksThatAreRefused(t *testing.T) {
	t.Parallel()
	plain := book(t, nil, headings, []any{"1", 1, "", "2026-11-20"})
	two := book(t, func(f *excelize.File) {
		if _, err := f.NewSheet("汇总"); err != nil {
			t.Error(err)
		}
	}, headings)
	cut := func(part string, at string) string {
		return edited(t, plain, part, func(text string) string {
			before, _, _ := strings.Cut(text, at)
			return before
		})
	}
	whole, err := os.ReadFile(plain)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ yaml, path, want string }{
		{plainMap, two, "the workbook has several sheets: say which one with `sheet:` in the map; there are: Sheet1, 汇总"},
		{plainMap + "sheet: x\n", plain, "there is no sheet x; there are: Sheet1"},
		{plainMap + "delimiter: ;\n", plain, "the map says delimiter, which a CSV file has, and this is a workbook"},
		{plainMap + "header_row: 5\n", plain, "the file has no row 5"},
		{plainMap, write(t, "f.xlsx", string(whole[:len(whole)/2])), "this begins as a workbook and is none, or not all of it"},
		{plainMap, cut("xl/workbook.xml", "<sheets"), "the workbook cannot be read"},
		{plainMap, cut("xl/sharedStrings.xml", "</sst"), "the workbook cannot be read"},
	} {
		if _, _, problems := all(t, parse(t, c.yaml), c.path, records); len(problems) != 1 || !strings.Contains(problems[0].Error(), c.want) {
			t.Errorf("%v\nwant %s", problems, c.want)
		}
	}
}

// A sheet that ends in the middle is no short sheet.
func TestWorkbookThatEndsInTheMiddle(t *testing.T) {
	t.Parallel()
	rows := [][]any{headings}
	for i := range 50 {
		rows = append(rows, []any{fmt.Sprint(i + 1), i, "", "2026-11-20"})
	}
	plain := book(t, nil, rows...)
	for _, at := range []string{`<row r="40"`, `<c r="C40"`, "</sheetData>", "</worksheet>"} {
		path := edited(t, plain, sheet1, func(text string) string {
			before, _, found := strings.Cut(text, at)
			if !found && at[0:2] == "</" {
				t.Fatalf("no %s in %s", at, text)
			}
			return before
		})
		read, _, problems := all(t, parse(t, plainMap), path, records)
		if len(problems) != 1 || !strings.Contains(problems[0].Error(), "the workbook cannot be read") || len(read) < 38 {
			t.Errorf("cut at %s: %d rows, %v", at, len(read), problems)
		}
	}
}

// The library reads the same cells, as far as it tells them.
func TestWorkbooksAreReadAsTheLibraryReadsThem(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 20, 9, 5, 0, 0, time.UTC)
	rows := [][]any{headings}
	for i := range 200 {
		rows = append(rows, []any{fmt.Sprintf("会员 %d", i), i - 100, fmt.Sprintf("_x000D_ <&> %d 消费", i%7), at.Add(time.Duration(i) * time.Minute)})
		if i%13 == 0 {
			rows = append(rows, []any{})
		}
	}
	path := book(t, nil, rows...)
	library, err := excelize.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer library.Close()
	theirs, err := library.GetRows("Sheet1", excelize.Options{RawCellValue: true})
	if err != nil {
		t.Fatal(err)
	}
	theirs = slices.DeleteFunc(theirs[1:], func(row []string) bool { return len(row) == 0 })
	ours, _, problems := all(t, parse(t, plainMap), path, records)
	if len(theirs) != 200 || len(ours) != len(theirs) || problems != nil {
		t.Fatalf("%d rows, the library has %d: %v", len(ours), len(theirs), problems)
	}
	for i, row := range ours {
		if row.Member != theirs[i][0] || fmt.Sprint(row.Points) != theirs[i][1] || row.Text != strings.TrimSpace(theirs[i][2]) || !row.At.Equal(shanghai(t, "2026-11-20 09:05:00").Add(time.Duration(i)*time.Minute)) {
			t.Errorf("%+v, the library has %q", row, theirs[i])
		}
	}
}
