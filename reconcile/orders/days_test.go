package orders_test

import (
	"fmt"
	"strings"
	"testing"

	entries "pointsledger/internal/testkit/orders"
	"pointsledger/ledger"
	"pointsledger/reconcile/orders"
)

// days is what the declared days come to, a line each.
func (s *shop) days(asked orders.DaysAsked) string {
	s.t.Helper()
	if asked.Limit == 0 {
		asked.Limit = 100
	}
	asked.Zone = "Asia/Shanghai"
	found, err := s.Days(s.t.Context(), asked)
	if err != nil {
		s.t.Fatal(err)
	}
	lines := []string{fmt.Sprintf("%d declared: %d add up, %d differ, %d not over; undeclared %d on %d", found.Declared, found.AddUp, found.Differ, found.NotOver, found.Undeclared, found.UndeclaredDays)}
	for _, d := range found.Rows {
		name := d.Source
		if d.ShopCode != nil {
			name += "/" + *d.ShopCode
		}
		lines = append(lines, fmt.Sprintf("%s %s: %d %d, has %d %d, rejected %d %d, missing %d %d", d.Day[5:], name, d.DeclaredOrders, d.DeclaredFen, d.AcceptedOrders, d.AcceptedFen,
			d.RejectedOrders, d.RejectedFen, d.MissingOrders, d.MissingFen))
	}
	if found.More {
		lines = append(lines, "more")
	}
	return strings.Join(lines, "\n")
}

func expect(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got\n%s\nwant\n%s", what, got, want)
	}
}

// An order counts once, whatever it leads to, and what a refund or another type did does not.
func TestDaysAreCountedByOrder(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	two := s.sold("shop-sh", "SO-1", "2026-11-19", "", 10_000)
	two.Event.Operations = append(two.Event.Operations, entries.Operation("kylin", "SO-1", 50))
	two.Event.Operations[1].BusinessDate, two.Event.Operations[1].AmountFen = "2026-11-19", two.Event.Operations[0].AmountFen
	nothing := s.sold("shop-sh", "SO-2", "2026-11-19", "SH-01", 99)
	nothing.Event.Operations[0].Points, nothing.Event.Operations[0].MemberID = 0, ""
	other := s.sold("shop-sh", "R-1", "2026-11-19", "", 5_000)
	other.Event.Type = "review.posted"
	s.record(two, nothing, other, s.sold("shop-bj", "SO-1", "2026-11-19", "", 1), s.sold("shop-sh", "SO-3", "2026-11-20", "SH-01", 700))
	half := int64(5_000)
	s.record(entries.Refunded(90, "SO-1", "RF-1", &half))
	s.record(s.declared("2026-11-19", "", 2, 10_099))
	expect(t, "a day that adds up", s.days(orders.DaysAsked{All: true}), "1 declared: 1 add up, 0 differ, 0 not over; undeclared 1 on 1\n11-19 shop-sh: 2 10099, has 2 10099, rejected 0 0, missing 0 0")
	s.record(s.declared("2026-11-19", "SH-01", 1, 100), s.declared("2026-11-20", "SH-01", 1, 700), s.declared("2026-11-20", "SH-02", 0, 0))
	expect(t, "shops", s.days(orders.DaysAsked{All: true}), `4 declared: 3 add up, 1 differ, 0 not over; undeclared 0 on 0
11-19 shop-sh: 2 10099, has 2 10099, rejected 0 0, missing 0 0
11-19 shop-sh/SH-01: 1 100, has 1 99, rejected 0 0, missing 0 1
11-20 shop-sh/SH-01: 1 700, has 1 700, rejected 0 0, missing 0 0
11-20 shop-sh/SH-02: 0 0, has 0 0, rejected 0 0, missing 0 0`)
	expect(t, "bounds", s.days(orders.DaysAsked{From: "2026-11-20", To: "2026-11-20", Source: "shop%2Dsh"}), "2 declared: 2 add up, 0 differ, 0 not over; undeclared 0 on 0")
	expect(t, "the limit", s.days(orders.DaysAsked{All: true, Limit: 1}), "4 declared: 3 add up, 1 differ, 0 not over; undeclared 0 on 0\n11-19 shop-sh: 2 10099, has 2 10099, rejected 0 0, missing 0 0\nmore")
	expect(t, "a source without any", s.days(orders.DaysAsked{Source: "shop-bj"}), "0 declared: 0 add up, 0 differ, 0 not over; undeclared 0 on 0")
}

// The newest of a day counts, in the order of the broker; a day that is not over differs
// from nothing.
func TestNewestDeclarationCounts(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	first, second := s.declared("2026-11-19", "", 1, 100), s.declared("2026-11-19", "", 2, 200)
	s.record(second)
	s.record(first, s.sold("shop-sh", "SO-1", "2026-11-19", "", 100), s.declared("2999-01-01", "", 5, 500))
	expect(t, "two declarations", s.days(orders.DaysAsked{}), "2 declared: 0 add up, 1 differ, 1 not over; undeclared 0 on 0\n11-19 shop-sh: 2 200, has 1 100, rejected 0 0, missing 1 100")
	s.record(s.sold("shop-sh", "SO-2", "2026-11-19", "", 100))
	expect(t, "the late order", s.days(orders.DaysAsked{}), "2 declared: 1 add up, 0 differ, 1 not over; undeclared 0 on 0")
	s.record(s.sold("shop-sh", "SO-3", "2026-11-19", "", 100))
	expect(t, "more than declared", s.days(orders.DaysAsked{}), "2 declared: 0 add up, 1 differ, 1 not over; undeclared 0 on 0\n11-19 shop-sh: 2 200, has 3 300, rejected 0 0, missing -1 -100")
}

// A rejected order is told by the day that its bytes name, once, until it is accepted.
func TestRejectedOrdersOfADay(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	event := func(order, more string) string {
		return fmt.Sprintf(`{"specversion":"1.0","id":"1","source":"shop-sh","type":"order.paid","time":"2026-11-19T23:30:00+08:00","data":{"orderId":%q,"amountFen":500%s}}`, order, more)
	}
	binary := s.rejected("shop-sh", "order.paid", `{"orderId":"SO-5","amountFen":"x","shopCode":"SH-01"}`)
	binary.Message.Header = []byte("NATS/1.0\r\nce-time: 2026-11-18T17:00:00Z\r\n\r\n")
	s.record(s.rejected("shop-sh", "order.paid", event("SO-1", "")), s.rejected("shop-sh", "order.paid", event("SO-1", `,"x":1`)),
		s.rejected("shop-sh", "order.paid", event("SO-2", `,"businessDate":"2026-11-18"`)), s.rejected("shop-sh", "order.refunded", event("SO-3", "")),
		s.rejected("shop-bj", "order.paid", event("SO-4", "")), binary, s.rejected("shop-sh", "order.paid", "no JSON"),
		s.declared("2026-11-19", "", 3, 1500), s.declared("2026-11-18", "", 1, 500), s.declared("2026-11-19", "SH-01", 1, 0), s.declared("2026-11-20", "", 1, 1))
	expect(t, "rejected", s.days(orders.DaysAsked{}), `4 declared: 0 add up, 4 differ, 0 not over; undeclared 0 on 0
11-18 shop-sh: 1 500, has 0 0, rejected 1 500, missing 1 500
11-19 shop-sh: 3 1500, has 0 0, rejected 2 500, missing 3 1500
11-19 shop-sh/SH-01: 1 0, has 0 0, rejected 1 0, missing 1 0
11-20 shop-sh: 1 1, has 0 0, rejected 1 0, missing 1 1`)
	s.record(s.sold("shop-sh", "SO-1", "2026-11-19", "", 500), s.sold("shop-sh", "SO-2", "2026-11-18", "", 500))
	expect(t, "accepted since", s.days(orders.DaysAsked{To: "2026-11-19"}), `3 declared: 1 add up, 2 differ, 0 not over; undeclared 0 on 0
11-19 shop-sh: 3 1500, has 1 500, rejected 1 0, missing 2 1000
11-19 shop-sh/SH-01: 1 0, has 0 0, rejected 1 0, missing 1 0`)
}

// A source is one in its spellings.
func TestSpelledSourcesOfADay(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	e := s.declared("2026-11-19", "", 2, 2)
	e.Event.Declares = &ledger.Declaration{Source: "门", SourceKey: "门", Spellings: []string{"门", "%E9%97%A8"}, Day: "2026-11-19", Orders: 2, AmountFen: 2}
	s.record(e, s.sold("门", "SO-1", "2026-11-19", "", 1), s.sold("%E9%97%A8", "SO-2", "2026-11-19", "", 1), s.sold("%E9%97%A8", "SO-3", "2026-11-20", "", 1))
	expect(t, "by a spelling", s.days(orders.DaysAsked{Source: "%e9%97%a8", All: true}), "1 declared: 1 add up, 0 differ, 0 not over; undeclared 1 on 1\n11-19 门: 2 2, has 2 2, rejected 0 0, missing 0 0")
}
