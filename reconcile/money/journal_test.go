package money

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"testing"

	"pointsledger/internal/testkit"
)

// nets are what a day books at a shop, by code; credits are below 0.
type nets map[dayShop]map[string]int64

func (n nets) add(key dayShop, code string, fen int64) {
	if n[key] == nil {
		n[key] = map[string]int64{}
	}
	if n[key][code] += fen; n[key][code] == 0 {
		delete(n[key], code)
	}
	if len(n[key]) == 0 {
		delete(n, key)
	}
}

const testValues = `values:
  - {from: 2026-01-01, fen_per_point: 7/10, expected_redemption: 0.9, vat: 13%}
  - {from: 2026-02-11, fen_per_point: 0.8, expected_redemption: 83/100, vat: 13%}
  - {from: 2026-03-05, fen_per_point: 0.8, expected_redemption: 97%, vat: 13%, allocation: full}
accounts:
  revenue: {code: "6001", name: 主营业务收入}
  points_revenue: {code: "600102", name: 积分收入}
`

// another reckons from the list of what the test did, each day from the beginning and each amount from
// its definition.
func another(w *world, v *Values, from, to Day, known map[string]map[Day]usedUp, vendors ...string) nets {
	booked := nets{}
	before := map[columnOf]state{}
	for d := firstDay; d <= to; d = d.after() {
		for key, s := range w.liabilities(v, d, known, vendors) {
			was := before[key]
			before[key] = s
			if d < from {
				continue
			}
			at := dayShop{d, key.shop}
			liability, other := "2204", "6001"
			if !key.paid {
				liability, other = "2241", "6601"
			}
			allocated, recognised := s.liability+s.recognised-was.liability-was.recognised, s.recognised-was.recognised
			booked.add(at, other, allocated)
			booked.add(at, liability, recognised-allocated)
			booked.add(at, "600102", -recognised)
		}
	}
	return booked
}

type columnOf struct {
	vendor, shop string
	paid         bool
}

type state struct{ liability, recognised int64 }

// liabilities are what stands in the books at the end of a day.
func (w *world) liabilities(v *Values, d Day, known map[string]map[Day]usedUp, vendors []string) map[columnOf]state {
	result := map[columnOf]state{}
	for _, vendor := range vendors {
		redeemed, expired := new(big.Rat), new(big.Rat)
		for day, u := range known[vendor] {
			if day <= d {
				redeemed.Add(redeemed, big.NewRat(u.redeemed, 1))
				expired.Add(expired, big.NewRat(u.expired, 1))
			}
		}
		recognised := map[columnOf]*big.Rat{}
		for day := firstDay; day <= d; day = day.after() {
			points := new(big.Rat)
			left := map[columnOf]int64{}
			for _, shop := range []string{"", "S1", "S2"} {
				for _, paid := range []bool{true, false} {
					key := columnOf{vendor, shop, paid}
					all, back := w.pointsOf(key, day, d)
					allocated := w.allocated(v, key, day)
					if all > 0 {
						share := big.NewRat(back, all)
						left[key] = allocated - rounded(share.Mul(share, big.NewRat(allocated, 1)))
					}
					points.Add(points, big.NewRat(all-back, 1))
				}
			}
			expected := new(big.Rat).Mul(points, v.at(d).Expected)
			ratio := big.NewRat(1, 1)
			switch {
			case redeemed.Cmp(expected) >= 0:
				redeemed.Sub(redeemed, expected)
				if spare := points.Sub(points, expected); expired.Cmp(spare) > 0 {
					expired.Sub(expired, spare)
				} else {
					expired.SetInt64(0)
				}
			case new(big.Rat).Add(redeemed, expired).Cmp(points) >= 0:
				expired.Sub(expired, points.Sub(points, redeemed))
				redeemed.SetInt64(0)
			default:
				ratio.Quo(redeemed, expected)
				redeemed, expired = new(big.Rat), new(big.Rat)
			}
			for key, fen := range left {
				if recognised[key] == nil {
					recognised[key] = new(big.Rat)
				}
				part := big.NewRat(fen, 1)
				recognised[key].Add(recognised[key], part.Mul(part, ratio))
				r := result[key]
				r.liability += fen
				result[key] = r
			}
		}
		for key, exact := range recognised {
			r := result[key]
			r.recognised = rounded(exact)
			r.liability -= r.recognised
			result[key] = r
		}
	}
	return result
}

// pointsOf are those granted on a day, and what of them was taken back by another.
func (w *world) pointsOf(key columnOf, day, until Day) (all, back int64) {
	for _, g := range w.of(key, day) {
		if g.vendor == key.vendor {
			all += g.points
			for _, c := range g.changes {
				if c.day <= until {
					back += c.points
				}
			}
		}
	}
	return all, back
}

// allocated is what is booked for a day's points: the month's exact sum so far, rounded, less that of the
// day before.
func (w *world) allocated(v *Values, key columnOf, day Day) int64 {
	at := fmt.Sprint(key, day)
	if fen, known := w.reckoned[at]; known {
		return fen
	}
	sum, before := new(big.Rat), new(big.Rat)
	for d := day.month() + "-01"; d <= day; d = d.after() {
		before.Set(sum)
		sum.Add(sum, w.exact(v, key, d))
	}
	w.reckoned[at] = rounded(sum) - rounded(before)
	return w.reckoned[at]
}

// of are the grants of a shop's day, at all vendor accounts.
func (w *world) of(key columnOf, day Day) (of []*granted) {
	if w.byDay == nil {
		w.byDay = map[Day][]*granted{}
		for _, g := range w.grants {
			w.byDay[g.day] = append(w.byDay[g.day], g)
		}
	}
	for _, g := range w.byDay[day] {
		if g.shop == key.shop && (g.amount > 0) == key.paid {
			of = append(of, g)
		}
	}
	return of
}

// exact is by the formula: price × stand-alone price of these points ÷ (price + that of all).
func (w *world) exact(v *Values, key columnOf, day Day) *big.Rat {
	e := v.at(day)
	own, all, price := new(big.Rat), new(big.Rat), new(big.Rat)
	facts := map[string]bool{}
	for _, g := range w.of(key, day) {
		alone := big.NewRat(g.points, 1)
		alone.Mul(alone, e.FenPerPoint).Mul(alone, e.Expected)
		all.Add(all, alone)
		if g.vendor == key.vendor {
			own.Add(own, alone)
		}
		if !facts[g.fact] {
			facts[g.fact] = true
			price.Add(price, big.NewRat(g.amount*100, 113))
		}
	}
	switch {
	case own.Sign() == 0 || !key.paid:
		return own
	case e.Method == Full && all.Cmp(price) < 0:
		return own
	case e.Method == Full:
		return own.Mul(own, price).Quo(own, all)
	}
	return own.Mul(own, price).Quo(own, all.Add(all, price))
}

// Random lives of points at two vendor accounts and three shops over three months: sales, some with
// grants at both, points that no sale paid for, refunds and grants that were given up, over months' ends,
// corrections, redemptions and expiries, three estimates. What each day's voucher books is what a
// reckoning from the test's own list books.
func TestJournalAgreesWithAnotherReckoning(t *testing.T) {
	t.Parallel()
	seen := map[Kind]int{}
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := play(t, testkit.Pool(t), seed, 75)
			v, j, to := valuesOf(t, testValues), New(w.pool), date(80)
			known := map[string]map[Day]usedUp{}
			// At first nothing is known of redemptions: accrual only.
			w.compare(j, Asked{From: firstDay, To: to, Values: v}, another(w, v, firstDay, to, known, "zhimai", "north"), seen)
			// What is told of one account is kept, and counts in the journal of all.
			half := date(40)
			made, err := j.Make(t.Context(), Asked{From: firstDay, To: half, Account: "zhimai", Values: v, Redemptions: w.redemptions(), Format: "csv", HandOut: true}, func(*Voucher, Standing) (bool, error) { return true, nil })
			if err == nil {
				err = j.Keep(t.Context(), made)
			}
			if err != nil {
				t.Fatal(err)
			}
			known["zhimai"] = map[Day]usedUp{}
			for d, u := range w.used {
				if d <= half {
					known["zhimai"][d] = u
				}
			}
			w.compare(j, Asked{From: firstDay, To: half, Values: v}, another(w, v, firstDay, half, known, "zhimai", "north"), seen)
			// The rest of the file, over an estimate's change.
			known["zhimai"] = w.used
			w.compare(j, Asked{From: date(41), To: to, Account: "zhimai", Values: v, Redemptions: w.redemptions()}, another(w, v, date(41), to, known, "zhimai"), seen)
		})
	}
	for _, k := range kinds {
		if seen[k] == 0 {
			t.Errorf("no line is %s: the test looks at too little; there were %v", k, seen)
		}
	}
}

// compare makes a journal twice, for all days and for one alone, and compares what it books.
func (w *world) compare(j *Journals, a Asked, want nets, seen map[Kind]int) {
	w.t.Helper()
	got, numbers := nets{}, map[dayShop]string{}
	made, err := j.Make(w.t.Context(), a, func(v *Voucher, _ Standing) (bool, error) {
		key := dayShop{v.Day, v.Shop}
		numbers[key] = v.Number
		var debit, credit int64
		for _, l := range v.Lines {
			seen[l.Kind]++
			if l.Fen <= 0 || l.Debit == l.Credit {
				w.t.Errorf("%+v", l)
			}
			debit, credit = debit+l.Fen, credit+l.Fen
			got.add(key, l.Debit.Code, l.Fen)
			got.add(key, l.Credit.Code, -l.Fen)
		}
		return true, nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	sameNets(w.t, got, want)
	w.checkRolls(made, got)
	if a.Redemptions != nil {
		return
	}
	// A day alone has the same voucher.
	days := slices.SortedFunc(maps.Keys(numbers), func(x, y dayShop) int { return compareDays(x.day, y.day) })
	one := days[len(days)/2].day
	a.From, a.To = one, one
	if _, err := j.Make(w.t.Context(), a, func(v *Voucher, _ Standing) (bool, error) {
		if numbers[dayShop{v.Day, v.Shop}] != v.Number {
			w.t.Errorf("%s %q alone has number %s, and %s among others", v.Day, v.Shop, v.Number, numbers[dayShop{v.Day, v.Shop}])
		}
		return true, nil
	}); err != nil {
		w.t.Fatal(err)
	}
}

// checkRolls: what the sums say is what the vouchers book, and opening and movements are the closing.
func (w *world) checkRolls(made *Journal, got nets) {
	w.t.Helper()
	sums := map[string]int64{}
	for _, codes := range got {
		for code, fen := range codes {
			sums[code] += fen
		}
	}
	moved := map[string]int64{}
	for _, p := range made.Pools {
		for code, r := range map[string]Roll{"2204": p.Paid, "2241": p.Given} {
			if r.Opening+r.Deferred-r.TakenBack-r.Estimate-r.Recognised != r.Closing {
				w.t.Errorf("%s: %+v", p.Account, r)
			}
			moved[code] -= r.Closing - r.Opening
		}
	}
	for code, fen := range moved {
		if sums[code] != fen {
			w.t.Errorf("the vouchers book %d to %s, the sums say %d", sums[code], code, fen)
		}
	}
}

func sameNets(t *testing.T, got, want nets) {
	t.Helper()
	for key := range want {
		if !maps.Equal(got[key], want[key]) {
			t.Errorf("%s %q: got %v, want %v", key.day, key.shop, got[key], want[key])
		}
	}
	for key := range got {
		if want[key] == nil {
			t.Errorf("%s %q: got %v, want nothing", key.day, key.shop, got[key])
		}
	}
}
