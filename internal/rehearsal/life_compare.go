package rehearsal

import "slices"

// Compare compares the books as the function of that name does, and holds what came
// back against its order: of its points the vendor has what the formula says, less
// what is open, nothing was taken back before it was given, and no freeze ended twice.
func (p *Plan) Compare(ledger []LedgerRow, book []BookRow) Report {
	r := Compare(p.Truth, ledger, book)
	l := newLives(ledger, book)
	for _, o := range p.Orders {
		l.check(&r, o)
	}
	for _, place := range l.sortedPlaces() {
		for _, row := range l.takes[place] {
			r.disagree(UnexpectedOperation, factOf(row).named(row.BizID), "takes %d points from operation %s, and no accepted message says so", row.Points, row.Origin)
		}
	}
	return r
}

// lives are the books, by what belongs to an order.
type lives struct {
	rows map[fact]LedgerRow
	// takes are the operations that take from each; what was looked at is gone.
	takes map[origin][]LedgerRow
	book  map[bookKey]BookRow
}

func newLives(ledger []LedgerRow, book []BookRow) *lives {
	l := &lives{rows: map[fact]LedgerRow{}, takes: map[origin][]LedgerRow{}, book: map[bookKey]BookRow{}}
	for _, row := range ledger {
		if row.Origin == "" {
			l.rows[factOf(row)] = row
		} else {
			of := origin{row.Account, row.Origin}
			l.takes[of] = append(l.takes[of], row)
		}
	}
	for _, b := range book {
		l.book[bookKey{b.Vendor, b.Key}] = b
	}
	return l
}

func (l *lives) sortedPlaces() []origin {
	var places []origin
	for place := range l.takes {
		places = append(places, place)
	}
	slices.SortFunc(places, func(a, b origin) int {
		return slices.Compare([]string{a.account, a.key}, []string{b.account, b.key})
	})
	return places
}

// check holds an order's operations against it. An order that is not recorded has
// been found missing already.
func (l *lives) check(r *Report, o *Order) {
	if grant, ok := l.rows[fact{o.Grant, kindAdd, typeOrder, o.Source, o.OrderID}]; ok {
		takes := l.takeFrom(grant)
		l.checkCount(r, o, grant, takes)
		l.checkOrder(r, grant, takes)
		l.checkKept(r, o, grant, takes)
	}
	if o.Freeze == "" {
		return
	}
	if freeze, ok := l.rows[fact{o.Freeze, kindFreeze, typeOrder, o.Source, o.OrderID}]; ok {
		takes := l.takeFrom(freeze)
		l.checkCount(r, o, freeze, takes)
		l.checkOrder(r, freeze, takes)
		l.checkEnding(r, o, freeze, takes)
	}
}

// takeFrom are the operations that take from one, each once.
func (l *lives) takeFrom(row LedgerRow) []LedgerRow {
	place := origin{row.Account, row.BizID}
	takes := l.takes[place]
	delete(l.takes, place)
	return takes
}

// checkCount: each accepted message has one operation for each that it is about. A
// completion is about what was frozen, or leaves its trace at the grant.
func (l *lives) checkCount(r *Report, o *Order, of LedgerRow, takes []LedgerRow) {
	got := map[string]int{}
	for _, row := range takes {
		got[row.Type]++
	}
	for _, typ := range []string{typeRefund, typeCancel, typeComplete} {
		want := o.Accepted[typ]
		if typ == typeComplete && of.Kind == kindAdd && o.Freeze != "" {
			want = 0
		}
		name := Disagreement{Account: of.Account, Type: typ, Source: o.Source, BusinessKey: o.OrderID}
		switch {
		case got[typ] < want:
			r.disagree(MissingOperation, name, "%d accepted messages about the %s, and the ledger has %d operations (invariant 1)", want, of.Kind, got[typ])
		case got[typ] > want:
			r.disagree(DoubleOperation, name, "%d accepted messages about the %s, and the ledger has %d operations (invariant 2)", want, of.Kind, got[typ])
		}
	}
}

// checkOrder: nothing is taken back before it was given (invariant 12). The vendors'
// own order of the calls tells.
func (l *lives) checkOrder(r *Report, of LedgerRow, takes []LedgerRow) {
	given := l.book[bookKeyOf(of)]
	for _, row := range takes {
		taken, called := l.book[bookKeyOf(row)]
		switch {
		case !called:
		case given.AppliedNo == 0:
			r.disagree(TakeBackOvertook, factOf(row).named(row.BizID), "the vendor was called for it, and never gave what it takes back (%s)", of.BizID)
		case taken.FirstNo < given.AppliedNo:
			r.disagree(TakeBackOvertook, factOf(row).named(row.BizID), "its first call is number %d at the vendors, and what it takes back (%s) was applied as number %d",
				taken.FirstNo, of.BizID, given.AppliedNo)
		}
	}
}

// checkKept: what was given less what was taken back, at the vendor and by what is
// open, is what the formula says.
func (l *lives) checkKept(r *Report, o *Order, grant LedgerRow, takes []LedgerRow) {
	name := factOf(grant).named(grant.BizID)
	recorded, open, taken := grant.Points, int64(0), int64(0)
	for _, row := range takes {
		b := l.book[bookKeyOf(row)]
		recorded -= row.Points
		taken += b.AppliedPoints
		if b.Applied == 0 && (row.State == StateParked || row.State == StateWaits) {
			open += row.Points
		}
	}
	if recorded != o.Keeps() {
		r.disagree(KeptOtherwise, name, "by the ledger %d points are kept of %d; refunds of %d of %d fen (cancelled: %t) leave %d", recorded, grant.Points,
			o.Refunded, o.AmountFen, o.Cancelled, o.Keeps())
		return
	}
	given := l.book[bookKeyOf(grant)].AppliedPoints
	if grant.State != StatePosted && grant.State != StateVoided && grant.State != StateNothing {
		return // a person decides what is to become of it, and of what waits for it
	}
	if given-taken-open != o.Keeps() {
		r.disagree(KeptOtherwise, name, "the vendor gave %d points and took %d back, %d are open; refunds of %d of %d fen (cancelled: %t) leave %d of %d",
			given, taken, open, o.Refunded, o.AmountFen, o.Cancelled, o.Keeps(), o.Points)
	}
}

// checkEnding: a freeze is released as a whole when nothing is left of its order, or
// spent when that is completed, and never both.
func (l *lives) checkEnding(r *Report, o *Order, freeze LedgerRow, takes []LedgerRow) {
	name := factOf(freeze).named(freeze.BizID)
	applied, endings := 0, 0
	for _, row := range takes {
		if row.Points == 0 {
			continue
		}
		if l.book[bookKeyOf(row)].Applied > 0 {
			applied++
		}
		endings++
		if row.Points != freeze.Points {
			r.disagree(KeptOtherwise, factOf(row).named(row.BizID), "%d points of %d that were frozen", row.Points, freeze.Points)
		}
	}
	switch want := o.releases() || o.Completed; {
	case applied > 1:
		r.disagree(EndedTwice, name, "its points were released and spent, or one of them twice: %d endings at the vendor", applied)
	case want && endings == 0 && freeze.Points > 0:
		r.disagree(KeptOtherwise, name, "still frozen, and the order was cancelled (%t), refunded with %d of %d fen, completed (%t)",
			o.Cancelled, o.Refunded, o.AmountFen, o.Completed)
	case !want && endings > 0:
		r.disagree(KeptOtherwise, name, "ended, and its order goes on")
	}
}
