package money

import (
	"context"
	"fmt"
	"iter"

	"github.com/jackc/pgx/v5"
)

// Redemption is a record of points that left a member other than by this ledger's own
// take-backs.
type Redemption struct {
	Day    Day
	Member string
	// Shop is where they were redeemed; empty: not told.
	Shop string
	// Points are above 0.
	Points int64
	// Expired: they ran out and were not redeemed.
	Expired bool
}

// Redemptions are all that are known of a vendor account. An error ends them.
type Redemptions = iter.Seq2[Redemption, error]

// usedUp is what was redeemed and expired on a day.
type usedUp struct{ redeemed, expired int64 }

// told is what is known of redemptions, by vendor account and day.
type told map[string]map[Day]usedUp

func (t told) of(account string) map[Day]usedUp {
	if t[account] == nil {
		t[account] = map[Day]usedUp{}
	}
	return t[account]
}

// sqlTold reads the newest that was kept of each day. No rows: nothing was told so far.
const sqlTold = `
SELECT DISTINCT ON (target, business_date) target, business_date::text, redeemed_points, expired_points
  FROM redemption_days
 WHERE business_date <= $1::date
 ORDER BY target, business_date, kept_at DESC, id DESC`

func readTold(ctx context.Context, tx pgx.Tx, through Day) (told, error) {
	rows, err := tx.Query(ctx, sqlTold, string(through))
	if err != nil {
		return nil, fmt.Errorf("read what was told of redemptions: %w", err)
	}
	t := told{}
	var account string
	var day Day
	var u usedUp
	_, err = pgx.ForEachRow(rows, []any{&account, &day, &u.redeemed, &u.expired}, func() error {
		t.of(account)[day] = u
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read what was told of redemptions: %w", err)
	}
	return t, nil
}
