package money

import (
	"fmt"
	"strings"
	"testing"
)

// values of one text, for tests.
func valuesOf(t *testing.T, text string) *Values {
	t.Helper()
	v, err := ParseValues("values.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func entryText(from, fen, expected string, more ...string) string {
	return fmt.Sprintf("  - {from: %s, fen_per_point: %s, expected_redemption: %s%s}\n", from, fen, expected, strings.Join(more, ""))
}

// story plays days of one shop's points at one vendor account.
type story struct {
	t      *testing.T
	r      *reckoning
	usedUp map[Day]usedUp
}

func tell(t *testing.T, values string) *story {
	s := &story{t: t, usedUp: map[Day]usedUp{}}
	s.r = newReckoning(valuesOf(t, values), "", func(_ string, d Day) (int64, int64, bool) {
		u, known := s.usedUp[d]
		return u.redeemed, u.expired, known
	})
	return s
}

// day books a day and returns the lines, as "redeemed 4175" or "-redeemed 4175" for the other way.
func (s *story) day(d Day, moves ...move) string {
	s.t.Helper()
	for i := range moves {
		moves[i].day = d
		if moves[i].vendor == "" {
			moves[i].vendor = "zhimai"
		}
		if moves[i].of == "" {
			moves[i].of = d
		}
	}
	vouchers, err := s.r.day(d, moves)
	if err != nil {
		s.t.Fatal(err)
	}
	var lines []string
	for _, v := range vouchers {
		for _, l := range v.Lines {
			sign := ""
			if debit, _ := sides(l.Kind, l.Paid); s.r.values.Chart[debit] != l.Debit {
				sign = "-"
			}
			lines = append(lines, fmt.Sprint(sign, l.Kind, " ", l.Fen))
		}
	}
	return strings.Join(lines, ", ")
}

func (s *story) want(got, want string) {
	s.t.Helper()
	if got != want {
		s.t.Errorf("got  %s\nwant %s", got, want)
	}
}

func grantOf(points, amount int64) move {
	return move{kind: Deferred, paid: amount > 0, points: points, amount: amount}
}

// The vectors that auditors know: 9,000 allocated to 10,000 points of which 9,700 are expected; 4,500
// redeemed are 4,175, then 8,500 of 9,900 are 3,552 more, or of 9,200 are 4,140 more.
func TestRecognisedIsAllocatedTimesRedeemedByExpected(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		expected, want string
	}{
		{"9900/10000", "-estimate_changed 84, redeemed 3636"},
		{"9200/10000", "estimate_changed 227, redeemed 3913"},
	} {
		s := tell(t, "values:\n"+entryText("2026-01-01", "90/97", "9700/10000", ", allocation: full")+entryText("2028-01-01", "90/97", c.expected, ", allocation: full"))
		s.want(s.day("2026-06-30", grantOf(10_000, 10_000_000)), "deferred 9000")
		s.usedUp["2027-06-30"] = usedUp{redeemed: 4_500}
		s.want(s.day("2027-06-30"), "redeemed 4175")
		s.usedUp["2028-01-01"] = usedUp{redeemed: 4_000}
		s.want(s.day("2028-01-01"), c.want)
		if got, want := s.r.pools["zhimai"].balances()[0], map[string]int64{"9900/10000": 9000 - 4175 - 3552, "9200/10000": 9000 - 4175 - 4140}[c.expected]; got != want {
			t.Errorf("of %s: the liability is %d, want %d", c.expected, got, want)
		}
	}
}

// Illustrative example 52 of IFRS 15 (IE267 to IE270), by relative stand-alone selling prices.
func TestIllustrativeExample52(t *testing.T) {
	t.Parallel()
	s := tell(t, "values:\n"+entryText("2026-01-01", "1", "0.95")+entryText("2027-01-01", "1", "97%"))
	s.want(s.day("2026-06-30", grantOf(10_000, 100_000)), "deferred 8676")
	s.usedUp["2026-12-31"] = usedUp{redeemed: 4_500}
	s.want(s.day("2026-12-31"), "redeemed 4110")
	s.want(s.day("2027-01-01"), "-estimate_changed 85")
	s.usedUp["2027-12-31"] = usedUp{redeemed: 4_000}
	s.want(s.day("2027-12-31"), "redeemed 3578")
	// 4,110 in the first year, 3,493 in the second, 1,073 left.
	if got := s.r.pools["zhimai"].balances()[0]; got != 1_073 {
		t.Errorf("the liability is %d, want 1073", got)
	}
}

// At the ends: nothing redeemed, all redeemed, all expired, everything refunded before and after it was redeemed, more
// redeemed than granted.
func TestEndsOfTheFormula(t *testing.T) {
	t.Parallel()
	const values = "values:\n  - {from: 2026-01-01, fen_per_point: 1, expected_redemption: 50%, allocation: full}\n"
	grant := func(s *story) { s.want(s.day("2026-01-31", grantOf(1_000, 100_000)), "deferred 500") }
	refund := func(s *story, d Day, points int64) string {
		return s.day(d, move{kind: Refunded, paid: true, of: "2026-01-31", points: points})
	}
	left := func(s *story, want int64) {
		t.Helper()
		if got := s.r.pools["zhimai"].balances()[0]; got != want {
			t.Errorf("the liability is %d, want %d", got, want)
		}
	}
	s := tell(t, values)
	grant(s)
	s.want(s.day("2026-02-01"), "")
	left(s, 500)
	s.usedUp["2026-02-02"] = usedUp{redeemed: 500}
	s.want(s.day("2026-02-02"), "redeemed 500")
	s.usedUp["2026-02-03"] = usedUp{redeemed: 600}
	s.want(s.day("2026-02-03"), "")
	left(s, 0)
	if got := s.r.pools["zhimai"].excess; got != 600 {
		t.Errorf("%d points too many were redeemed, want 600", got)
	}
	// A refund of all after the period's end takes back what was recognised, too.
	s.want(refund(s, "2026-03-01", 1_000), "refunded 500, -redeemed 500")
	left(s, 0)

	s = tell(t, values)
	grant(s)
	s.usedUp["2026-02-02"] = usedUp{redeemed: 100}
	s.want(s.day("2026-02-02"), "redeemed 100")
	s.usedUp["2026-02-03"] = usedUp{expired: 899}
	s.want(s.day("2026-02-03"), "") // one may be redeemed yet
	s.usedUp["2026-02-04"] = usedUp{expired: 1}
	s.want(s.day("2026-02-04"), "redeemed 400")
	left(s, 0)

	s = tell(t, values)
	grant(s)
	s.want(refund(s, "2026-02-01", 999), "refunded 500") // 499.5
	s.want(refund(s, "2026-02-01", 1), "")
	left(s, 0)

	// The next day's points are used up after the first day's.
	s = tell(t, values)
	grant(s)
	s.want(s.day("2026-02-01", grantOf(2_000, 100_000)), "deferred 1000")
	s.usedUp["2026-02-02"] = usedUp{redeemed: 750}
	s.want(s.day("2026-02-02"), "redeemed 750")
	left(s, 750)
	// What was redeemed was then of the second day's: 750 of 1,000 that are expected.
	s.want(refund(s, "2026-02-03", 1_000), "refunded 500")
	left(s, 250)
}
