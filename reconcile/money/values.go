package money

import (
	"fmt"
	"math/big"
	"slices"
	"time"
)

// Day is a business date as 2026-11-20; as text, days compare in their order.
type Day string

func (d Day) month() Day { return d[:len("2026-11")] }

// Method says what of a sale's price is deferred for its points.
type Method string

const (
	// Relative allocates the price by relative stand-alone selling prices: the sale's price
	// to that of its points.
	Relative Method = "relative"
	// Full defers the stand-alone selling price of the points, as long as the sale's price
	// covers it.
	Full Method = "full"
)

// Entry is what finance estimates from a business date on.
type Entry struct {
	From Day
	// FenPerPoint is the stand-alone selling price of a point that is redeemed, in fen.
	FenPerPoint *big.Rat
	// Expected is the share of granted points that is expected to be redeemed, above 0 and
	// at most 1.
	Expected *big.Rat
	// VAT is the share that is added to a price as tax, and is no revenue; 0: amounts
	// are without tax.
	VAT    *big.Rat
	Method Method
	// Line is where it stands in the file.
	Line int
}

// same: both estimate the same.
func (e *Entry) same(o *Entry) bool {
	return e.From == o.From && e.FenPerPoint.Cmp(o.FenPerPoint) == 0 && e.Expected.Cmp(o.Expected) == 0 && e.VAT.Cmp(o.VAT) == 0 && e.Method == o.Method
}

// standAlone is the stand-alone selling price of points, in fen.
func (e *Entry) standAlone(points int64) *big.Rat {
	price := new(big.Rat).SetInt64(points)
	return price.Mul(price, e.FenPerPoint).Mul(price, e.Expected)
}

// Values are a values file. They are not changed once made, and safe for concurrent use.
type Values struct {
	// Entries are in the order of their dates; at least one.
	Entries []Entry
	Chart   Chart
	// Zone is where a business day begins and ends.
	Zone *time.Location
	// Word is the word of the vouchers' numbers: 记.
	Word string
	// PreparedBy is who is named as their author; may be empty.
	PreparedBy string
	// Departments are the accounting program's codes of shops, by shop code.
	Departments map[string]string
	// Expiry are texts: a record that holds one of them is an expiry, no redemption.
	Expiry []string

	name, text string
}

// at is the entry in force on a day; nil before the first.
func (v *Values) at(d Day) *Entry {
	i, found := slices.BinarySearchFunc(v.Entries, d, func(e Entry, d Day) int { return compareDays(e.From, d) })
	if !found {
		i--
	}
	if i < 0 {
		return nil
	}
	return &v.Entries[i]
}

func compareDays(a, b Day) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// keepsTo refuses values that differ from used ones in what these said up to a day.
func (v *Values) keepsTo(used *Values, through Day) error {
	refuse := func(line int, format string, args ...any) error {
		return &ValuesError{File: v.name, Line: line, Err: ErrValuesUsed, Problem: fmt.Sprintf(format, args...) +
			fmt.Sprintf("; journals up to %s were handed out with it: leave it, and date a new estimate after %s", through, through)}
	}
	for i := range used.Entries {
		was := &used.Entries[i]
		if was.From > through {
			break
		}
		now := v.at(was.From)
		switch {
		case now == nil || now.From != was.From:
			return refuse(v.Entries[0].Line, "the entry from %s is missing", was.From)
		case !now.same(was):
			return refuse(now.Line, "the entry from %s said fen_per_point %s, expected_redemption %s, vat %s, allocation %s", was.From,
				was.FenPerPoint.RatString(), was.Expected.RatString(), was.VAT.RatString(), was.Method)
		}
	}
	for i := range v.Entries {
		now := &v.Entries[i]
		if was := used.at(now.From); now.From <= through && (was == nil || was.From != now.From) {
			return refuse(now.Line, "an entry from %s was not there", now.From)
		}
	}
	return nil
}
