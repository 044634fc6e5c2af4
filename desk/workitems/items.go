package workitems

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"pointsledger/desk/privacy"
	"pointsledger/desk/wording"
	"pointsledger/ledger"
)

// Items reads and settles work items. It is safe for concurrent use.
type Items struct {
	pool  *pgxpool.Pool
	batch int
}

// New returns the work items of the ledger on a pool.
func New(pool *pgxpool.Pool) *Items { return &Items{pool: pool, batch: batchRows} }

// Item is a work item.
type Item struct {
	ID      ledger.OperationID `json:"id"`
	Account string             `json:"account"`
	Kind    ledger.Kind        `json:"kind"`
	BizID   ledger.BizID       `json:"biz_id"`
	// BusinessKey is the order number, or what stands for it.
	BusinessKey string        `json:"business_key"`
	MemberID    string        `json:"member_id"`
	Points      ledger.Points `json:"points"`
	ShopCode    string        `json:"shop_code"`
	EventType   string        `json:"event_type"`
	Since       time.Time     `json:"since"`
	// InDoubt: the database lost its newest commits since, so it may be done, and
	// reported, already.
	InDoubt bool `json:"in_doubt"`
	// Origin is what it takes from. OriginReference ends the text that the vendor's
	// records show for it.
	OriginID        ledger.OperationID `json:"origin_id"`
	OriginBizID     ledger.BizID       `json:"origin_biz_id"`
	OriginReference string             `json:"origin_reference"`
	OriginPoints    ledger.Points      `json:"origin_points"`
	OriginPostedAt  time.Time          `json:"origin_posted_at"`
}

// Filter chooses work items; the zero value chooses all, several fields must all
// fit.
type Filter struct {
	Account, Member string
	// BusinessKey is the order number, whole.
	BusinessKey string
}

func (f *Filter) args() pgx.StrictNamedArgs {
	return pgx.StrictNamedArgs{"account": f.Account, "member": f.Member, "business_key": f.BusinessKey}
}

const itemWhere = `
  FROM work_items
 WHERE (@account::text = '' OR target = @account) AND (@member::text = '' OR member_id = @member)
   AND (@business_key::text = '' OR business_key = @business_key)`

// sqlItems lists work items, grouped by account and kind, the oldest first; a limit of
// 0 is none. A second ending of a freeze was parked before that had arrived. It reads the parked rows of the outbox, and the rest by primary keys. Locks
// nothing.
const sqlItems = `
SELECT operation_id, target, kind, biz_id, business_key, COALESCE(member_id, ''), points, COALESCE(shop_code, ''), event_type, GREATEST(since, origin_posted_at) AS workable, in_doubt,
       origin_id, origin_biz_id, origin_reference, origin_points, origin_posted_at` + itemWhere + `
 ORDER BY target, kind, workable, operation_id
 LIMIT NULLIF(@limit::bigint, 0)`

// sqlSums sums the same up by account and kind. No rows means that there are none.
const sqlSums = `
SELECT target, kind, count(*), count(DISTINCT member_id), sum(points)::bigint, count(*) FILTER (WHERE in_doubt), min(GREATEST(since, origin_posted_at))` + itemWhere + `
 GROUP BY target, kind
 ORDER BY target, kind`

// each calls f for the work items that fit, one account and kind after the other, the
// oldest first, up to limit of them (0: all). It holds one at a time.
func (x *Items) each(ctx context.Context, filter Filter, limit int, f func(Item) error) error {
	args := filter.args()
	args["limit"] = limit
	rows, err := x.pool.Query(ctx, sqlItems, args)
	if err != nil {
		return fmt.Errorf("list work items: %w", err)
	}
	var i Item
	_, err = pgx.ForEachRow(rows, []any{&i.ID, &i.Account, &i.Kind, &i.BizID, &i.BusinessKey, &i.MemberID, &i.Points, &i.ShopCode, &i.EventType, &i.Since, &i.InDoubt,
		&i.OriginID, &i.OriginBizID, &i.OriginReference, &i.OriginPoints, &i.OriginPostedAt}, func() error { return f(i) })
	if err != nil {
		return fmt.Errorf("list work items: %w", err)
	}
	return nil
}

// Sum sums up what one account has of one kind.
type Sum struct {
	Account    string        `json:"account"`
	Kind       ledger.Kind   `json:"kind"`
	Operations int64         `json:"operations"`
	Members    int64         `json:"members"`
	Points     ledger.Points `json:"points"`
	InDoubt    int64         `json:"in_doubt"`
	OldestAt   time.Time     `json:"oldest_at"`
}

// Words say what is to be done.
func (s *Sum) Words() string {
	words := fmt.Sprintf("to be %s: %s, %s, %s", wording.ToBeDone(s.Kind), wording.Plural(s.Operations, "operation"), wording.Plural(s.Points, "point"), wording.Plural(s.Members, "member"))
	if s.InDoubt > 0 {
		words += fmt.Sprintf("; %s of them may be done already: the database lost its newest commits since", wording.Count(s.InDoubt))
	}
	return words
}

// Sum sums work items up, by account and kind.
func (x *Items) Sum(ctx context.Context, filter Filter) ([]Sum, error) {
	rows, err := x.pool.Query(ctx, sqlSums, filter.args())
	if err != nil {
		return nil, fmt.Errorf("sum up work items: %w", err)
	}
	sums, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (s Sum, err error) {
		err = row.Scan(&s.Account, &s.Kind, &s.Operations, &s.Members, &s.Points, &s.InDoubt, &s.OldestAt)
		return s, err
	})
	if err != nil {
		return nil, fmt.Errorf("sum up work items: %w", err)
	}
	return sums, nil
}

// Listing is a list as a person is shown it: masked.
type Listing struct {
	Sums  []Sum  `json:"sums"`
	Items []Item `json:"items"`
	// More: there are others.
	More bool `json:"more"`
}

// List reads up to limit work items, and the sums of all that fit.
func (x *Items) List(ctx context.Context, filter Filter, limit int) (Listing, error) {
	l := Listing{Sums: []Sum{}, Items: []Item{}}
	sums, err := x.Sum(ctx, filter)
	if err != nil {
		return l, err
	}
	l.Sums = append(l.Sums, sums...)
	err = x.each(ctx, filter, limit+1, func(i Item) error {
		if l.More = len(l.Items) == limit; !l.More {
			i.BusinessKey, i.MemberID = privacy.Hide(i.BusinessKey, i.MemberID), privacy.Mobiles(i.MemberID)
			l.Items = append(l.Items, i)
		}
		return nil
	})
	return l, err
}
