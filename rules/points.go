package rules

import (
	"math"
	"math/bits"

	"pointsledger/ledger"
)

type pointsSource int

const (
	pointsFixed pointsSource = iota
	pointsFromField
	pointsRatio
	pointsTiers
)

// pointsRule works out the points of an operation.
type pointsRule struct {
	// override is the field that beats the rest when present; -1 is none.
	override int
	// overrideMost is the most that an event may say itself.
	overrideMost int64
	cases        []pointsCase
	source       pointsSource
	value        int64
	field        int
	// rates by channel number; 0 is no channel.
	rates [10]rate
	tiers []tier
	round rounding
	// most cuts what rates give; 0 is no bound.
	most int64
}

type pointsCase struct {
	when  condition
	value int64
	// rate counts when its per is not 0.
	rate rate
}

// tier is a rate from an amount on.
type tier struct {
	from int64
	rate rate
}

// rounding is what becomes of a fraction of a point.
type rounding int

const (
	roundDown rounding = iota
	roundHalfUp
	roundUp
)

// rate is points for every per units.
type rate struct{ points, per int64 }

// of is amount × points ÷ per in 128 bits, rounded; false when it does not fit
// 64. amount must not be negative.
func (r rate) of(amount int64, round rounding) (int64, bool) {
	high, low := bits.Mul64(uint64(amount), uint64(r.points))
	if high >= uint64(r.per) {
		return math.MaxInt64, false
	}
	points, rest := bits.Div64(high, low, uint64(r.per))
	if points > math.MaxInt64 {
		return math.MaxInt64, false
	}
	if round == roundUp && rest > 0 || round == roundHalfUp && rest >= uint64(r.per)-rest {
		points++
	}
	return int64(points), points <= math.MaxInt64
}

// rateOf is the rate for an amount where no case holds: that of its tier or of the
// channel.
func (p *pointsRule) rateOf(amount int64, channel int64) rate {
	if p.source == pointsRatio {
		return p.rates[channel]
	}
	found := rate{per: 1}
	for _, t := range p.tiers {
		if amount >= t.from {
			found = t.rate
		}
	}
	return found
}

// caseOf is the first case whose condition holds; nil is none.
func (p *pointsRule) caseOf(values []value) *pointsCase {
	for i := range p.cases {
		if p.cases[i].when.holds(values) {
			return &p.cases[i]
		}
	}
	return nil
}

// pointsOf works out the points of an operation, 0 or more and within the
// limit.
func (x *reading) pointsOf(o *operation) (ledger.Points, *ledger.Rejection) {
	points, from, fits := int64(0), "the rule", true
	rule := &o.points
	special := rule.caseOf(x.values)
	switch {
	case rule.override >= 0 && x.values[rule.override].present:
		points, from = x.values[rule.override].number, x.path(rule.override)
		if points > rule.overrideMost && rule.overrideMost < x.rules.limit {
			return 0, ledger.Rejectf(ledger.OverLimit, "%s: says %d points, and an event may say at most %d here (override.max of the rule of %s)", from, points, rule.overrideMost, x.came.Type)
		}
	case special != nil && special.rate.per == 0:
		points = special.value
	case rule.source == pointsFixed && special == nil:
		points = rule.value
	default:
		v := &x.values[rule.field]
		if !v.present {
			return 0, x.missing(rule.field)
		}
		points, from = v.number, x.path(rule.field)
		if rule.source == pointsFromField && special == nil || points <= 0 {
			break
		}
		counts := rule.rateOf(points, x.channel())
		if special != nil {
			counts = special.rate
		}
		if points, fits = counts.of(points, rule.round); rule.most > 0 && (!fits || points > rule.most) {
			points, fits = rule.most, true
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
