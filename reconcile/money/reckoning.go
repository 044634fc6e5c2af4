package money

import (
	"cmp"
	"fmt"
	"maps"
	"math/big"
	"slices"
)

// move is what happened on a day to the points that a shop granted on a day, as the ledger has it.
type move struct {
	day    Day
	vendor string
	shop   string
	// of is the day on which the points were granted.
	of   Day
	paid bool
	kind Kind // Deferred, Refunded or NotGranted
	// points are those granted or, of the other kinds, taken back; below 0: they came back.
	points int64
	// amount is what the sales paid, in fen, each sale once.
	amount int64
}

// reckoning makes vouchers of moves, day by day.
type reckoning struct {
	values  *Values
	pools   map[string]*pool
	account string
	// tell gives what was redeemed and expired on a day at a vendor account, and whether that is known.
	tell func(vendor string, d Day) (redeemed, expired int64, known bool)
	// vouchers are those of the day, by shop.
	vouchers map[string]*Voucher
	entry    *Entry
	totals   totals
	accrual  map[string]bool
}

func newReckoning(v *Values, account string, tell func(string, Day) (int64, int64, bool)) *reckoning {
	return &reckoning{values: v, account: account, pools: map[string]*pool{}, tell: tell, totals: totals{}}
}

// day takes a day's moves and gives its vouchers, in the order of the shops.
func (r *reckoning) day(d Day, moves []move) ([]*Voucher, error) {
	r.vouchers = map[string]*Voucher{}
	entry := r.values.at(d)
	if entry == nil {
		if len(moves) == 0 {
			return nil, nil
		}
		return nil, fmt.Errorf("%w: %s, on which points were granted; the first entry of %s is from %s", ErrBeforeFirstEntry, d, r.values.name, r.values.Entries[0].From)
	}
	r.entry = entry
	if err := r.add(d, moves); err != nil {
		return nil, err
	}
	for _, vendor := range slices.Sorted(maps.Keys(r.pools)) {
		if err := r.recognise(d, vendor); err != nil {
			return nil, err
		}
	}
	var made []*Voucher
	for _, shop := range slices.Sorted(maps.Keys(r.vouchers)) {
		v := r.vouchers[shop]
		for _, l := range v.Lines {
			v.AccrualOnly = v.AccrualOnly || r.accrual[l.Vendor]
		}
		v.seal()
		made = append(made, v)
	}
	return made, nil
}

// add books what was granted and taken back.
func (r *reckoning) add(d Day, moves []move) error {
	// An estimate that begins today holds before today's points.
	for _, vendor := range slices.Sorted(maps.Keys(r.pools)) {
		if p := r.pools[vendor]; p.share.Cmp(r.entry.Expected) != 0 {
			p.share = r.entry.Expected
			p.move()
			r.post(d, vendor, p, Estimate)
		}
	}
	granted, taken := moves, moves[:0:0]
	if i := slices.IndexFunc(moves, func(m move) bool { return m.kind != Deferred }); i >= 0 {
		granted, taken = moves[:i], moves[i:]
	}
	for len(granted) > 0 {
		n := slices.IndexFunc(granted, func(m move) bool { return m.shop != granted[0].shop || m.paid != granted[0].paid })
		if n < 0 {
			n = len(granted)
		}
		if err := r.grant(d, granted[:n]); err != nil {
			return err
		}
		granted = granted[n:]
	}
	for i := range taken {
		if m := &taken[i]; r.wanted(m.vendor) {
			key := columnKey{m.shop, m.paid}
			p := r.pools[m.vendor]
			fen := p.takeBack(m.of, key, m.points)
			r.line(d, m.shop, m.vendor, m.kind, m.paid, m.points, fen)
		}
	}
	return nil
}

func (r *reckoning) wanted(vendor string) bool { return r.account == "" || r.account == vendor }

// grant allocates the price of a shop's sales of a day to the points of all vendor accounts.
func (r *reckoning) grant(d Day, moves []move) error {
	var price int64
	alone := new(big.Rat)
	for i := range moves {
		price += moves[i].amount
		alone.Add(alone, r.entry.standAlone(moves[i].points))
	}
	for i := range moves {
		m := &moves[i]
		if !r.wanted(m.vendor) {
			continue
		}
		p := r.pools[m.vendor]
		if p == nil {
			p = newPool(r.entry.Expected)
			r.pools[m.vendor] = p
		}
		if p.granted+m.points > MostPoints {
			return fmt.Errorf("%w: account %s, %s", ErrTooManyPoints, m.vendor, d)
		}
		exact := r.entry.standAlone(m.points)
		if m.paid {
			exact = r.entry.allocated(price, exact, alone)
		}
		key := columnKey{m.shop, m.paid}
		c := p.column(key)
		line, rest := c.deferred(d.month(), exact)
		p.grant(d, key, m.points, line+rest)
		r.line(d, m.shop, m.vendor, Deferred, m.paid, m.points, line)
		r.line(d, m.shop, m.vendor, RestDeferred, m.paid, 0, rest)
	}
	return nil
}

// allocated is what of sales' price, in fen with tax, is paid for points of a stand-alone price, among
// points of all.
func (e *Entry) allocated(price int64, points, all *big.Rat) *big.Rat {
	net := new(big.Rat).SetInt64(price)
	net.Quo(net, new(big.Rat).Add(big.NewRat(1, 1), e.VAT))
	whole := new(big.Rat).Add(net, all)
	if e.Method == Full {
		// No more is deferred than was paid.
		if whole.Set(all); net.Cmp(all) > 0 {
			return new(big.Rat).Set(points)
		}
	}
	return net.Mul(net, points).Quo(net, whole)
}

// deferred rounds what is deferred on a day, and gives the rest that makes the month's sum that of its
// exact amounts, rounded once.
func (c *column) deferred(month Day, exact *big.Rat) (line, rest int64) {
	if c.month != month {
		c.month, c.monthPosted = month, 0
		c.monthExact.SetInt64(0)
	}
	line = rounded(exact)
	c.monthExact.Add(c.monthExact, exact)
	whole := rounded(c.monthExact)
	rest = whole - c.monthPosted - line
	c.monthPosted = whole
	return line, rest
}

// recognise books what was redeemed on a day.
func (r *reckoning) recognise(d Day, vendor string) error {
	p := r.pools[vendor]
	redeemed, expired, known := r.tell(vendor, d)
	p.redeemed += redeemed
	p.expired += expired
	if p.redeemed > MostPoints || p.expired > MostPoints {
		return fmt.Errorf("%w: redeemed or expired at account %s, %s", ErrTooManyPoints, vendor, d)
	}
	if r.accrual == nil {
		r.accrual = map[string]bool{}
	}
	r.accrual[vendor] = !known
	p.move()
	r.post(d, vendor, p, Redeemed)
	return nil
}

// post books how what is recognised to date has moved.
func (r *reckoning) post(d Day, vendor string, p *pool, k Kind) {
	for _, key := range slices.SortedFunc(maps.Keys(p.columns), compareKeys) {
		c := p.columns[key]
		if !c.dirty {
			continue
		}
		c.dirty = false
		exact := p.recognised(c)
		line := rounded(new(big.Rat).Sub(exact, c.exact))
		whole := rounded(exact)
		rest := whole - c.posted - line
		c.exact, c.posted = exact, whole
		c.balance -= line + rest
		r.line(d, c.shop, vendor, k, c.paid, 0, line)
		r.line(d, c.shop, vendor, RestRedeemed, c.paid, 0, rest)
	}
}

func compareKeys(a, b columnKey) int {
	return cmp.Or(cmp.Compare(a.shop, b.shop), cmp.Compare(boolInt(b.paid), boolInt(a.paid)))
}

// line adds an amount to a shop's voucher; below 0 it goes the other way.
func (r *reckoning) line(d Day, shop, vendor string, k Kind, paid bool, points, fen int64) {
	r.totals.add(totalKey{vendor, k, paid}, points, fen)
	if fen == 0 {
		return
	}
	v := r.vouchers[shop]
	if v == nil {
		v = &Voucher{Day: d, Shop: shop}
		r.vouchers[shop] = v
	}
	debit, credit := sides(k, paid)
	if fen < 0 {
		debit, credit, fen = credit, debit, -fen
	}
	l := Line{Vendor: vendor, Kind: k, Paid: paid, Points: points, Fen: fen, Debit: r.values.Chart[debit], Credit: r.values.Chart[credit]}
	for i := range v.Lines {
		if o := &v.Lines[i]; o.Vendor == l.Vendor && o.Kind == k && o.Paid == paid && o.Debit == l.Debit && o.Credit == l.Credit {
			o.Fen += l.Fen
			o.Points += l.Points
			return
		}
	}
	v.Lines = append(v.Lines, l)
}

// totals are sums of the lines of the days asked for.
type totals map[totalKey]*total

type totalKey struct {
	vendor string
	kind   Kind
	paid   bool
}

type total struct{ points, fen int64 }

func (t totals) add(key totalKey, points, fen int64) {
	sum := t[key]
	if sum == nil {
		sum = &total{}
		t[key] = sum
	}
	sum.points += points
	sum.fen += fen
}
