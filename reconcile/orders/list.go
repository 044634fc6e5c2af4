package orders

import (
	"crypto/sha256"
	"errors"
	"time"

	"pointsledger/reconcile/feed"
	"pointsledger/rules/spelling"
)

// Needs is what a list of orders must have.
func Needs() feed.Needs { return feed.Needs{Filled: []feed.Field{feed.Order}} }

// maxUnreadable is how many cells that cannot be read are named at once.
const maxUnreadable = 20

// number is an order's number in the one form of its spellings, hashed: a list of a
// million orders is held by it. Two of them are one by chance once in 10^16 lists.
type number [12]byte

func numberOf(order string) (n number) {
	sum := sha256.Sum256([]byte(spelling.Key(order)))
	copy(n[:], sum[:])
	return n
}

// listed is what a list says of one order.
type listed struct {
	sum, first int64
	row, rows  int32
	// amounts: some row has one; alike: all have the same.
	amounts, alike bool
	// outside: all its rows are outside the days that are compared.
	outside bool
}

// list is a file of orders, read once.
type list struct {
	at map[number]int32
	// orders are in blocks, so that none is ever moved.
	orders [][]listed
	count  int32
	rows   int64
	// outside are rows of other days.
	outside  int64
	from, to string
	left     feed.LeftOut
}

// day is the day of a row, empty where it has no time.
func day(row *feed.Row, zone *time.Location) string {
	switch {
	case !row.Has(feed.At):
		return ""
	case row.DateOnly:
		return row.At.Format(time.DateOnly)
	}
	return row.At.In(zone).Format(time.DateOnly)
}

// outOf tells whether a day is outside the days asked for. What has no day is not.
func (a *Asked) outOf(day string) bool {
	return day != "" && (a.From != "" && day < a.From || a.To != "" && day > a.To)
}

// readList reads a file for the first time: which orders there are, and their sums.
func readList(file *feed.File, asked *Asked) (*list, error) {
	l := &list{at: map[number]int32{}}
	var unreadable []error
	for row, err := range file.Rows() {
		var cell *feed.CellError
		switch {
		case errors.As(err, &cell):
			if unreadable = append(unreadable, err); len(unreadable) == maxUnreadable {
				return nil, &UnreadableError{unreadable, true}
			}
			continue
		case err != nil:
			return nil, err
		}
		if err := l.add(&row, asked); err != nil {
			return nil, err
		}
	}
	l.left = file.LeftOut()
	if unreadable != nil {
		return nil, &UnreadableError{unreadable, false}
	}
	return l, nil
}

func (l *list) add(row *feed.Row, asked *Asked) error {
	on := day(row, asked.zone)
	outside := asked.outOf(on)
	if outside {
		l.outside++
	} else {
		l.rows++
		if on != "" && (l.from == "" || on < l.from) {
			l.from = on
		}
		l.to = max(l.to, on)
	}
	name := numberOf(row.Order)
	i, known := l.at[name]
	if !known {
		i = l.count
		l.at[name] = i
		if i%blockOrders == 0 {
			l.orders = append(l.orders, make([]listed, blockOrders))
		}
		l.count++
		*l.order(i) = listed{first: row.AmountFen, row: int32(row.Number), alike: true, outside: true}
	}
	o := l.order(i)
	o.rows++
	o.outside = o.outside && outside
	o.amounts = o.amounts || row.Has(feed.Amount)
	o.alike = o.alike && o.first == row.AmountFen
	sum := o.sum + row.AmountFen
	if (sum > o.sum) != (row.AmountFen > 0) && row.AmountFen != 0 {
		return &TooLargeError{Row: row.Number}
	}
	o.sum = sum
	return nil
}

// blockOrders is how many orders a block has.
const blockOrders = 4096

func (l *list) order(i int32) *listed { return &l.orders[i/blockOrders][i%blockOrders] }

// errChanged: the file is read twice.
var errChanged = errors.New("the file was changed while it was read")

// of is what the list says of a row's order.
func (l *list) of(order string) (*listed, error) {
	i, known := l.at[numberOf(order)]
	if !known {
		return nil, errChanged
	}
	return l.order(i), nil
}
