package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pointsledger/internal/testkit/orders"
	"pointsledger/ledger"
	"pointsledger/reconcile/books"
	"pointsledger/reconcile/match"
	"pointsledger/reconcile/report"
)

// evil is a text that a spreadsheet or a page must not take for more.
const evil = `=HYPERLINK("http://x.example","<b>积分</b>")`

// other is a second member.
const other = "383933091455959042"

// month makes a ledger and an export that differ in every way that an export can show, and
// compares them. The number is the run's.
func (c *console) month() int64 {
	c.t.Helper()
	names := []string{"SO-lost", "SO-amount", "SO-twice", "SO-moved", "SO-edited", evil, "+SO", "-SO", "@SO"}
	for i := range 6 {
		names = append(names, fmt.Sprintf("SO-%d", i))
	}
	for _, order := range names {
		e := c.sale(order, member, order == "SO-0")
		if order == "SO-lost" { // the record without a reference cannot be it
			e.Event.Operations[0].Points = 130
		}
		c.record(e)
	}
	c.record(c.sale("SO-stays", other, false))
	c.record(c.sale("13812345678/1", mobile, false))
	c.post("zhimai")
	c.post("kylin")
	c.giveUp("SO-voided")
	c.anHourAgo()
	c.refund("SO-1", "RF-1", 2500)
	held := c.sale("SO-held", member, false)
	held.Event.Operations[0].HeldUntil = time.Now().Add(time.Hour)
	c.record(held)
	c.record(c.sale("SO-open", member, false))

	var rows [][]string
	for _, order := range append(slices.Clone(names[5:]), "SO-stays") {
		rows = append(rows, recordOf(member, order, 100))
	}
	rows[len(rows)-1][0] = other
	edited := recordOf(member, "SO-edited", 100)
	edited[3] = "@客服补发 13812345678"
	stranger := recordOf(member, "SO-?", 70)
	stranger[3] = "订单 #" + ledger.ReferenceOf("paaaaaaaaaaaaaaaaaaaaaaaaaa")
	rows = append(rows, recordOf(member, "SO-amount", 10), recordOf(member, "SO-twice", 100), recordOf(member, "SO-twice", 100), recordOf(other, "SO-moved", 100), edited, stranger,
		recordOf(member, "SO-voided", 100), recordOf(mobile, "13812345678/1", 100), []string{member, rows[0][1], "-30", "积分兑换优惠券"})
	file, columns := c.export(rows)
	run := c.summary(3, append([]string{"run", "--records", file, "--map", columns}, days()...)...).Run
	// An export has no balances: this kind is found by asking a vendor.
	c.exec("ALTER TABLE reconcile_items DISABLE TRIGGER USER")
	c.exec(fmt.Sprintf(`INSERT INTO reconcile_items (run_id, no, kind, account, member_id, ledger_points, vendor_points, at, evidence, step, operations, records, item_key)
		VALUES (%d, 900, 'balance_differs', 'zhimai', '%s', 100, 107, now(), 'the balance is 107 points, and the records lead to 100: neither they nor what is missing explain 7', 'ask_vendor', '{}', '{}', 'k')`, run, mobile))
	c.exec("ALTER TABLE reconcile_items ENABLE TRIGGER USER")
	lost := c.items(run, "--kind", string(match.OnlyInLedger))[0].Item.String()
	c.must(0, "explain", lost, "--why", evil, "--operator", "wu")
	c.must(0, "note", lost, "--note", "+86 13812345678", "--owner", "@lin")
	return run
}

// giveUp has a person give up what was sent.
func (c *console) giveUp(order string) {
	c.t.Helper()
	c.record(c.sale(order, member, false))
	c.exec(`WITH gone AS (DELETE FROM outbox x USING operations o WHERE o.id = x.operation_id AND o.business_key = '` + order + `' RETURNING x.operation_id)
		INSERT INTO postings (operation_id, kind, evidence, member_id, attempts) SELECT operation_id, 'voided', 'manual', '` + member + `', 1 FROM gone`)
}

// written runs a report with all of its files.
func (c *console) written(run int64, lang string, args ...string) (folder, terminal string) {
	c.t.Helper()
	folder = c.t.TempDir()
	terminal = c.must(3, append([]string{"report", strconv.FormatInt(run, 10), "--lang", lang, "--xlsx", filepath.Join(folder, "r.xlsx"), "--html", filepath.Join(folder, "r.html"),
		"--csv", filepath.Join(folder, "csv")}, args...)...)
	return folder, terminal
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The finance role writes every form of a report, in both languages, and none holds a
// mobile number.
func TestReportInEveryForm(t *testing.T) {
	c := newConsole(t, "reconcile_test_report")
	run := c.month()
	for lang, words := range map[string][]string{
		"en": {"Unexplained items (must be 0)", "Only in the ledger", "Cannot be told apart", "In transit, by age", "To be taken back", "Balance differs (not in the sums)"},
		"zh": {"未解释差异笔数（必须为 0）", "仅账本有", "无法区分", "在途（按账龄）", "待扣回", "余额不符（不计入合计）"},
	} {
		folder, terminal := c.written(run, lang)
		page := read(t, filepath.Join(folder, "r.html"))
		for _, word := range words {
			if !strings.Contains(terminal, word) && !strings.Contains(terminal, strings.ToUpper(word)) {
				t.Errorf("%s: the terminal lacks %q:\n%s", lang, word, terminal)
			}
			if !strings.Contains(page, word) {
				t.Errorf("%s: the page lacks %q", lang, word)
			}
		}
		var all strings.Builder
		all.WriteString(terminal + page)
		for _, name := range report.CSVNames() {
			if name != "not_read.csv" && name != "without_records.csv" {
				all.WriteString(read(t, filepath.Join(folder, "csv", name)))
			}
		}
		if text := all.String(); strings.Contains(text, mobile) || !strings.Contains(text, "138****5678") {
			t.Errorf("%s: a mobile number is not masked", lang)
		}
		if strings.Contains(page, "<b>积分") || strings.Contains(page, "<script") || strings.Contains(page, "ZgotmplZ") || strings.Contains(page, "http://") && !strings.Contains(page, "&#34;http://") {
			t.Errorf("%s: the page holds what it must not", lang)
		}
	}
	if out := c.must(2, "report", fmt.Sprint(run), "--unmasked"); !strings.Contains(out, "--unmasked") {
		t.Error(out)
	}
	c.exec("CREATE ROLE " + books.MembersRole + " NOLOGIN")
	t.Cleanup(func() { _, _ = c.pool.Exec(context.Background(), "DROP ROLE "+books.MembersRole) })
	c.exec("GRANT " + books.MembersRole + " TO reconcile_test_report")
	folder, _ := c.written(run, "en", "--unmasked")
	if text := read(t, filepath.Join(folder, "csv", "balance_differs.csv")); !strings.Contains(text, mobile) {
		t.Error(text)
	}
}

// What JSON says, the items and the CSV files add up to.
func TestReportFiguresAddUp(t *testing.T) {
	t.Parallel()
	c := newConsole(t, "reconcile_test_figures")
	run := c.month()
	var p struct {
		report.Figures
		Files []string `json:"files"`
	}
	folder := filepath.Join(t.TempDir(), "csv")
	// The verdict follows the object, on standard error.
	line, _, _ := strings.Cut(c.must(3, "report", fmt.Sprint(run), "--csv", folder, "--json"), "\n")
	if err := json.Unmarshal([]byte(line), &p); err != nil {
		t.Fatal(err)
	}
	var ledgerPoints, vendorPoints, left, transit int64
	for _, k := range p.Kinds {
		if left += k.UnexplainedPoints; k.Kind == match.BalanceDiffers {
			continue
		}
		ledgerPoints, vendorPoints = ledgerPoints+k.LedgerPoints, vendorPoints+k.VendorPoints
	}
	for _, x := range p.Pairs {
		ledgerPoints, vendorPoints = ledgerPoints+x.LedgerPoints, vendorPoints+x.VendorPoints
	}
	for _, a := range p.Ages {
		ledgerPoints, vendorPoints, transit = ledgerPoints+a.LedgerPoints, vendorPoints+a.VendorPoints, transit+a.Operations
	}
	var daysLedger, daysVendor int64
	for _, d := range p.Days {
		daysLedger, daysVendor = daysLedger+d.LedgerPoints, daysVendor+d.VendorPoints
	}
	if len(p.Kinds) != len(match.Kinds()) || ledgerPoints != p.LedgerPoints || vendorPoints != p.VendorPoints || daysLedger != p.LedgerPoints || daysVendor != p.VendorPoints ||
		left != p.UnexplainedPoints || transit != p.InTransit || p.Unexplained != int64(len(match.Kinds())-1) || len(p.Held) == 0 || len(p.Owed) != 1 || p.Owed[0].Points != 25 {
		t.Errorf("%d %d, days %d %d, %d in transit: %+v", ledgerPoints, vendorPoints, daysLedger, daysVendor, transit, p)
	}
	if len(p.Files) != len(report.CSVNames())-2 { // all members were read, and all kinds show in records
		t.Errorf("files: %v", p.Files)
	}
	for _, k := range p.Kinds {
		rows := csvRows(t, filepath.Join(folder, string(k.Kind)+".csv"))
		var sum int64
		for _, row := range rows[1:] {
			n, err := strconv.ParseInt(row[slices.Index(rows[0], "Ledger points")], 10, 64)
			if err != nil {
				t.Error(err)
			}
			sum += n
		}
		if int64(len(rows)-1) != k.Items || sum != k.LedgerPoints {
			t.Errorf("%s: %d rows of %d points, %+v", k.Kind, len(rows)-1, sum, k)
		}
	}
}

// csvRows reads a file, and sees that a spreadsheet takes it for UTF-8 and no text of it for
// a formula.
func csvRows(t *testing.T, path string) [][]string {
	t.Helper()
	text, marked := strings.CutPrefix(read(t, path), "\ufeff")
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || !marked {
		t.Fatalf("%s: %v, marked as UTF-8: %v", path, err, marked)
	}
	for _, row := range rows {
		for _, cell := range row {
			if cell == "" || !strings.ContainsRune("=+-@\r", rune(cell[0])) {
				continue
			}
			if _, err := strconv.ParseInt(cell, 10, 64); err != nil {
				t.Errorf("%s: the cell %q", path, cell)
			}
		}
	}
	return rows
}

// What is there is not written over, unless it is said; what cannot be is said first.
func TestReportUsage(t *testing.T) {
	t.Parallel()
	c := newConsole(t, "reconcile_test_report_usage")
	c.record(orders.Paid(1, "SO-1"))
	c.post("zhimai")
	c.anHourAgo()
	file, columns := c.export([][]string{recordOf(member, "SO-1", 100)})
	run := fmt.Sprint(c.summary(0, append([]string{"run", "--records", file, "--map", columns}, days()...)...).Run)
	folder := t.TempDir()
	book, page, files := filepath.Join(folder, "r.xlsx"), filepath.Join(folder, "r.html"), filepath.Join(folder, "csv")
	all := []string{"report", run, "--xlsx", book, "--html", page, "--csv", files}
	if out := c.must(0, all...); !strings.Contains(out, book) || !strings.Contains(out, filepath.Join(files, "matched.csv")) {
		t.Error(out)
	}
	before := read(t, page)
	for _, u := range []struct {
		args []string
		want string
	}{
		{[]string{"report", run, "--xlsx", book}, "is there already: name a new file, or add --overwrite"},
		{[]string{"report", run, "--html", page}, "is there already"},
		{[]string{"report", run, "--csv", files}, "is not empty"},
		{[]string{"report", run, "--csv", book}, "want a folder"},
		{[]string{"report", run, "--html", folder + "/x.htm"}, "ends in .html"},
		{[]string{"report", run, "--xlsx", ""}, "ends in .xlsx"},
		{[]string{"report", run, "--lang", "fr"}, `want zh or en, got "fr"`},
		{[]string{"report", "x"}, "want the number of a run"},
		{[]string{"report"}, "want the number of a run"},
		{[]string{"report", run, "--csv", ""}, "--csv: want a name"},
	} {
		if out := c.must(2, u.args...); !strings.Contains(out, u.want) {
			t.Errorf("%v: %s", u.args, out)
		}
	}
	if out := c.must(1, "report", "999"); !strings.Contains(out, "there is no such run") {
		t.Error(out)
	}
	// Of a freeze there is no record: it is listed by its answer.
	c.record(c.sale("SO-frozen", member, true))
	c.post("kylin")
	frozen := fmt.Sprint(c.summary(0, append([]string{"run", "--account", "kylin"}, days()...)...).Run)
	c.must(0, "report", frozen, "--csv", filepath.Join(folder, "kylin"), "--xlsx", filepath.Join(folder, "kylin.xlsx"))
	if rows := csvRows(t, filepath.Join(folder, "kylin", "without_records.csv")); len(rows) != 2 || rows[1][5] != "50" || rows[1][7] != "answered" {
		t.Errorf("without records: %q", rows)
	}
	// A file of an earlier report must not be taken for a part of this one.
	stale := filepath.Join(files, "applied_twice.csv")
	if err := os.WriteFile(stale, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.must(0, append(all, "--overwrite", "--lang", "zh")...)
	if _, err := os.Stat(stale); err == nil || read(t, page) == before {
		t.Error("--overwrite left what was there")
	}
	c.exec("ALTER TABLE reconcile_runs DISABLE TRIGGER USER")
	c.exec("UPDATE reconcile_runs SET state = 'comparing', ended_at = NULL")
	if out := c.must(1, "report", run); !strings.Contains(out, "reconcile show "+run+"` says how to go on") {
		t.Error(out)
	}
}

// A zero of a part alone looks like none.
func TestReportOfAPart(t *testing.T) {
	t.Parallel()
	c := newConsole(t, "reconcile_test_report_part")
	c.record(c.sale("SO-1", member, false))
	c.record(c.sale("13812345678/1", mobile, false))
	c.post("zhimai")
	c.anHourAgo()
	file, columns := c.export([][]string{recordOf(member, "SO-1", 100)})
	run := fmt.Sprint(c.summary(0, append([]string{"run", "--records", file, "--map", columns, "--members", c.file("members.txt", member+"\n")}, days()...)...).Run)
	page := filepath.Join(t.TempDir(), "r.html")
	if out := c.must(0, "report", run, "--html", page); !strings.Contains(strings.Join(strings.Fields(out), " "), "Only 50.00 % of the window's postings were compared") {
		t.Error(out)
	}
	if text := read(t, page); !strings.Contains(text, `class="hero part"`) || strings.Contains(text, "✓") {
		t.Error("the page looks as if all was compared")
	}
	// So does a run of which a member was not read: its account was off when it went on.
	c.exec(`ALTER TABLE reconcile_runs DISABLE TRIGGER USER; UPDATE reconcile_runs SET members_failed = 1; ALTER TABLE reconcile_runs ENABLE TRIGGER USER`)
	c.exec(`INSERT INTO reconcile_members (run_id, account, member_id) VALUES (` + run + `, 'zhimai', 'M-2')`)
	c.must(3, "show", run)
	folder := filepath.Join(t.TempDir(), "csv")
	if out := c.must(3, "report", run, "--csv", folder, "--json"); !strings.Contains(out, `"agrees":false`) {
		t.Error(out)
	}
	if text := read(t, filepath.Join(folder, "not_read.csv")); !strings.Contains(text, "M-2") {
		t.Error(text)
	}
}
