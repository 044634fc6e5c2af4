package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/simplifiedchinese"

	"pointsledger/internal/command"
	"pointsledger/ledger"
	shops "pointsledger/reconcile/orders"
)

func (c *console) file(name, text string) string {
	c.t.Helper()
	path := filepath.Join(c.t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
	return path
}

const shopMap = "columns: {order: 订单号, at: 下单时间, amount: 实付金额, member: 会员}\n"

// sales are two orders that are there, one refunded in part, and one that was rejected.
func (c *console) sales() {
	c.t.Helper()
	for _, order := range []string{"SO-1", "SO-2", "SO-3"} {
		c.record(c.sale(order, member, order == "SO-1"))
	}
	c.refund("SO-2", "RF-1", 3000)
	c.seq++
	refused := c.sale("SO-4", member, false)
	refused.Event, refused.Rejection = nil, ledger.Rejectf(ledger.OverLimit, "points: want at most 100000, got 5000000")
	refused.Source, refused.Type = "shop-sh", "order.paid"
	refused.Message.Payload = []byte(`{"specversion":"1.0","type":"order.paid","data":{"orderId":"SO-4","amountFen":500000000}}`)
	if _, err := c.book.Record(c.t.Context(), []ledger.Entry{refused}); err != nil {
		c.t.Fatal(err)
	}
}

// A shop's list is set against the ledger by a login of the finance role that only reads,
// from each kind of file.
func TestOrders(t *testing.T) {
	t.Parallel()
	c := newConsole(t, "reconcile_orders_test")
	c.sales()
	rows := [][]any{{"订单号", "下单时间", "实付金额", "会员"}, {"SO-1", "2026-11-20 10:00", "100.00", "13812345678"}, {"SO-2", "2026-11-20 11:00", 70, nil},
		{"SO-4", "2026-11-20 12:00", "5,000,000", nil}, {"SO-5", "2026-11-20 13:00", 1, "13812345678"}, {"合计", nil, 5000171, nil}}
	csv := "订单号,下单时间,实付金额,会员\r\nSO-1,2026-11-20 10:00,100.00,13812345678\r\nSO-2,2026/11/20 11:00,70,\r\nSO-4,2026-11-20 12:00,\"5,000,000\",\r\nSO-5,2026-11-20 13:00,1,13812345678\r\n合计,,5000171,\r\n"
	gb, err := simplifiedchinese.GB18030.NewEncoder().String(csv)
	if err != nil {
		t.Fatal(err)
	}
	book := excelize.NewFile()
	for i, row := range rows {
		if err := book.SetSheetRow("Sheet1", "A"+string(rune('1'+i)), &row); err != nil {
			t.Fatal(err)
		}
	}
	xlsx := filepath.Join(t.TempDir(), "list.xlsx")
	if err := book.SaveAs(xlsx); err != nil {
		t.Fatal(err)
	}
	for name, files := range map[string][2]string{
		"CSV": {c.file("list.csv", "\ufeff"+csv), shopMap}, "GBK": {c.file("list.csv", gb), shopMap + "encoding: gbk\n"}, "XLSX": {xlsx, shopMap},
	} {
		fmap := c.file("map.yaml", files[1])
		out := c.must(command.ExitDisagree, "orders", files[0], "--map", fmap)
		oneBlank := strings.Join(strings.Fields(out), " ")
		for _, want := range []string{
			"4 orders in 4 rows of the list, against the ledger's of shop-sh, business dates 2026-11-20 to 2026-11-20", "Left out of the list: 1 row of sums or notes.",
			"agree 1", "missing_here 1 1.00 0.00", "rejected 1 5,000,000.00 0.00", "here_only 1 0.00 100.00", "refunded 1 70.00 100.00", "all 5,000,171.00 300.00",
			"rejected SO-4, row 4: list 5,000,000.00", "over_limit: points: want at most 100000, got 5000000", "missing_here SO-5, row 5: list 1.00",
			"here_only SO-3, ledger 100.00, on 2026-11-20", "refunded SO-2, row 3: list 70.00, ledger 100.00, refunded 30.00",
		} {
			if !strings.Contains(oneBlank, want) {
				t.Errorf("%s: lacks %q:\n%s", name, want, out)
			}
		}
		lines := strings.Split(strings.TrimSpace(c.must(command.ExitDisagree, "orders", files[0], "--map", fmap, "--json")), "\n")
		var item shops.Item
		var sum shops.Summary
		if len(lines) < 5 || json.Unmarshal([]byte(lines[2]), &item) != nil || json.Unmarshal([]byte(lines[4]), &sum) != nil ||
			item.Kind != shops.MissingHere || item.Order != "SO-5" || item.Member != "138****5678" || sum.Agrees || sum.ListFen != 500_017_100 || sum.LedgerFen != 30_000 {
			t.Errorf("%s: JSON:\n%s", name, strings.Join(lines, "\n"))
		}
	}
	list, fmap := c.file("agrees.csv", "订单号,下单时间,实付金额,会员\nSO-1,2026-11-20,100,\nSO-2,2026-11-20,100,\nSO-3,2026-11-20,100,\n"), c.file("map.yaml", shopMap)
	if out := c.must(command.ExitDone, "orders", list, "--map", fmap, "--source", "shop-sh", "--from", "2026-11-01", "--to", "2026-11-30"); !strings.Contains(out, "List and ledger agree") || !strings.Contains(out, "refunded") {
		t.Errorf("one that agrees:\n%s", out)
	}
}

func TestOrdersUsage(t *testing.T) {
	t.Parallel()
	c := newConsole(t, "reconcile_orders_usage")
	c.sales()
	list, fmap := c.file("list.csv", "订单号,下单时间,实付金额,会员\nSO-1,2026-11-20,100,\nSO-2,x,1.234,\n"), c.file("map.yaml", shopMap)
	for _, u := range []struct {
		code int
		args []string
		want string
	}{
		{command.ExitUsage, []string{list}, "want --map"},
		{command.ExitUsage, []string{list, "--map", c.file("m.yaml", "colums: {}\n")}, "m.yaml:1: unknown key colums"},
		{command.ExitUsage, []string{list, "--map", c.file("m.yaml", "columns: {order: 单号}\n")}, "there is no column 单号, which the map has for order; there are: 订单号, 下单时间, 实付金额, 会员"},
		{command.ExitUsage, []string{list, "--map", c.file("m.yaml", "columns: {at: 下单时间}\n")}, "the map names no column for order"},
		{command.ExitUsage, []string{c.file("good.csv", "订单号,下单时间,实付金额,会员\nSO-1,2026-11-20,1,\n"), "--map", fmap, "--source", "shop-xx"}, "the ledger has no order of source shop-xx; there are: shop-sh"},
		{command.ExitUsage, []string{c.file("empty.csv", "订单号,下单时间,实付金额,会员\n"), "--map", fmap}, "add a column at to the map, or say --from and --to"},
		{command.ExitUsage, []string{list, "--map", fmap, "--unmasked"}, "--unmasked"},
		{command.ExitFailed, []string{list, "--map", fmap}, "list.csv:3:下单时间: want a time such as 2026-11-20 09:05:00"},
	} {
		if out := c.must(u.code, append([]string{"orders"}, u.args...)...); !strings.Contains(out, u.want) {
			t.Errorf("%v: %s\nwant %s", u.args, out, u.want)
		}
	}
}
