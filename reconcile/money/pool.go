package money

import "math/big"

// MostPoints is how many points of a vendor account can be reckoned with: times the largest
// numerator or denominator of an estimate they fit 64 bits.
const MostPoints = 9_000_000_000_000

// pool is the points of a vendor account, by the day on which they were granted. They are used up
// in that order.
type pool struct {
	cohorts []*cohort
	byDay   map[Day]*cohort
	columns map[columnKey]*column
	// redeemed and expired are all that was told so far.
	redeemed, expired int64
	granted           int64
	// share is the expected redemption in force.
	share *big.Rat
	// Of the cohorts before reached all is recognised, of that one num ÷ den, of later ones
	// nothing.
	reached  int
	num, den int64
	// excess is how many more points were redeemed than are expected to be.
	excess int64
}

// cohort is the points of one day.
type cohort struct {
	index  int
	points int64 // less what was taken back
	parts  []*part
}

// part is what a shop granted of it.
type part struct {
	*column
	cohort *cohort
	// granted and allocated are as of its day; back and returned what of it was taken back since.
	granted, allocated int64
	back, returned     int64
}

func (p *part) left() int64 { return p.allocated - p.returned }

// columnKey is a shop's points that a sale paid for, or that none did.
type columnKey struct {
	shop string
	paid bool
}

// column is what is reckoned for those.
type column struct {
	columnKey
	// full is allocated to points of which all is recognised, partly to those of the cohort
	// that was reached.
	full, partly int64
	// exact is what is recognised to date, posted what of it is booked.
	exact  *big.Rat
	posted int64
	// balance is what the liability has: allocated less recognised.
	balance int64
	// Of the month: what was deferred, exactly, and as it is booked.
	month       Day
	monthExact  *big.Rat
	monthPosted int64
	dirty       bool
}

func newPool(share *big.Rat) *pool {
	return &pool{byDay: map[Day]*cohort{}, columns: map[columnKey]*column{}, share: share, den: 1}
}

func (p *pool) column(key columnKey) *column {
	c := p.columns[key]
	if c == nil {
		c = &column{columnKey: key, exact: new(big.Rat), monthExact: new(big.Rat)}
		p.columns[key] = c
	}
	return c
}

// cohortOf is that of a day, which is not before the last one's.
func (p *pool) cohortOf(d Day) *cohort {
	c := p.byDay[d]
	if c == nil {
		c = &cohort{index: len(p.cohorts)}
		p.cohorts = append(p.cohorts, c)
		p.byDay[d] = c
	}
	return c
}

// grant adds points of a day with what is allocated to them.
func (p *pool) grant(d Day, key columnKey, points, allocated int64) {
	c, col := p.cohortOf(d), p.column(key)
	c.parts = append(c.parts, &part{column: col, cohort: c, granted: points, allocated: allocated})
	c.points += points
	p.granted += points
	col.balance += allocated
}

// takeBack takes points from a day's and says what of the allocated goes with them: to date its
// share of them, rounded once. Below 0, points come back.
func (p *pool) takeBack(d Day, key columnKey, points int64) (fen int64) {
	c := p.byDay[d]
	for _, part := range c.parts {
		if part.columnKey != key {
			continue
		}
		part.back += points
		share := new(big.Rat).SetFrac(big.NewInt(part.back), big.NewInt(part.granted))
		fen = rounded(share.Mul(share, new(big.Rat).SetInt64(part.allocated))) - part.returned
		part.returned += fen
		c.points -= points
		part.balance -= fen
		if c.index < p.reached {
			part.full -= fen // what is in partly, move takes anew
		}
		part.dirty = true
	}
	return fen
}

// move brings what is recognised to where redemptions, expiries and the expected share have it.
func (p *pool) move() {
	reached, num, den := p.walk()
	p.mark(p.reached, func(c *column, _ int64) { c.partly = 0 })
	for i := p.reached; i < reached; i++ {
		p.mark(i, func(c *column, left int64) { c.full += left })
	}
	for i := reached; i < p.reached; i++ {
		p.mark(i, func(c *column, left int64) { c.full -= left })
	}
	p.reached, p.num, p.den = reached, num, den
	p.mark(reached, func(c *column, left int64) { c.partly += left })
}

func (p *pool) mark(i int, change func(c *column, left int64)) {
	if i >= len(p.cohorts) {
		return
	}
	for _, part := range p.cohorts[i].parts {
		change(part.column, part.left())
		part.dirty = true
	}
}

// walk uses points up in the order of their days. A day's are done when as many are redeemed as are
// expected to be, or when all are redeemed or expired.
func (p *pool) walk() (reached int, num, den int64) {
	a, b := p.share.Num().Int64(), p.share.Denom().Int64()
	redeemed, expired := p.redeemed*b, p.expired*b // in parts of a point
	p.excess = 0
	for i, c := range p.cohorts {
		all, expected := c.points*b, c.points*a
		switch {
		case redeemed >= expected:
			redeemed -= expected
			expired -= min(expired, all-expected)
		case redeemed+expired >= all:
			expired -= all - redeemed
			redeemed = 0
		default:
			return i, redeemed, expected
		}
	}
	p.excess = redeemed / b
	return len(p.cohorts), 0, 1
}

// recognised is what is recognised to date of a column, exactly.
func (p *pool) recognised(c *column) *big.Rat {
	x := new(big.Rat).SetFrac(big.NewInt(c.partly), big.NewInt(p.den))
	x.Mul(x, new(big.Rat).SetInt64(p.num))
	return x.Add(x, new(big.Rat).SetInt64(c.full))
}
