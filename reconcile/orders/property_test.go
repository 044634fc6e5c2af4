package orders_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	entries "pointsledger/internal/testkit/orders"
	"pointsledger/ledger"
	"pointsledger/reconcile/orders"
)

// Of lists and ledgers that were drawn, each planted difference is found with its kind,
// none is invented, and the two sums differ by what the items do (compare checks that).
func TestComparedListsAddUp(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		draw := rand.New(rand.NewPCG(seed, 7))
		s := newShop(t)
		var rows []string
		var all []ledger.Entry
		var refunds []ledger.Entry
		planted := map[orders.Kind]int{}
		agree := 0
		for i := range 1500 {
			order, fen := fmt.Sprintf("SO-%d", i), int64(draw.IntN(100_000))
			row := func(fen int64) {
				rows = append(rows, fmt.Sprintf("%s,2026-11-%02d,%d.%02d,,", order, 10+i%10, fen/100, fen%100))
			}
			e := s.sold("shop-sh", order, fmt.Sprintf("2026-11-%02d", 10+i%10), "", fen)
			if draw.IntN(5) == 0 {
				e.Event.Operations = append(e.Event.Operations, entries.Operation("kylin", order, 50))
				e.Event.Operations[1].AmountFen, e.Event.Operations[1].BusinessDate = &fen, e.Event.Operations[0].BusinessDate
			}
			switch kind := draw.IntN(12); {
			case kind == 0:
				row(fen)
				planted[orders.MissingHere]++
				continue
			case kind == 1:
				row(fen)
				all = append(all, s.rejected("shop-sh", "order.paid", fmt.Sprintf(`{"orderId":%q}`, order)))
				planted[orders.Rejected]++
				continue
			case kind == 2:
				planted[orders.HereOnly]++
			case kind == 3:
				row(fen + 1 + int64(draw.IntN(1000)))
				planted[orders.OtherAmount]++
			case kind == 4 && fen > 0:
				row(fen)
				row(fen)
				planted[orders.ListedTwice]++
			case kind == 5 && fen > 1:
				share := 1 + draw.Int64N(fen)
				refunds = append(refunds, entries.Refunded(uint64(10_000+i), order, fmt.Sprint("RF-", i), &share))
				row(fen - share*int64(draw.IntN(2)))
				planted[orders.Refunded]++
			case kind == 6 && fen > 1:
				first := draw.Int64N(fen)
				row(first)
				row(fen - first)
				agree++
			default:
				row(fen)
				agree++
			}
			all = append(all, e)
		}
		s.record(all...)
		s.record(refunds...)
		draw.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		got, err := s.compare(strings.Join(rows, "\n"), orders.Asked{})
		if err != nil {
			t.Fatal(err)
		}
		head, items, _ := strings.Cut(got, "\n")
		found := map[orders.Kind]int{}
		for line := range strings.Lines(items) {
			found[orders.Kind(strings.Fields(line)[0])]++
		}
		for _, kind := range orders.Kinds() {
			if found[kind] != planted[kind] {
				t.Errorf("seed %d: %d of kind %s, planted %d", seed, found[kind], kind, planted[kind])
			}
		}
		if !strings.Contains(head, fmt.Sprintf(" %d agree,", agree)) {
			t.Errorf("seed %d: %s; %d agree", seed, head, agree)
		}
	}
}
