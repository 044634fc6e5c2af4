package feed_test

import (
	"archive/zip"
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"pointsledger/reconcile/feed"
)

// largeCSV writes a file of points records.
func largeCSV(t testing.TB, rows int) string {
	t.Helper()
	return create(t, "f.csv", func(w *bufio.Writer) error {
		fmt.Fprintln(w, "会员ID,积分变动,备注,时间")
		for i := range rows {
			fmt.Fprintf(w, "%018d,%+d,消费 SO-%d #7K2M9QF3TR4V8,2026-11-%02d 09:05:%02d\n", i%5000, i%200+1, i, i%28+1, i%60)
		}
		return w.Flush()
	})
}

// largeWorkbook writes a workbook whose texts are all different ones.
func largeWorkbook(t testing.TB, rows int) string {
	t.Helper()
	return create(t, "f.xlsx", func(w *bufio.Writer) error {
		z := zip.NewWriter(w)
		for _, part := range []struct {
			name string
			fill func(*bufio.Writer)
		}{
			{"xl/workbook.xml", func(w *bufio.Writer) {
				fmt.Fprint(w, `<workbook xmlns:r="r"><sheets><sheet name="a" sheetId="1" r:id="rId1"/></sheets></workbook>`)
			}},
			{"xl/_rels/workbook.xml.rels", func(w *bufio.Writer) {
				fmt.Fprint(w, `<Relationships><Relationship Id="rId1" Type="x/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="x/sharedStrings" Target="/xl/sharedStrings.xml"/></Relationships>`)
			}},
			{"xl/sharedStrings.xml", func(w *bufio.Writer) {
				fmt.Fprint(w, `<sst><si><t>会员ID</t></si><si><t>积分变动</t></si><si><t>备注</t></si><si><t>时间</t></si>`)
				for i := range rows {
					fmt.Fprintf(w, `<si><t>消费 SO-%d %s #7K2M9QF3TR4V8</t></si>`, i, strings.Repeat("x", 500))
				}
				fmt.Fprint(w, `</sst>`)
			}},
			{sheet1, func(w *bufio.Writer) {
				fmt.Fprint(w, `<worksheet><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c><c t="s"><v>1</v></c><c t="s"><v>2</v></c><c t="s"><v>3</v></c></row>`)
				for i := range rows {
					fmt.Fprintf(w, `<row r="%d"><c r="A%d" t="inlineStr"><is><t>%018d</t></is></c><c r="B%d"><v>%d</v></c><c r="C%d" t="s"><v>%d</v></c><c r="D%d" s="1"><v>46346.%05d</v></c></row>`, i+2, i+2, i%5000, i+2, i%200+1, i+2, i+4, i+2, i%86400)
				}
				fmt.Fprint(w, `</sheetData></worksheet>`)
			}},
		} {
			to, err := z.Create(part.name)
			if err != nil {
				return err
			}
			buffered := bufio.NewWriter(to)
			part.fill(buffered)
			if err := buffered.Flush(); err != nil {
				return err
			}
		}
		if err := z.Close(); err != nil {
			return err
		}
		return w.Flush()
	})
}

func create(t testing.TB, name string, fill func(*bufio.Writer) error) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	file, err := os.Create(path)
	if err == nil {
		err = fill(bufio.NewWriter(file))
	}
	if err == nil {
		err = file.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// The heap after thousands of rows is that after the first ones, of either kind of
// file. It does not run beside others: the heap is the process's.
func TestMemoryDoesNotGrowWithTheRows(t *testing.T) {
	const rows, mostGrowth = 25_000, 1 << 20
	for _, path := range []string{largeCSV(t, rows), largeWorkbook(t, rows)} {
		f, err := parse(t, plainMap).Open(path, records)
		if err != nil {
			t.Fatal(err)
		}
		n, first := 0, uint64(0)
		var last feed.Row
		for row, err := range f.Rows() {
			if err != nil {
				t.Fatal(err)
			}
			last = row
			if n++; n == 100 {
				first = heap()
			}
		}
		if grown := int64(heap()) - int64(first); n != rows || grown > mostGrowth || !strings.Contains(last.Text, fmt.Sprintf("SO-%d ", rows-1)) || last.Number != rows+1 {
			t.Errorf("%s: %d rows, the heap of %d bytes grew by %d; the last is %+v", filepath.Base(path), n, first, grown, last)
		}
		if strings.HasSuffix(path, "xlsx") && first > 8<<20 {
			t.Errorf("a workbook with 13 MB of texts holds %d bytes", first)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func BenchmarkRead(b *testing.B) {
	const rows = 1_000_000
	for name, path := range map[string]string{"csv": largeCSV(b, rows), "xlsx": largeWorkbook(b, rows)} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				f, err := parse(b, plainMap).Open(path, records)
				if err != nil {
					b.Fatal(err)
				}
				n := 0
				for _, err := range f.Rows() {
					if err != nil {
						b.Fatal(err)
					}
					n++
				}
				b.ReportMetric(float64(n), "rows")
				b.ReportMetric(float64(heap())/(1<<20), "MB")
				if err := f.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
