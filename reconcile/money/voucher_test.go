package money

import (
	"math/big"
	"regexp"
	"slices"
	"testing"
)

// The number of a voucher changes with everything that it books, and with nothing else.
func TestVoucherNumberIsItsContent(t *testing.T) {
	t.Parallel()
	made := func(edit func(*Voucher)) *Voucher {
		chart := UsualChart()
		v := &Voucher{Day: "2026-11-20", Shop: "S1", Lines: []Line{
			{Vendor: "zhimai", Kind: Deferred, Paid: true, Points: 10, Fen: 100, Debit: chart[Revenue], Credit: chart[ContractLiability]},
			{Vendor: "zhimai", Kind: Redeemed, Paid: true, Fen: 7, Debit: chart[ContractLiability], Credit: chart[PointsRevenue]},
			{Vendor: "zhimai", Kind: Deferred, Points: 5, Fen: 3, Debit: chart[PromotionExpense], Credit: chart[PointsPayable]},
		}}
		edit(v)
		v.seal()
		return v
	}
	first := made(func(*Voucher) {})
	if !regexp.MustCompile(`^20261120-[0-9A-HJKMNP-TV-Z]{8}$`).MatchString(first.Number) || first.Digits(0) < 1 || first.Digits(0) > 999_999_999 || first.Digits(0) == first.Digits(1) {
		t.Errorf("number %s, %d", first.Number, first.Digits(0))
	}
	for what, edit := range map[string]func(*Voucher){
		"the order of the lines": func(v *Voucher) { slices.Reverse(v.Lines) },
		"accrual only":           func(v *Voucher) { v.AccrualOnly = true },
		"an account's name":      func(v *Voucher) { v.Lines[0].Debit.Name = "收入" },
	} {
		if v := made(edit); v.Number != first.Number || v.Digits(0) != first.Digits(0) {
			t.Errorf("%s changes the number: %s, %s", what, v.Number, first.Number)
		}
	}
	for what, edit := range map[string]func(*Voucher){
		"the day":            func(v *Voucher) { v.Day = "2026-11-21" },
		"the shop":           func(v *Voucher) { v.Shop = "S2" },
		"an amount":          func(v *Voucher) { v.Lines[0].Fen++ },
		"the other way":      func(v *Voucher) { v.Lines[0].Debit, v.Lines[0].Credit = v.Lines[0].Credit, v.Lines[0].Debit },
		"an account's code":  func(v *Voucher) { v.Lines[1].Credit.Code = "600102" },
		"the vendor account": func(v *Voucher) { v.Lines[1].Vendor = "north" },
		"what paid for it":   func(v *Voucher) { v.Lines[2].Paid = true },
		"a line less":        func(v *Voucher) { v.Lines = v.Lines[:2] },
	} {
		if v := made(edit); v.Number == first.Number || v.Digits(0) == first.Digits(0) {
			t.Errorf("%s does not change the number %s, %d", what, v.Number, v.Digits(0))
		}
	}
}

func TestRoundedHalfAwayFromZero(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ num, den, want int64 }{{1, 2, 1}, {-1, 2, -1}, {1, 3, 0}, {-1, 3, 0}, {2, 3, 1}, {-5, 2, -3}, {5, 2, 3}, {4_999, 10_000, 0}, {9_000_000_000_000, 1, 9_000_000_000_000}} {
		if got := rounded(big.NewRat(c.num, c.den)); got != c.want {
			t.Errorf("%d/%d is %d, want %d", c.num, c.den, got, c.want)
		}
	}
}
