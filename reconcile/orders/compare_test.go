package orders_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	entries "pointsledger/internal/testkit/orders"
	"pointsledger/ledger"
	"pointsledger/reconcile/feed"
	"pointsledger/reconcile/orders"
)

const listMap = "columns: {order: 单号, at: 时间, amount: 金额, member: 会员, shop: 门店}\n"

// list writes a list and returns what opens it.
func list(t *testing.T, yaml, text string) func() (*feed.File, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "list.csv")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := feed.ParseMap("map.yaml", []byte(yaml))
	if err != nil {
		t.Fatal(err)
	}
	return func() (*feed.File, error) { return m.Open(path, orders.Needs()) }
}

const heading = "单号,时间,金额,会员,门店\n"

// compare is what a comparison comes to: the summary, then a line for each item.
func (s *shop) compare(rows string, asked orders.Asked) (string, error) {
	s.t.Helper()
	if asked.Zone == "" {
		asked.Zone = "Asia/Shanghai"
	}
	var lines []string
	found, err := s.Compare(s.t.Context(), list(s.t, listMap, heading+rows), asked, func(i *orders.Item) error {
		line := fmt.Sprintf("%s %s", i.Kind, i.Order)
		if i.Row > 0 {
			line += fmt.Sprintf(" row %d", i.Row)
		}
		if i.ListFen != nil {
			line += fmt.Sprintf(" list %d", *i.ListFen)
		}
		if i.LedgerFen != nil {
			line += fmt.Sprintf(" ledger %d", *i.LedgerFen)
		}
		if i.RefundedFen > 0 {
			line += fmt.Sprintf(" refunded %d", i.RefundedFen)
		}
		lines = append(lines, strings.Join(strings.Fields(line+" "+strings.Join(i.Sources, "+")+" "+i.ReasonCode), " "))
		return nil
	})
	if err != nil {
		return "", err
	}
	sums, difference := int64(0), int64(0)
	for _, kind := range slices.Sorted(maps.Keys(found.Items)) {
		sums += found.Items[kind].Orders
		difference += found.Items[kind].ListFen - found.Items[kind].LedgerFen
	}
	if sums != int64(len(lines)) || difference != found.ListFen-found.LedgerFen {
		s.t.Errorf("items come to %d orders and %d fen, the summary to %d fen: %+v", sums, difference, found.ListFen-found.LedgerFen, found)
	}
	head := fmt.Sprintf("%s %s to %s: %d rows, %d orders, %d agree, %v", strings.Join(found.Sources, "+"), found.From[5:], found.To[5:], found.Rows, found.Orders, found.Agree, found.Agrees)
	if found.Hundredfold {
		head += ", hundredfold"
	}
	return strings.Join(append([]string{head}, lines...), "\n"), nil
}

func (s *shop) compares(what, rows string, asked orders.Asked, want string) {
	s.t.Helper()
	got, err := s.compare(rows, asked)
	if err != nil {
		s.t.Errorf("%s: %v", what, err)
		return
	}
	expect(s.t, what, got, want)
}

// Each kind of finding, and what agrees although it does not look like it.
func TestCompareFindsEachKind(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	two := s.sold("shop-sh", "SO-1", "2026-11-20", "", 10_000)
	two.Event.Operations = append(two.Event.Operations, entries.Operation("kylin", "SO-1", 50))
	two.Event.Operations[1].AmountFen = two.Event.Operations[0].AmountFen
	nothing := s.sold("shop-sh", "SO-2", "2026-11-20", "", 99)
	nothing.Event.Operations[0].Points = 0
	spelled := s.sold("shop-sh", "SO（3）", "2026-11-20", "", 500)
	spelled.Event.FactKey = ledger.NewFactKey("shop-sh", "order.paid", "SO(3)")
	s.record(two, nothing, spelled, s.sold("shop-sh", "SO-4", "2026-11-19", "", 700), s.sold("shop-sh", "SO-5", "2026-11-20", "", 800),
		s.sold("shop-sh", "SO-6", "2026-11-20", "SH-01", 900), s.sold("shop-sh", "SO-7", "2026-11-21", "", 900),
		s.rejected("shop-sh", "order.paid", `{"orderId":"SO-8"}`), s.rejected("shop-sh", "order.paid", `{"orderId":"SO-5"}`), s.rejected("shop-sh", "order.paid", `{"orderId":"SO-4"}`))
	s.compares("all", `SO-1,2026-11-20 10:00,100.00,,
SO-2,2026-11-20 10:00,0.99,,
SO(3),2026-11-20 10:00,5,,
SO-4,2026-11-20 00:01,7,,
SO-5,2026-11-20 10:00,8.01,,
SO-8,2026-11-20 10:00,1,,
SO-9,2026-11-20 10:00,2,,
合计,,124,,
`, orders.Asked{}, `shop-sh 11-20 to 11-20: 7 rows, 7 orders, 4 agree, false
other_amount SO-5 row 6 list 801 ledger 800 over_limit
rejected SO-8 row 7 list 100 over_limit
missing_here SO-9 row 8 list 200
here_only SO-6 ledger 900`)
	s.compares("the settled reject, a shop, other days", "SO-4,2026-11-19 12:00,7,,\nSO-6,2026-11-20 12:00,9,,SH-01\nSO-7,2026-12-01,9,,\n", orders.Asked{From: "2026-11-19", To: "2026-11-21", Shop: "SH-01"},
		"shop-sh 11-19 to 11-21: 2 rows, 2 orders, 2 agree, true")
	s.compares("rows of one order", "SO-1,2026-11-20,60,,\nSO-1,2026-11-20,40,,\nSO-2,2026-11-20,0.99,,\nSO-2,2026-11-20,0.99,,\nSO-5,2026-11-20,4,,\nSO-5,2026-11-20,5,,\n", orders.Asked{Shop: "none"},
		"shop-sh 11-20 to 11-20: 6 rows, 3 orders, 1 agree, false\nlisted_twice SO-2 row 4 list 198 ledger 99\nother_amount SO-5 row 6 list 900 ledger 800 over_limit")
	s.compares("another unit", "SO-1,2026-11-20,10000,,\nSO-5,2026-11-20,800,,\n", orders.Asked{Shop: "none"},
		"shop-sh 11-20 to 11-20: 2 rows, 2 orders, 0 agree, false, hundredfold\nother_amount SO-1 row 2 list 1000000 ledger 10000\nother_amount SO-5 row 3 list 80000 ledger 800 over_limit")
}

// A rule of a shop's own may keep no amount: any other than 0 is another one then.
func TestCompareOrdersWithoutAnAmount(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	without := s.sold("shop-sh", "SO-1", "2026-11-20", "", 10_000)
	without.Event.Operations[0].AmountFen = nil
	s.record(without)
	s.compares("without an amount", "SO-1,2026-11-20,100,,\n", orders.Asked{}, "shop-sh 11-20 to 11-20: 1 rows, 1 orders, 0 agree, false\nother_amount SO-1 row 2 list 10000")
}

// A list is held against what was paid; what refunds left agrees too.
func TestCompareRefunds(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	for i, order := range []string{"SO-1", "SO-2", "SO-3", "SO-4", "SO-5"} {
		e := s.sold("shop-sh", order, "2026-11-20", "", 1000)
		if i == 4 {
			e.Event.Operations = append(e.Event.Operations, entries.Operation("kylin", order, 50))
			e.Event.Operations[1].AmountFen = e.Event.Operations[0].AmountFen
		}
		s.record(e)
	}
	part, rest := int64(300), int64(700)
	s.record(entries.Refunded(91, "SO-1", "RF-1", &part), entries.Refunded(92, "SO-2", "RF-2", &part), entries.Refunded(93, "SO-2", "RF-3", &rest), entries.Refunded(94, "SO-3", "C-1", nil),
		entries.Refunded(95, "SO-4", "RF-4", &part))
	spent := entries.Refunded(96, "SO-5", "S-1", nil)
	spent.Event.Refers.Consumes = true
	s.record(spent)
	s.compares("refunds", "SO-1,2026-11-20,10,,\nSO-1,2026-11-20,-3,,\nSO-2,2026-11-20,10,,\nSO-3,2026-11-20,0,,\nSO-4,2026-11-20,8,,\nSO-5,2026-11-20,10,,\n", orders.Asked{},
		`shop-sh 11-20 to 11-20: 6 rows, 5 orders, 1 agree, false
refunded SO-1 row 2 list 700 ledger 1000 refunded 300
refunded SO-2 row 4 list 1000 ledger 1000 refunded 1000
refunded SO-3 row 5 list 0 ledger 1000 refunded 1000
other_amount SO-4 row 6 list 800 ledger 1000 refunded 300`)
}

// The same number at two sources is told, unless the source is said.
func TestCompareSources(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.record(s.sold("shop-sh", "SO-1", "2026-11-20", "", 100), s.sold("shop-bj", "SO-1", "2026-11-20", "", 100), s.sold("shop-bj", "SO-2", "2026-11-20", "", 100),
		s.sold("%E9%97%A8", "SO-3", "2026-11-20", "", 100), s.rejected("shop-gz", "order.paid", `{"orderId":"SO-9"}`))
	rows := "SO-1,2026-11-20,1,,\nSO-9,2026-11-20,1,,\n"
	s.compares("no source", rows, orders.Asked{}, "shop-bj+shop-sh 11-20 to 11-20: 2 rows, 2 orders, 0 agree, false\nambiguous SO-1 row 2 list 100 shop-bj+shop-sh\nrejected SO-9 row 3 list 100 over_limit\nhere_only SO-2 ledger 100")
	s.compares("a source", rows, orders.Asked{Source: "shop-sh"}, "shop-sh 11-20 to 11-20: 2 rows, 2 orders, 1 agree, false\nmissing_here SO-9 row 3 list 100")
	s.compares("another spelling", "SO-3,2026-11-20,1,,\n", orders.Asked{Source: "门"}, "门 11-20 to 11-20: 1 rows, 1 orders, 1 agree, true")
	var unknown *orders.UnknownSourceError
	if _, err := s.compare(rows, orders.Asked{Source: "shop-xx"}); !errors.As(err, &unknown) || !strings.Contains(err.Error(), "no order of source shop-xx; there are: 门, shop-bj") {
		t.Error(err)
	}
	for i := range 20 {
		s.record(s.sold(fmt.Sprint("s", i), "SO-1", "2026-11-20", "", 100))
	}
	var many *orders.ManySourcesError
	if _, err := s.compare(rows, orders.Asked{}); !errors.As(err, &many) || !strings.Contains(err.Error(), "orders of 24 sources (门, s0, s1,") {
		t.Error(err)
	}
}

// Rows from before facts were kept are found by their numbers.
func TestCompareOlderRows(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	two := s.sold("shop-sh", "SO-1", "2026-11-20", "", 10_000)
	two.Event.Operations = append(two.Event.Operations, entries.Operation("kylin", "SO-1", 50))
	two.Event.Operations[1].AmountFen = two.Event.Operations[0].AmountFen
	s.record(two, s.sold("shop-sh", "SO-2", "2026-11-20", "", 100), s.sold("shop-sh", "SO-3", "2026-11-20", "", 100), s.declared("2026-11-20", "", 3, 10_200))
	for _, sql := range []string{"ALTER TABLE operations DISABLE TRIGGER USER", "UPDATE operations SET fact_key = NULL, fact_leg = NULL WHERE business_key <> 'SO-3'"} {
		if _, err := s.pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	s.compares("older rows", "SO-1,2026-11-20,100,,\nSO-3,2026-11-20,1,,\n", orders.Asked{}, "shop-sh 11-20 to 11-20: 2 rows, 2 orders, 2 agree, false\nhere_only SO-2 ledger 100")
	expect(t, "a declared day", s.days(orders.DaysAsked{}), "1 declared: 1 add up, 0 differ, 0 not over; undeclared 0 on 0")
}

// What cannot be read, or not be bounded, is compared with nothing.
func TestCompareRefuses(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.record(s.sold("shop-sh", "SO-1", "2026-11-20", "", 100))
	for rows, want := range map[string]string{
		"1.2E+17,2026-11-20,1,,\nSO-2,x,1,,\n":         "list.csv:3:时间: want a time",
		strings.Repeat("1.2E+17,2026-11-20,1,,\n", 30): "list.csv:21:单号: want an id",
		"SO-1,,1,,\n": orders.ErrNoDays.Error(),
		"SO-1,2026-11-20,90000000000000000,,\nSO-1,2026-11-20,90000000000000000,,\n": "row 3: the amounts of its order come to more than 64 bits hold",
		"\"SO-1\nSO-2": "a quotation mark is not closed",
	} {
		if got, err := s.compare(rows, orders.Asked{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %s %v\nwant %s", rows, got, err, want)
		}
	}
	if got, err := s.compare("SO-1,,1,,\n", orders.Asked{From: "2026-11-20", To: "2026-11-20"}); err != nil || got != "shop-sh 11-20 to 11-20: 1 rows, 1 orders, 1 agree, true" {
		t.Errorf("without times, of days that were said: %s %v", got, err)
	}
}
