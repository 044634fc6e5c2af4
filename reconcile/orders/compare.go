package orders

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"pointsledger/reconcile/feed"
)

// Asked says what a list is compared with.
type Asked struct {
	// Source is the one that the list is of, in any spelling. Empty: all that the ledger
	// has orders of, which may not be many.
	Source string
	// Shop bounds what the list must have to the orders of one shop. Empty: all.
	Shop string
	// From and To bound the days, both included. Empty: from the first to the last of the list.
	From, To string
	// Zone is the programme's time zone, in which a time has its day.
	Zone string

	zone *time.Location
}

// compared is how many orders are looked up at once.
const compared = 1000

// comparison is the work on one list.
type comparison struct {
	tx      pgx.Tx
	asked   *Asked
	list    *list
	sources []source
	rejects map[number]int64
	// seen are the sources at which an order of the list was found.
	seen    map[string]bool
	each    func(*Item) error
	summary Summary
}

// Compare sets a shop's list of orders against the ledger, as of one moment. open opens
// the list, which is read twice; each is handed every order that does not simply agree,
// in the order of the list, then those that the list has not. The errors are those of
// errors.go, of reading, of each, or the database's.
func (o *Orders) Compare(ctx context.Context, open func() (*feed.File, error), asked Asked, each func(*Item) error) (out Summary, err error) {
	if asked.zone, err = time.LoadLocation(asked.Zone); err != nil {
		return out, fmt.Errorf("compare orders: %w", err)
	}
	c := comparison{asked: &asked, each: each, seen: map[string]bool{}}
	if err := c.withFile(open, func(file *feed.File) (err error) {
		c.list, err = readList(file, &asked)
		return err
	}); err != nil {
		return out, err
	}
	if err := c.begin(); err != nil {
		return out, err
	}
	err = pgx.BeginTxFunc(ctx, o.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		c.tx = tx
		if err := c.findSources(ctx); err != nil {
			return err
		}
		if err := c.findRejects(ctx); err != nil {
			return err
		}
		if err := c.withFile(open, func(file *feed.File) error { return c.lookThrough(ctx, file) }); err != nil {
			return err
		}
		return c.lookBeyond(ctx)
	})
	if err != nil {
		return out, err
	}
	sum := c.summary.Items[OtherAmount]
	c.summary.Hundredfold = sum.Orders > 0 && c.summary.scaled == sum.Orders
	return c.summary, nil
}

// begin fills the summary with what the list says.
func (c *comparison) begin() error {
	l := c.list
	c.summary = Summary{From: c.asked.From, To: c.asked.To, Rows: l.rows, Outside: l.outside, Blank: l.left.Blank, Footers: l.left.Footers, Ignored: l.left.Ignored,
		Items: map[Kind]Sum{}, Agrees: true}
	if c.summary.From == "" {
		c.summary.From = l.from
	}
	if c.summary.To == "" {
		c.summary.To = l.to
	}
	if c.summary.From == "" || c.summary.To == "" {
		return ErrNoDays
	}
	for i := range l.count {
		if o := l.order(i); !o.outside {
			c.summary.Orders++
			c.summary.ListFen += o.sum
		}
	}
	return nil
}

func (c *comparison) withFile(open func() (*feed.File, error), use func(*feed.File) error) error {
	file, err := open()
	if err != nil {
		return err
	}
	return errors.Join(use(file), file.Close())
}

// asks is an order of the list that is looked up.
type asks struct {
	row    feed.Row
	listed *listed
	found  []found
}

// lookThrough looks every order of the list up, at its first row.
func (c *comparison) lookThrough(ctx context.Context, file *feed.File) error {
	batch := make([]asks, 0, compared)
	for row, err := range file.Rows() {
		if err != nil {
			return err
		}
		of, err := c.list.of(row.Order)
		if err != nil {
			return err
		}
		if of.outside || int(of.row) != row.Number {
			continue
		}
		if batch = append(batch, asks{row: row, listed: of}); len(batch) == compared {
			if err := c.compare(ctx, batch); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	return c.compare(ctx, batch)
}

// compare looks a batch up and judges it.
func (c *comparison) compare(ctx context.Context, batch []asks) error {
	if err := c.lookUp(ctx, batch); err != nil {
		return err
	}
	var items []*Item
	for i := range batch {
		if item := c.judge(&batch[i]); item != nil {
			items = append(items, item)
		} else {
			c.summary.Agree++
		}
	}
	if err := c.addReasons(ctx, items); err != nil {
		return err
	}
	for _, item := range items {
		if err := c.hand(item); err != nil {
			return err
		}
	}
	return nil
}

func (c *comparison) hand(item *Item) error {
	c.summary.add(item)
	return c.each(item)
}

// judge says what an order of the list is; nil: it agrees.
func (c *comparison) judge(a *asks) *Item {
	of := a.listed
	item := &Item{Order: a.row.Order, Row: int(of.row), Rows: int(of.rows), Member: a.row.Member, Shop: a.row.Shop, Source: c.asked.Source}
	if a.row.Has(feed.At) {
		at := a.row.At.UTC()
		item.At = &at
	}
	if of.amounts {
		item.ListFen = &of.sum
	}
	item.RejectID = c.rejects[numberOf(a.row.Order)]
	switch len(a.found) {
	case 0:
		item.Kind = MissingHere
		if item.RejectID != 0 {
			item.Kind = Rejected
		}
		return item
	case 1:
	default:
		for i := range a.found {
			item.Sources = append(item.Sources, a.found[i].source)
			c.seen[a.found[i].key] = true
		}
		item.Kind, item.Source = Ambiguous, ""
		return item
	}
	f := &a.found[0]
	c.seen[f.key] = true
	item.Source, item.LedgerFen, item.RefundedFen = f.source, f.amountFen, f.refundedFen
	item.OperationID, item.BusinessDate = f.id, f.businessDate
	if f.amountFen != nil {
		c.summary.LedgerFen += *f.amountFen
	}
	item.Kind = f.kind(of)
	if item.Kind == "" {
		return nil
	}
	return item
}

// kind compares what the list says of an order with what the ledger has; empty: they agree.
func (f *found) kind(of *listed) Kind {
	paid := int64(0)
	if f.amountFen != nil {
		paid = *f.amountFen
	}
	switch {
	case of.amounts && of.sum != paid && of.sum != paid-f.refundedFen:
		if of.rows > 1 && of.alike && of.first == paid {
			return ListedTwice
		}
		return OtherAmount
	case !of.amounts && of.rows > 1:
		return ListedTwice
	case f.refunded:
		return Refunded
	}
	return ""
}
