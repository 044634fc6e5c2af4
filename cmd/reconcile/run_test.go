package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"pointsledger/internal/accounts"
	"pointsledger/internal/config"
	"pointsledger/ledger"
	"pointsledger/reconcile/match"
	comparison "pointsledger/reconcile/runs"
	"pointsledger/vendorapi"
	"pointsledger/vendorapi/sim"
)

// exportMap says which column of an export is what.
const exportMap = `
columns: {member: 会员号, points: 积分, text: 说明, at: 时间}
zone: Asia/Shanghai
`

// export writes records as a vendor's export, with what spreadsheets do to it.
func (c *console) export(rows [][]string) (file, columns string) {
	c.t.Helper()
	folder := c.t.TempDir()
	file, columns = filepath.Join(folder, "export.csv"), filepath.Join(folder, "map.yaml")
	var text strings.Builder
	text.WriteString("\ufeff")
	w := csv.NewWriter(&text)
	w.UseCRLF = true
	if err := w.WriteAll(append([][]string{{"会员号", "时间", "积分", "说明"}}, rows...)); err != nil {
		c.t.Fatal(err)
	}
	for name, content := range map[string]string{file: text.String(), columns: exportMap} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			c.t.Fatal(err)
		}
	}
	return file, columns
}

var shanghai = time.FixedZone("CST", 8*60*60)

// recordOf is the row of a posting in an export.
func recordOf(member, order string, points int) []string {
	id := ledger.NewBizID("pa", "zhimai", "shop-sh", "order.paid", order, "pa")
	return []string{member, time.Now().Add(-time.Hour).In(shanghai).Format(time.DateTime), strconv.Itoa(points), "订单" + order + " #" + ledger.ReferenceOf(id)}
}

// anHourAgo has everything posted an hour ago, so that it must be shown by now.
func (c *console) anHourAgo() {
	c.t.Helper()
	c.exec("ALTER TABLE postings DISABLE TRIGGER USER")
	c.exec("ALTER TABLE operations DISABLE TRIGGER USER")
	c.exec("UPDATE postings SET posted_at = posted_at - interval '1 hour', first_sent_at = first_sent_at - interval '1 hour'")
	c.exec("UPDATE operations SET recorded_at = recorded_at - interval '1 hour'")
	c.exec("ALTER TABLE postings ENABLE TRIGGER USER")
	c.exec("ALTER TABLE operations ENABLE TRIGGER USER")
}

// days are yesterday to tomorrow: the test may run at midnight.
func days() []string {
	now := time.Now().In(shanghai)
	return []string{"--from", now.AddDate(0, 0, -1).Format(time.DateOnly), "--to", now.AddDate(0, 0, 1).Format(time.DateOnly)}
}

func (c *console) items(run int64, args ...string) (items []comparison.ItemView) {
	c.t.Helper()
	out := c.must(0, append([]string{"items", strconv.FormatInt(run, 10), "--json"}, args...)...)
	for line := range strings.Lines(out) {
		var v comparison.ItemView
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			c.t.Fatalf("%v in %s", err, line)
		}
		items = append(items, v)
	}
	return items
}

func (c *console) summary(code int, args ...string) (s comparison.Summary) {
	c.t.Helper()
	out := c.must(code, append(args, "--json")...)
	line, _, _ := strings.Cut(out, "\n")
	if err := json.Unmarshal([]byte(line), &s); err != nil {
		c.t.Fatalf("%v in %s", err, out)
	}
	return s
}

// The finance role compares with an export, sees no mobile number, says why an item is no
// fault, and the next run knows.
func TestFinanceComparesWithAnExport(t *testing.T) {
	c := newConsole(t, "reconcile_test_file")
	for i := range 12 {
		c.record(c.sale(fmt.Sprintf("SO-%d", i), member, i == 0))
	}
	c.record(c.sale("13812345678/1", mobile, false))
	c.post("zhimai")
	c.post("kylin")
	c.anHourAgo()
	var rows [][]string
	for i := range 11 { // SO-11 is lost
		rows = append(rows, recordOf(member, fmt.Sprintf("SO-%d", i), 100))
	}
	rows = append(rows, recordOf(mobile, "13812345678/1", 10), []string{member, rows[0][1], "-30", "积分兑换优惠券"})
	file, columns := c.export(rows)
	run := append([]string{"run", "--records", file, "--map", columns}, days()...)
	page := c.must(3, run...)
	for _, want := range []string{"only_in_ledger", "amount_differs", "UNEXPLAINED", " was not over when this was made", "the books do not agree"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
	s := c.summary(3, run...)
	if s.Postings != 13 || s.Records != 13 || s.MatchedByReference != 11 || s.NotOurs != 1 || s.DifferencePoints != 190 || s.UnexplainedPoints != 190 || s.Account != "zhimai" || s.Coverage != 1 ||
		s.Items[match.OnlyInLedger] != 1 || s.Items[match.AmountDiffers] != 1 {
		t.Errorf("%+v", s)
	}
	// A freeze shows in no records: it is counted, and not compared.
	if s := c.summary(0, append([]string{"run", "--account", "kylin"}, days()...)...); s.Source != "none" || s.NotCompared.WithoutRecords != 1 || s.NotCompared.WithoutRecordsPoints != 50 || s.Coverage != 0 {
		t.Errorf("kylin: %+v", s)
	} else if freezes := c.items(s.Run, "--kind", "without_records"); len(freezes) != 1 || freezes[0].LedgerPoints != 50 || !strings.Contains(freezes[0].Evidence, "freeze_point, confirmed: answered") {
		t.Errorf("kylin: %+v", freezes)
	}
	if spent := c.items(s.Run, "--kind", "not_ours"); len(spent) != 1 || spent[0].VendorPoints != -30 || !strings.Contains(spent[0].Evidence, "积分兑换优惠券") {
		t.Errorf("%+v", spent)
	}
	found := c.items(s.Run)
	if text := c.must(0, "items", strconv.FormatInt(s.Run, 10)); strings.Contains(text, mobile) || !strings.Contains(text, "138****5678") || !strings.Contains(text, "replay show") {
		t.Error(text)
	}
	for _, item := range found {
		c.must(0, "note", item.Item.String(), "--owner", "lin", "--note", "ticket 5512")
		if out := c.must(2, "explain", item.Item.String()); !strings.Contains(out, "--why") {
			t.Error(out)
		}
		c.must(0, "explain", item.Item.String(), "--why", "the shop has the papers", "--operator", "wu")
	}
	if out := c.must(0, "show", strconv.FormatInt(s.Run, 10)); !strings.Contains(out, "explained       2 items") {
		t.Error(out)
	}
	if again := c.summary(0, "show", strconv.FormatInt(s.Run, 10)); !again.Agrees || again.UnexplainedPoints != 0 || again.DifferencePoints != 190 {
		t.Errorf("explained: %+v", again)
	}
	again := c.summary(0, run...)
	for _, item := range c.items(again.Run) {
		if item.ExplainedBy != "wu" || item.ExplainedWhy != "the shop has the papers" || item.Owner != "lin" || item.Note != "ticket 5512" {
			t.Errorf("%+v", item)
		}
	}
	c.must(0, "explain", found[0].Item.String(), "--withdraw", "--why", "it was another one")
	c.summary(3, run...)
	if out := c.must(0, "runs"); strings.Count(out, "unexplained") != 5 {
		t.Error(out)
	}
	// A file that cannot be read leaves nothing behind that counts.
	rows[3][2] = "1.5"
	bad, _ := c.export(rows)
	if out := c.must(1, append([]string{"run", "--records", bad, "--map", columns}, days()...)...); !strings.Contains(out, "export.csv:5:积分") {
		t.Error(out)
	}
	out := c.must(0, "runs")
	newest := strings.Fields(strings.Split(out, "\n")[1])
	if newest[5] != "-" || newest[6] != "failed" { // nothing of it was compared
		t.Error(out)
	}
	if out := c.must(3, "show", newest[0]); !strings.Contains(out, "could not be read whole") || strings.Contains(out, "--resume") {
		t.Error(out)
	}
	for i := range rows {
		rows[i][2] = "1.5"
	}
	bad, _ = c.export(rows)
	if out := c.must(1, append([]string{"run", "--records", bad, "--map", columns}, days()...)...); !strings.Contains(out, "export.csv:11:积分") || strings.Contains(out, "export.csv:12:") || !strings.Contains(out, "and there are more") {
		t.Error(out)
	}
}

// Every kind of item that a file can show, by the command, each with a next step.
func TestEveryKindByTheCommand(t *testing.T) {
	c := newConsole(t, "reconcile_test_kinds")
	const other = "383933091455959042"
	orders := []string{"right", "lost", "amount", "twice", "wrong", "edited", "voided", "moved"}
	for i, order := range orders {
		e := c.sale(order, member, false)
		e.Event.Operations[0].Points = ledger.Points(100 + i) // each tells itself apart
		c.record(e)
	}
	c.exec(`WITH gone AS (DELETE FROM outbox x USING operations o WHERE o.id = x.operation_id AND o.business_key = 'voided' RETURNING x.operation_id)
		INSERT INTO postings (operation_id, kind, evidence, member_id, attempts) SELECT operation_id, 'voided', 'manual', '` + member + `', 1 FROM gone`)
	c.post("zhimai")
	c.anHourAgo()
	edited := recordOf(member, "edited", 105)
	edited[3] = "客服补发"
	unknown := recordOf(member, "never-issued", 9)
	file, columns := c.export([][]string{recordOf(member, "right", 100), recordOf(member, "amount", 12), recordOf(member, "twice", 103), recordOf(member, "twice", 103),
		recordOf(other, "wrong", 104), edited, recordOf(member, "voided", 106), recordOf(member, "moved", 107), unknown})
	s := c.summary(3, append([]string{"run", "--records", file, "--map", columns}, days()...)...)
	want := map[match.Kind][2]int64{match.OnlyInLedger: {101, 0}, match.AmountDiffers: {102, 12}, match.AppliedTwice: {103, 206}, match.WrongMember: {104, 104},
		match.Ambiguous: {105, 105}, match.VoidedButApplied: {0, 106}, match.OnlyAtVendor: {0, 9}}
	for _, item := range c.items(s.Run) {
		if sides := want[item.Kind]; sides != [2]int64{item.LedgerPoints, item.VendorPoints} || item.Evidence == "" || !strings.Contains(item.Proposal, "`re") {
			t.Errorf("%+v", item)
		}
		delete(want, item.Kind)
	}
	if len(want) != 0 || s.MatchedByReference != 2 || s.UnexplainedPoints != 101+90+103+0+0+106+9 || s.DifferencePoints != 101+90-103-106-9 {
		t.Errorf("%v: %+v", want, s)
	}
}

// Whoever may take turns at the vendor's rate reads from the vendor: by the client of its
// own, and by one that the configuration describes.
func TestRunReadsFromTheVendor(t *testing.T) {
	for name, described := range map[string]bool{"own": false, "described": true} {
		t.Run(name, func(t *testing.T) { runReads(t, newConsole(t, "reconcile_test_"+name), described) })
	}
}

func runReads(t *testing.T, c *console, described bool) {
	vendor, err := sim.New(sim.Config{Zhimai: sim.ZhimaiConfig{Records: sim.RecordsConfig{EchoReason: true}}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(vendor)
	t.Cleanup(server.Close)
	vendors := []string{"ZHIMAI_OPEN_ID=" + sim.DefaultOpenID, "ZHIMAI_GRANT_CODE=" + sim.DefaultGrantCode, "ZHIMAI_OPEN_KEY=" + sim.DefaultOpenKey}
	if described {
		text, err := os.ReadFile("../../docs/vendors/zhimai.yaml")
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "zhimai.yaml")
		if err := os.WriteFile(file, []byte(strings.Replace(string(text), "url: http://openapi.zvcms.com", "url: "+server.URL, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		vendors = append(vendors, "WORKER_CONFIG="+file)
	} else {
		vendors = append(vendors, "ZHIMAI_URL="+server.URL+"/api/v2")
	}
	finance := c.env
	cfg, err := config.Load(append(vendors, finance...), os.ReadFile)
	if err != nil {
		t.Fatal(err)
	}
	settings, _ := cfg.Account("zhimai")
	client, err := accounts.Open(settings)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		c.record(c.sale(fmt.Sprintf("SO-%d", i), member, false))
	}
	rows, err := c.book.Claim(t.Context(), ledger.Claim{Account: "zhimai", Token: 5, Limit: 100, Lease: time.Minute, KeyMemory: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		if reply := client.Send(t.Context(), &rows[i].VendorCall); reply.Outcome != vendorapi.Applied {
			t.Fatalf("%+v", reply)
		}
		if _, err := c.book.Confirm(t.Context(), []ledger.Confirmation{{ID: rows[i].ID, Evidence: ledger.Answered, MemberID: rows[i].MemberID}}); err != nil {
			t.Fatal(err)
		}
	}
	c.env = append(vendors, finance...)
	if described { // it has no rate, so that there are no turns
	} else if out := c.must(1, append([]string{"run"}, days()...)...); !strings.Contains(out, "may run it") || !strings.Contains(out, "take turns at its rate") {
		t.Error(out)
	}
	c.env = append(vendors, "DATABASE_URL="+c.pool.Config().ConnString())
	s := c.summary(0, append([]string{"run"}, days()...)...)
	if s.Postings != 4 || s.Members != 1 || s.MatchedByReference != 4 || !s.Agrees || s.Source != "vendor" {
		t.Errorf("%+v", s)
	}
	if err := vendor.InsertRow(member, 12, false, rows[0].Reason); err != nil { // a person copied the text
		t.Fatal(err)
	}
	again := c.summary(3, append([]string{"run", "--account", "zhimai", "--sample", "5"}, days()...)...)
	if again.Items[match.AppliedTwice] != 1 || again.DifferencePoints != -12 || again.Choice != comparison.Sample {
		t.Errorf("%+v", again)
	}
	for range 20 {
		if err := vendor.InsertRow(member, 3, false, "门店消费获得积分"); err != nil {
			t.Fatal(err)
		}
	}
	// A part of its records is away, and the balance is not: at some share of them.
	for rate := 0.1; !described; rate += 0.1 {
		if err := vendor.SetRecords(sim.RecordsConfig{EchoReason: true, MissingRate: rate}); err != nil {
			t.Fatal(err)
		}
		differs := c.summary(3, append([]string{"run", "--account", "zhimai", "--all"}, days()...)...)
		if found := c.items(differs.Run, "--kind", "balance_differs"); len(found) == 1 && strings.Contains(found[0].Proposal, "reconcile explain") {
			break
		} else if rate > 0.9 {
			t.Fatalf("no item: %+v", differs)
		}
	}
	if out := c.must(2, "run", "--resume", strconv.FormatInt(s.Run, 10)); !strings.Contains(out, "the run has ended") {
		t.Error(out)
	}
}

func TestRunUsage(t *testing.T) {
	c := newConsole(t, "reconcile_test_run_usage")
	list := filepath.Join(t.TempDir(), "list")
	if err := os.WriteFile(list, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, u := range []struct {
		args []string
		want string
	}{
		{[]string{"run", "--from", "2026-11-01"}, "want --from and --to"},
		{[]string{"run", "--from", "2026-11-02", "--to", "2026-11-01"}, "is before --from"},
		{[]string{"run", "--from", "2026-11-01", "--to", "2026-11-01", "--all", "--sample", "3"}, "want one of them"},
		{[]string{"run", "--from", "2026-11-01", "--to", "2026-11-01", "--sample", "-1"}, "--sample: want a number"},
		{[]string{"run", "--from", "2026-11-01", "--to", "2026-11-01", "--records", "x"}, "--records needs --map"},
		{[]string{"run", "--from", "2026-11-01", "--to", "2026-11-01", "--map", "x"}, "are about --records"},
		{[]string{"run", "--from", "2026-11-01", "--to", "2026-11-01", "--members", list}, "at least one member's id"},
		{[]string{"run", "--from", "2026-11-01", "--to", "2026-11-01", "--account", "nobody"}, "account nobody is not configured"},
		{[]string{"run", "--from", "2026-11-01", "--to", "2026-11-01"}, "account zhimai is off"},
		{[]string{"run", "--from", "2026-11-01", "--to", "2026-11-01", "--zone", "Mars"}, "--zone: want a name"},
		{[]string{"run", "--resume", "1", "--all"}, "--resume and --all"},
		{[]string{"run", "--resume", "99"}, "there is no such run"},
		{[]string{"show", "x"}, "want the number of a run"},
		{[]string{"items", "1", "--kind", "odd"}, "want one of"},
		{[]string{"note", "1-1"}, "want --owner, --note or both"},
		{[]string{"explain", "1", "--why", "x"}, "want an item, such as 12-3"},
	} {
		if out := c.must(2, u.args...); !strings.Contains(out, u.want) {
			t.Errorf("%v: %s", u.args, out)
		}
	}
	if out := c.must(1, "items", "7"); !strings.Contains(out, "there is no such run") {
		t.Error(out)
	}
	if out := c.must(1, "explain", "7-1", "--why", "x"); !strings.Contains(out, "there is no such item") {
		t.Error(out)
	}
}
