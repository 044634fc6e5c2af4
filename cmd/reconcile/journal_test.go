package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/simplifiedchinese"

	"pointsledger/ledger"
	"pointsledger/reconcile/money"
)

const values = `values:
  - {from: 2026-11-01, fen_per_point: 1, expected_redemption: 90%}
`

// journalConsole is a console with a folder, and the days of a shop's sales.
type journalConsole struct {
	*console
	folder string
	files  int
}

func newJournalConsole(t *testing.T, role string) *journalConsole {
	return &journalConsole{console: newConsole(t, role), folder: t.TempDir()}
}

// file writes a file and returns its path.
func (c *journalConsole) file(name, text string) string {
	c.t.Helper()
	path := filepath.Join(c.folder, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
	return path
}

// next is the path of a file that is not there yet.
func (c *journalConsole) next() string {
	c.files++
	return filepath.Join(c.folder, fmt.Sprint("out", c.files))
}

// sold records a sale of 10,000 fen with points, on a day, at a shop.
func (c *journalConsole) sold(order, customer, shop, day string, points ledger.Points) {
	e := c.sale(order, customer, false)
	op := &e.Event.Operations[0]
	op.ShopCode, op.BusinessDate, op.Points = shop, day, points
	c.record(e)
}

// journal hands out November in a format and returns the file, what was printed, and what --json says.
func (c *journalConsole) journal(format string, more ...string) (file []byte, made journalPage) {
	c.t.Helper()
	out := c.next()
	c.json(&made, append([]string{"journal", "--format", format, "--from", "2026-11-01", "--to", "2026-11-30", "--out", out}, more...)...)
	file, err := os.ReadFile(out)
	if err != nil && made.Written > 0 {
		c.t.Fatal(err)
	}
	return file, made
}

// The finance role hands a month out, hands it out again, and again when a day is different.
func TestJournalIsHandedOutOnce(t *testing.T) {
	c := newJournalConsole(t, "reconcile_test_journal")
	path := c.file("values.yaml", values)
	c.sold("SO-1", member, "SH-01", "2026-11-20", 1000)
	c.sold("SO-2", member, "SH-02", "2026-11-21", 500)
	if out := c.must(2, "journal", "--format", "csv", "--from", "2026-11-01", "--to", "2026-11-30"); !strings.Contains(out, "no values file was used before") {
		t.Error(out)
	}
	shown := c.must(0, "journal", "--format", "hledger", "--from", "2026-11-01", "--to", "2026-11-30", "--values", path)
	// 10,000 × 900 ÷ 10,900 fen and 10,000 × 450 ÷ 10,450 fen.
	oneBlank := strings.Join(strings.Fields(shown), " ")
	for _, want := range []string{"SH-01 (仅计提) 6001 主营业务收入 8.26 CNY ; 积分递延收入, zhimai 2204 合同负债 -8.26 CNY", "SH-02 (仅计提) 6001 主营业务收入 4.31 CNY", "accrual only",
		"Nothing was kept", "2 vouchers, 12.57 CNY"} {
		if !strings.Contains(oneBlank, want) {
			t.Errorf("lacks %q:\n%s", want, shown)
		}
	}
	file, made := c.journal("u8", "--values", path)
	if made.Vouchers != 2 || made.Written != 2 || made.Fen != 826+431 || !made.AccrualOnly || len(made.Changed) != 0 {
		t.Errorf("%+v", made.Journal)
	}
	if plain, err := simplifiedchinese.GB18030.NewDecoder().Bytes(file); err != nil || !bytes.Contains(plain, []byte(",2204,0.00,8.26,0,0,0")) || !bytes.Contains(plain, []byte("仅计提")) {
		t.Errorf("%v: %s", err, plain)
	}
	// Again: nothing is new, and there is no file, unless it is asked for. The values are known by now.
	if file, made := c.journal("u8"); file != nil || made.Written != 0 || made.Unchanged != 2 {
		t.Errorf("%+v", made.Journal)
	}
	if again, _ := c.journal("u8", "--again"); !bytes.Equal(again, file) {
		t.Errorf("got  %s\nwant %s", again, file)
	}
	if _, made := c.journal("kis"); made.Written != 2 {
		t.Errorf("another format stands for itself: %+v", made.Journal)
	}
	// A refund of the first day changes its voucher; a sale adds one.
	c.refund("SO-1", "RF-1", 10_000)
	c.sold("SO-3", member, "SH-01", "2026-11-22", 100)
	_, made = c.journal("u8")
	if made.Written != 2 || made.Unchanged != 1 || len(made.Changed) != 1 {
		t.Fatalf("%+v", made.Journal)
	}
	change := made.Changed[0]
	if change.Day != "2026-11-20" || change.Shop != "SH-01" || change.Number == "" || change.Number == change.Before || len(change.Differences) != 2 ||
		change.Differences[0].Code != "2204" || change.Differences[0].Fen != 826 || change.Differences[1].Fen != -826 {
		t.Errorf("%+v", change)
	}
	c.refused(path)
}

// refused: an estimate that was used stays, and no day is handed out twice over two ways to ask.
func (c *journalConsole) refused(path string) {
	c.t.Helper()
	month := []string{"journal", "--format", "u8", "--from", "2026-11-01", "--to", "2026-11-30"}
	changed := c.file("changed.yaml", strings.Replace(values, "90%", "80%", 1))
	if out := c.must(2, append(month, "--values", changed)...); !strings.Contains(out, "changed.yaml:2: the entry from 2026-11-01 said fen_per_point 1, expected_redemption 9/10") {
		c.t.Error(out)
	}
	if out := c.must(2, append(month, "--values", c.file("late.yaml", strings.Replace(values, "11-01", "11-21", 1)))...); !strings.Contains(out, "late.yaml:2: the entry from 2026-11-01 is missing") {
		c.t.Error(out)
	}
	next := c.file("next.yaml", values+"  - {from: 2026-12-01, fen_per_point: 2, expected_redemption: 80%}\n")
	c.must(0, append(month, "--values", next)...)
	e := c.sale("SO-9", member, false)
	e.Event.Operations[0].Account = "north"
	c.record(e)
	if out := c.must(2, append(month, "--values", path, "--out", c.next())...); !strings.Contains(out, "was handed out in this format for account zhimai alone") {
		c.t.Error(out)
	}
	c.must(0, append(month, "--values", path, "--account", "north", "--out", c.next())...)
	if out := c.must(2, append(month, "--account", "south")...); !strings.Contains(out, "no points were granted at south; there are north, zhimai") {
		c.t.Error(out)
	}
}

// An export tells what was redeemed and where; what is ours in it is no redemption. It is kept for the next
// month.
func TestJournalWithRedemptions(t *testing.T) {
	c := newJournalConsole(t, "reconcile_test_redemptions")
	path, columns := c.file("values.yaml", values), c.file("map.yaml", "columns: {member: 会员, points: 积分, text: 说明, at: 时间, shop: 门店}\nzone: UTC\n")
	c.sold("SO-1", member, "SH-01", "2026-11-20", 600)
	c.sold("SO-2", member, "SH-02", "2026-11-21", 300)
	reference := ledger.ReferenceOf(ledger.NewBizID("pa", "zhimai", "shop-sh", "order.paid", "SO-1", "pa"))
	export := c.file("export.csv", "会员,积分,说明,时间,门店\n"+
		"'"+member+",-400,兑换礼品,2026-11-24 16:30:00,SH-02\n"+ // the next day in Shanghai
		"'"+member+",600,订单SO-1 #"+reference+",2026-11-20 04:00:00,\n"+
		"'"+member+",-100,退单 #"+reference+",2026-11-25 04:00:00,\n"+
		"'"+member+",50,手工赠送,2026-11-25 04:00:00,\n"+
		"'383933091455959042,-5,兑换礼品,2026-11-26 04:00:00,\n"+
		"'"+member+",-95,积分过期,2026-11-27 04:00:00,\n"+
		"'"+member+",-7,兑换礼品,2026-12-01 04:00:00,SH-01\n")
	sheet := c.next()
	file, made := c.journal("hledger", "--values", path, "--account", "zhimai", "--redemptions", export, "--map", columns, "--settlement", sheet)
	if f, o := made.File, made.Records; f.Records != 3 || f.Later != 1 || f.Last != "2026-11-27" || o.Ours != 2 || o.Given != 1 || made.AccrualOnly {
		t.Errorf("%+v, %+v", made.File, made.Records)
	}
	// 405 of the 540 and 270 that are expected: of the first day's 512 fen 405 ÷ 540.
	pool := made.Pools[0]
	if pool.Paid.Deferred != 512+263 || pool.Paid.Recognised != 384 || pool.RedeemedPoints != 405 || pool.ExpiredPoints != 95 || pool.Paid.Closing != 391 {
		t.Errorf("%+v", pool)
	}
	if !bytes.Contains(file, []byte("2026-11-25 (")) || bytes.Contains(file, []byte("仅计提")) {
		t.Errorf("%s", file)
	}
	text, err := os.ReadFile(sheet)
	if err != nil {
		t.Fatal(err)
	}
	// 400 points as 2 to 1, as the shops had granted them.
	for _, want := range []string{"SH-01,SH-02,267,2.67,", "SH-02,SH-02,133,1.33,本店会员", ",,5,0.05,两边门店均不明"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the sheet lacks %q:\n%s", want, text)
		}
	}
	// A wrong cell is named, and nothing is left behind.
	wrong := c.file("wrong.csv", "会员,积分,说明,时间,门店\n1,x,兑换,2026-11-25 16:30:00,S\n")
	out := c.next()
	said := c.must(2, "journal", "--format", "csv", "--from", "2026-11-01", "--to", "2026-11-30", "--redemptions", wrong, "--map", columns, "--out", out)
	if _, err := os.Stat(out); !strings.Contains(said, "wrong.csv:2:积分: want a whole number of points") || err == nil {
		t.Error(said)
	}
	// The next month knows what this one was told, and nothing of its own days.
	c.sold("SO-3", member, "SH-01", "2026-12-02", 100)
	december := c.must(0, "journal", "--format", "hledger", "--from", "2026-12-01", "--to", "2026-12-31")
	if !strings.Contains(december, "redemptions of 31 days are not known, the first of them 2026-12-01") || !strings.Contains(december, "3.91") {
		t.Error(december)
	}
}

// The workbook of a month is whole, and its sums are those that were printed.
func TestJournalAsWorkbook(t *testing.T) {
	c := newJournalConsole(t, "reconcile_test_workbook")
	c.sold("SO-1", member, "SH-01", "2026-11-20", 1000)
	e := c.sale("CI-1", member, false)
	e.Event.Operations[0].AmountFen = nil
	c.record(e)
	file, made := c.journal("kis", "--values", c.file("values.yaml", values), "--lang", "en")
	book, err := excelize.OpenReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	rows, err := book.GetRows("Page1")
	if err != nil || len(rows) != 1+4 || made.Fen != 826+90 {
		t.Fatalf("%v: %v, %+v", err, rows, made.Journal)
	}
	all := fmt.Sprint(rows)
	for _, want := range []string{"6601 销售费用", "2241 其他应付款", "points deferred SH-01 accrual only", "free points accrued SH-01", "8.26", "0.9"} {
		if !strings.Contains(all, want) {
			t.Errorf("the workbook lacks %q: %s", want, all)
		}
	}
	table, _ := c.journal("csv")
	records, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(table, []byte("\ufeff")))).ReadAll()
	if err != nil || len(records) != len(rows) {
		t.Errorf("%v: %q", err, records)
	}
}

func TestJournalUsage(t *testing.T) {
	c := newJournalConsole(t, "reconcile_test_journal_usage")
	path := c.file("values.yaml", values)
	there := c.file("there", "")
	month := []string{"journal", "--from", "2026-11-01", "--to", "2026-11-30", "--format"}
	for _, u := range []struct {
		args []string
		want string
	}{
		{append(month, "pdf"), `--format: want hledger, csv, u8 or kis, got "pdf"`},
		{[]string{"journal", "--format", "csv", "--to", "2026-11-30"}, `--from: want a business date`},
		{[]string{"journal", "--format", "csv", "--from", "2026-12-01", "--to", "2026-11-30"}, "--from 2026-12-01 is after --to 2026-11-30"},
		{append(month, "kis"), "--out: want a new file"},
		{append(month, "csv", "--json"), "--out: want a new file"},
		{append(month, "csv", "--encoding", "utf-8"), "--encoding is of u8"},
		{append(month, "u8", "--encoding", "big5"), "--encoding: want gb18030"},
		{append(month, "csv", "--again"), "--again is of u8 and kis"},
		{append(month, "csv", "--lang", "de"), "--lang: want zh or en"},
		{append(month, "csv", "--redemptions", path), "--redemptions and --map go together"},
		{append(month, "csv", "--settlement", path), "--settlement: want --redemptions"},
		{append(month, "csv", "--run", "0"), "--run: want the number of a comparison"},
		{append(month, "csv", "--run", "1", "--redemptions", path, "--map", path), "--redemptions and --run"},
		{append(month, "csv", "--redemptions", path, "--map", path), "--map: "},
		{append(month, "csv", "--values", c.file("bad.yaml", "values: 1")), "bad.yaml"},
		{append(month, "csv", "--values", path, "--out", there), "is there already: name a new file"},
	} {
		if out := c.must(2, u.args...); !strings.Contains(out, u.want) {
			t.Errorf("%v: %s", u.args, out)
		}
	}
	if out := c.must(0, "journal", "--example"); out != money.Example {
		t.Error(out)
	}
	c.sold("SO-1", member, "SH-01", "2026-10-31", 1000)
	if out := c.must(2, append(month, "csv", "--values", path)...); !strings.Contains(out, "there is no value of a point for this date: 2026-10-31") {
		t.Error(out)
	}
}
