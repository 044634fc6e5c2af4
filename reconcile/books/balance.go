package books

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"pointsledger/ledger"
)

// Balance is what the accounts of the books hold, and what of it is open.
type Balance struct {
	Standing
	// Accounts are in order. Without members those of all members are added up, a * in
	// their place.
	Accounts []AccountBalance `json:"accounts"`
	// More: there are others.
	More bool `json:"more"`
	// TotalPoints is the sum over all accounts, also those not listed: 0 by construction.
	TotalPoints int64 `json:"total_points"`
	// Ages is what is accepted and has not ended, by how long ago it was recorded.
	Ages []OpenAge `json:"ages"`
	// Open is the same by why it has not. It is known of now alone: null as of an
	// earlier instant or through a booked day. Beside a business date it is what is open now of that date and
	// before; a refund of a later date, which Ages leaves out, has lessened it.
	Open []OpenReason `json:"open"`
}

// AccountBalance is one account of the books.
type AccountBalance struct {
	Account string `json:"account"`
	Points  int64  `json:"points"`
	Entries int64  `json:"entries"`
}

// OpenAge is what is open of one kind and age.
type OpenAge struct {
	Account string      `json:"account"`
	Kind    ledger.Kind `json:"kind"`
	// Age is under_1h, under_1d, under_7d, under_30d or older.
	Age        string `json:"age"`
	Operations int64  `json:"operations"`
	Points     int64  `json:"points"`
}

// OpenReason is what is open of one kind for one reason.
type OpenReason struct {
	Account string      `json:"account"`
	Kind    ledger.Kind `json:"kind"`
	// Why is as in the view open_points.
	Why        string    `json:"why"`
	Operations int64     `json:"operations"`
	Points     int64     `json:"points"`
	OldestAt   time.Time `json:"oldest_at"`
}

// byAccount sums the entries by account. It reads all of them that fit. No rows means
// that nothing was booked.
const byAccount = `
WITH by_account AS (
    SELECT target, account, sum(points) AS points, count(*) AS entries
      FROM book_entries
     WHERE ` + asked + `
     GROUP BY target, account)`

// sqlBalances folds the members' accounts; sqlMemberBalances lists each. The total is
// over all of them, before the limit.
const (
	sqlBalances = byAccount + `
SELECT name, sum(points)::bigint, sum(entries)::bigint, (sum(sum(points)) OVER ())::bigint
  FROM (SELECT target, CASE WHEN starts_with(account, target || ':issued:') THEN account ELSE target || ':member:*:' || substring(account FROM '[^:]*$') END AS name, points, entries
          FROM by_account) AS folded
 GROUP BY target, name
 ORDER BY target, name
 LIMIT @limit`
	sqlMemberBalances = byAccount + `
SELECT account, points::bigint, entries, (sum(points) OVER ())::bigint
  FROM by_account
 ORDER BY target, account
 LIMIT @limit`
)

// sqlAges sums up the pending accounts by operation, then by age: what a refund took
// before its grant was sent is in the row of the grant. It reads all entries that fit.
const sqlAges = `
WITH open AS (
    SELECT COALESCE(r.origin_id, e.operation_id) AS id, sum(e.points) AS points
      FROM book_entries e
      LEFT JOIN reversals r ON r.operation_id = e.operation_id AND r.netted
     WHERE e.account LIKE '%:pending' AND ` + asked + `
     GROUP BY 1
    HAVING sum(points) <> 0
), aged AS (
    SELECT o.target, o.kind, open.points, @now::timestamptz - o.recorded_at AS age
      FROM open
      JOIN operations o ON o.id = open.id
)
SELECT target, kind, CASE WHEN age < interval '1 hour' THEN 'under_1h' WHEN age < interval '24 hours' THEN 'under_1d' WHEN age < interval '168 hours' THEN 'under_7d'
                          WHEN age < interval '720 hours' THEN 'under_30d' ELSE 'older' END,
       count(*), sum(points)::bigint
  FROM aged
 GROUP BY 1, 2, 3
 ORDER BY 1, 2, min(age)`

// sqlOpen reads the outbox and its operations, and looks each operation up in postings
// for the case that a row was lost.
const sqlOpen = `
SELECT target, kind, why, count(*), sum(points)::bigint, min(recorded_at)
  FROM open_points
 WHERE (@through::date IS NULL OR business_date <= @through) AND (@account::text = '' OR target = @account)
 GROUP BY target, kind, why
 ORDER BY target, kind, why`

// Balance reads the balances: of each account, up to limit of them, with members also
// of each member's.
func (b *Books) Balance(ctx context.Context, a Asked, members bool, limit int) (found Balance, err error) {
	found.Standing, err = b.read(ctx, &a, "balances", func(tx pgx.Tx, now time.Time) (err error) {
		args := a.args()
		args["limit"] = limit + 1
		sql := sqlBalances
		if members {
			sql = sqlMemberBalances
		}
		found.Accounts, err = collect(ctx, tx, sql, args, func(row pgx.CollectableRow) (l AccountBalance, err error) {
			err = row.Scan(&l.Account, &l.Points, &l.Entries, &found.TotalPoints)
			l.Account = a.masked(l.Account)
			return l, err
		})
		if err != nil {
			return err
		}
		if found.More = len(found.Accounts) > limit; found.More {
			found.Accounts = found.Accounts[:limit]
		}
		return readOpen(ctx, tx, &a, now, &found)
	})
	return found, err
}

// readOpen reads what is open at an instant.
func readOpen(ctx context.Context, tx pgx.Tx, a *Asked, now time.Time, found *Balance) (err error) {
	args := a.args()
	args["now"] = now
	found.Ages, err = collect(ctx, tx, sqlAges, args, func(row pgx.CollectableRow) (o OpenAge, err error) {
		err = row.Scan(&o.Account, &o.Kind, &o.Age, &o.Operations, &o.Points)
		return o, err
	})
	if err != nil || !a.AsOf.IsZero() || a.Booked != "" {
		return err
	}
	args = a.args()
	delete(args, "as_of")
	delete(args, "booked")
	found.Open, err = collect(ctx, tx, sqlOpen, args, func(row pgx.CollectableRow) (o OpenReason, err error) {
		err = row.Scan(&o.Account, &o.Kind, &o.Why, &o.Operations, &o.Points, &o.OldestAt)
		o.OldestAt = o.OldestAt.UTC()
		return o, err
	})
	return err
}
