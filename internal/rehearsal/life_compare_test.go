package rehearsal

import (
	"fmt"
	"strings"
	"testing"
)

// perfectLife is perfect, and what comes back: all of a kind by the first message
// that takes it, at the mall applied, elsewhere for a person.
func perfectLife(p *Plan) (ledger []LedgerRow, book []BookRow) {
	ledger, book = perfect(p.Truth)
	rows := map[fact]LedgerRow{}
	for _, row := range ledger {
		rows[factOf(row)] = row
	}
	no := int64(1_000_000)
	for _, o := range p.Orders {
		take := func(of LedgerRow, typ, kind string, points int64) {
			no += 2
			row := LedgerRow{Account: of.Account, Kind: kind, Type: typ, Source: o.Source, BusinessKey: o.OrderID, BizID: fmt.Sprintf("back%07d", no),
				Points: points, State: StatePosted, Origin: of.BizID}
			switch {
			case points == 0:
				row.State = StateNothing
			case of.State == StateParked:
				row.State = StateWaits
			case of.Account != accountMall && kind == kindConsume:
				row.State = StateVoided
			case of.Account != accountMall:
				row.State, row.ByHand = StateParked, true
			default:
				book = append(book, BookRow{Vendor: BookOf(row.Account, kind), Key: row.BizID, Points: points, Received: 1, Applied: 1, AppliedPoints: points, FirstNo: no, AppliedNo: no + 1})
			}
			ledger = append(ledger, row)
		}
		grant := rows[fact{o.Grant, kindAdd, typeOrder, o.Source, o.OrderID}]
		freeze, frozen := rows[fact{o.Freeze, kindFreeze, typeOrder, o.Source, o.OrderID}]
		back, used := grant.Points-o.Keeps(), freeze.Points
		for _, typ := range []string{typeRefund, typeCancel, typeComplete} {
			for range o.Accepted[typ] {
				switch {
				case typ == typeComplete && frozen:
					take(freeze, typ, kindConsume, used)
					used = 0
				case typ == typeComplete:
					take(grant, typ, kindConsume, 0)
				default:
					take(grant, typ, kindDeduct, back)
					back = 0
					if frozen && o.releases() {
						take(freeze, typ, kindUnfreeze, used)
						used = 0
					} else if frozen {
						take(freeze, typ, kindUnfreeze, 0)
					}
				}
			}
		}
	}
	return ledger, book
}

func TestCompareOfLivesAgrees(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		p := lifePlan(3000, seed)
		ledger, book := perfectLife(p)
		r := p.Compare(ledger, book)
		if !r.Agrees() || r.ByHand == 0 || r.ByHandPoints == 0 || r.Operations != p.Counts.Operations || r.LedgerPoints != r.VendorPoints {
			t.Errorf("seed %d: %v %v, %+v", seed, r.ByKind, r.Shown, r)
		}
	}
}

// Each planted disagreement of an order that comes back is found under its name.
func TestCompareOfLivesFindsWhatIsPlanted(t *testing.T) {
	t.Parallel()
	order := func() *Plan {
		o := &Order{Source: "s", OrderID: "SO", Grant: accountMall, Freeze: accountMall, AmountFen: 10_000, Points: 100, Refunded: 2500, Completed: true,
			Accepted: map[string]int{typeRefund: 1, typeComplete: 1}}
		return &Plan{Orders: []*Order{o}, Truth: []Expected{
			{Account: accountMall, Kind: kindAdd, Type: typeOrder, Source: "s", BusinessKey: "SO", Points: 100},
			{Account: accountMall, Kind: kindFreeze, Type: typeOrder, Source: "s", BusinessKey: "SO", Points: 7},
		}}
	}
	// The ledger: grant, freeze, deduct of 25, unfreeze of 0, consume of 7; the book:
	// grant, freeze, deduct, consume.
	type books struct {
		p      *Plan
		ledger []LedgerRow
		book   []BookRow
	}
	const deduct, consume = 2, 4
	for _, tc := range []struct {
		name  string
		plant func(b *books)
		kinds string
	}{
		{"nothing", func(*books) {}, ""},
		{"taken before it was given", func(b *books) { b.book[2].FirstNo = b.book[0].AppliedNo - 1 }, TakeBackOvertook},
		{"called for what was never given", func(b *books) {
			b.ledger[0].State, b.book[0].Applied, b.book[0].AppliedPoints, b.book[0].AppliedNo = StateParked, 0, 0, 0
		}, TakeBackOvertook},
		{"a completion before its freeze", func(b *books) { b.book[3].FirstNo = 1; b.book[1].AppliedNo = 2 }, TakeBackOvertook},
		{"too much", func(b *books) {
			b.ledger[deduct].Points, b.book[2].Points, b.book[2].AppliedPoints = 26, 26, 26
		}, KeptOtherwise},
		{"given up", func(b *books) { b.ledger[deduct].State, b.book = StateVoided, append(b.book[:2:2], b.book[3]) }, KeptOtherwise},
		{"for a person", func(b *books) {
			b.ledger[deduct].State, b.ledger[deduct].ByHand, b.book = StateParked, true, append(b.book[:2:2], b.book[3])
		}, ""},
		{"netted", func(b *books) {
			b.ledger[deduct].State, b.ledger[0].Netted = StateNetted, 25
			b.book[0].Points, b.book[0].AppliedPoints = 75, 75
			b.book = append(b.book[:2:2], b.book[3])
		}, ""},
		{"netted, and sent whole", func(b *books) {
			b.ledger[deduct].State, b.ledger[0].Netted = StateNetted, 25
			b.book = append(b.book[:2:2], b.book[3])
		}, AppliedOtherPoints + " " + KeptOtherwise},
		{"missing", func(b *books) {
			b.ledger, b.book = append(b.ledger[:2:2], b.ledger[3:]...), append(b.book[:2:2], b.book[3])
		}, KeptOtherwise + " " + MissingOperation},
		{"twice", func(b *books) {
			again := b.ledger[3]
			again.BizID = "again"
			b.ledger = append(b.ledger, again)
		}, DoubleOperation},
		{"released and spent", func(b *books) {
			b.ledger[3].Points, b.ledger[3].State = 7, StatePosted
			b.book = append(b.book, BookRow{Vendor: "kylin", Key: b.ledger[3].BizID, Points: 7, Received: 1, Applied: 1, AppliedPoints: 7, FirstNo: 2_000_000, AppliedNo: 2_000_001})
		}, EndedTwice},
		{"not spent", func(b *books) {
			b.ledger[consume].Points, b.ledger[consume].State, b.book = 0, StateNothing, b.book[:3]
		}, KeptOtherwise},
		{"of no order", func(b *books) { b.p.Orders = nil }, UnexpectedOperation},
		{"waits for what is posted", func(b *books) { b.ledger[deduct].State, b.book = StateWaits, append(b.book[:2:2], b.book[3]) }, InTransit},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := books{p: order()}
			b.ledger, b.book = perfectLife(b.p)
			tc.plant(&b)
			r := b.p.Compare(b.ledger, b.book)
			if got := strings.Join(sortedNames(r.ByKind), " "); got != tc.kinds {
				t.Errorf("found %q, want %q: %v", got, tc.kinds, r.Shown)
			}
		})
	}
}
