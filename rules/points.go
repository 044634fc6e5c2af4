package rules

import (
	"math"
	"math/bits"

	"pointsledger/ledger"
)

// condition compares one field; one that is not set always holds.
type condition struct {
	set    bool
	field  int
	above  bool
	isText bool
	number int64
	text   string
}

// holds is false when the field is absent.
func (c *condition) holds(values []value) bool {
	if !c.set {
		return true
	}
	v := &values[c.field]
	switch {
	case !v.present:
		return false
	case c.above:
		return v.number > c.number
	case c.isText:
		return v.text == c.text
	}
	return v.number == c.number
}

type pointsSource int

const (
	pointsFixed pointsSource = iota
	pointsFromField
	pointsRatio
)

// pointsRule works out the points of an operation.
type pointsRule struct {
	// override is the field that beats the rest when present; -1 is none.
	override int
	cases    []pointsCase
	source   pointsSource
	value    int64
	field    int
	// rates by channel number; 0 is no channel.
	rates [10]rate
}

type pointsCase struct {
	when  condition
	value int64
}

// rate is points for every per units.
type rate struct{ points, per int64 }

// of is floor(amount × points ÷ per) in 128 bits; false when it does not fit
// 64. amount must not be negative.
func (r rate) of(amount int64) (int64, bool) {
	high, low := bits.Mul64(uint64(amount), uint64(r.points))
	if high >= uint64(r.per) {
		return math.MaxInt64, false
	}
	points, _ := bits.Div64(high, low, uint64(r.per))
	return int64(points), points <= math.MaxInt64
}

// pointsOf works out the points of an operation, 0 or more and within the
// limit.
func (x *reading) pointsOf(o *operation) (ledger.Points, *ledger.Rejection) {
	points, from, fits := int64(0), "the rule", true
	rule := &o.points
	switch {
	case rule.override >= 0 && x.values[rule.override].present:
		points, from = x.values[rule.override].number, x.path(rule.override)
	case rule.source == pointsFixed:
		points = rule.value
		for i := range rule.cases {
			if rule.cases[i].when.holds(x.values) {
				points = rule.cases[i].value
				break
			}
		}
	default:
		v := &x.values[rule.field]
		if !v.present {
			return 0, x.missing(rule.field)
		}
		points, from = v.number, x.path(rule.field)
		if rule.source == pointsRatio && points > 0 {
			points, fits = rule.rates[x.channel()].of(points)
		}
	}
	if points < 0 {
		return 0, ledger.Rejectf(ledger.OutOfRange, "%s: want points of at least 0, got %d", from, points)
	}
	if !fits {
		return 0, ledger.Rejectf(ledger.OverLimit, "%s: gives more points than 64 bits hold, and one operation has at most %d (limits.points_per_operation)", from, x.rules.limit)
	}
	if points > x.rules.limit {
		return 0, ledger.Rejectf(ledger.OverLimit, "%s: gives %d points, and one operation has at most %d (limits.points_per_operation)", from, points, x.rules.limit)
	}
	return ledger.Points(points), nil
}
