package money

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"pointsledger/ledger"
)

// Kind is what a line of a voucher books.
type Kind string

// The kinds, in the order of a voucher's lines.
const (
	// Deferred: what of a day's sales is paid for their points.
	Deferred Kind = "deferred"
	// Refunded: what refunds took back of it.
	Refunded Kind = "refunded"
	// NotGranted: points that were promised and never given, as a person gave them up.
	NotGranted Kind = "not_granted"
	// Estimate: recognised to date moved, as the expected redemption changed.
	Estimate Kind = "estimate_changed"
	// Redeemed: recognised, as points were redeemed or ran out.
	Redeemed Kind = "redeemed"
	// RestDeferred and RestRedeemed are the rounding rests of what is deferred in a month, and
	// recognised to date.
	RestDeferred Kind = "rounding_deferred"
	RestRedeemed Kind = "rounding_redeemed"
)

// kinds are all of them; of points that no sale paid for as well.
var kinds = []Kind{Deferred, RestDeferred, Refunded, NotGranted, Estimate, Redeemed, RestRedeemed}

// Line books an amount from one account of the chart to another.
type Line struct {
	// Vendor is the vendor account whose points these are.
	Vendor string `json:"account"`
	Kind   Kind   `json:"kind"`
	// Paid: a sale paid for the points.
	Paid bool `json:"paid"`
	// Points are those granted, taken back or not granted; 0 where a line is of no certain points.
	Points int64 `json:"points"`
	// Fen is above 0.
	Fen    int64   `json:"amount_fen"`
	Debit  Account `json:"debit"`
	Credit Account `json:"credit"`
}

// sides are what a line of a positive amount debits and credits.
func sides(k Kind, paid bool) (debit, credit Role) {
	liability, other := ContractLiability, Revenue
	if !paid {
		liability, other = PointsPayable, PromotionExpense
	}
	switch k {
	case Deferred, RestDeferred:
		return other, liability
	case Refunded, NotGranted:
		return liability, other
	}
	return liability, PointsRevenue
}

// Voucher is what is booked for a business day of a shop.
type Voucher struct {
	Day Day `json:"business_date"`
	// Shop is the code that the publisher named; empty: none.
	Shop  string `json:"shop"`
	Lines []Line `json:"lines"`
	// AccrualOnly: redemptions of this day were not told, for one of its vendor accounts at least.
	AccrualOnly bool `json:"accrual_only"`
	// Number is a function of day, shop and what the lines book.
	Number string `json:"number"`
	digest [sha256.Size]byte
}

// seal orders the lines and gives the voucher its number.
func (v *Voucher) seal() {
	slices.SortStableFunc(v.Lines, func(a, b Line) int {
		return cmp.Or(cmp.Compare(a.Vendor, b.Vendor), cmp.Compare(boolInt(b.Paid), boolInt(a.Paid)), cmp.Compare(slices.Index(kinds, a.Kind), slices.Index(kinds, b.Kind)))
	})
	var b strings.Builder
	fmt.Fprintf(&b, "1 %s %q\n", v.Day, v.Shop)
	for _, l := range v.Lines {
		fmt.Fprintf(&b, "%q %s %t %q %q %d\n", l.Vendor, l.Kind, l.Paid, l.Debit.Code, l.Credit.Code, l.Fen)
	}
	v.digest = sha256.Sum256([]byte(b.String()))
	var hash [8]byte
	for i := range hash {
		hash[i] = ledger.Crockford[v.digest[i]&31]
	}
	v.Number = strings.ReplaceAll(string(v.Day), "-", "") + "-" + string(hash[:])
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Digits is a number of at most nine digits, a function of the content as Number is, for programs
// whose vouchers have only digits. try is 0 unless that one is taken in the same file.
func (v *Voucher) Digits(try int) int {
	const most = 999_999_999
	return 1 + int((binary.BigEndian.Uint64(v.digest[8:])+uint64(try)*0x9e3779b97f4a7c15)%most)
}

// Total is the sum of its debits, and of its credits, in fen.
func (v *Voucher) Total() (fen int64) {
	for _, l := range v.Lines {
		fen += l.Fen
	}
	return fen
}

// rounded is an amount in whole fen, half away from zero.
func rounded(exact *big.Rat) int64 {
	twice := new(big.Int).Mul(new(big.Int).Abs(exact.Num()), big.NewInt(2))
	twice.Add(twice, exact.Denom())
	whole := twice.Quo(twice, new(big.Int).Mul(exact.Denom(), big.NewInt(2))).Int64()
	if exact.Sign() < 0 {
		return -whole
	}
	return whole
}
