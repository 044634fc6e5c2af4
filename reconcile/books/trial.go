package books

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// Dimension is what the trial balance is told apart by, besides the vendor account.
type Dimension string

const (
	// BySourceType: a freeze has none.
	BySourceType Dimension = "source_type"
	// ByChannel: the channel of the order.
	ByChannel Dimension = "channel"
	// ByShop: the shop's code, as the publisher named it.
	ByShop Dimension = "shop"
	// ByDay: the business date.
	ByDay Dimension = "day"
)

// Dimensions are all of them, in the order of the columns.
func Dimensions() []Dimension { return []Dimension{BySourceType, ByChannel, ByShop, ByDay} }

// Trial is a trial balance.
type Trial struct {
	Standing
	By   []Dimension `json:"by"`
	Rows []TrialRow  `json:"rows"`
	// Total sums the rows up.
	Total Places `json:"total"`
	// SumPoints is the sum of it: 0 by construction.
	SumPoints int64 `json:"sum_points"`
}

// TrialRow is one group. What the groups are not told apart by is null, and so is what
// an order does not have.
type TrialRow struct {
	Account    string  `json:"account"`
	SourceType *int16  `json:"source_type"`
	Channel    *int16  `json:"channel"`
	Shop       *string `json:"shop"`
	Day        *string `json:"day"`
	Entries    int64   `json:"entries"`
	Places
	// SumPoints is the sum of the accounts: 0 by construction.
	SumPoints int64 `json:"sum_points"`
}

// Places are the balances of the accounts of the books, by the last word of their names.
type Places struct {
	Issued        int64 `json:"issued_points"`
	Pending       int64 `json:"pending_points"`
	Credited      int64 `json:"credited_points"`
	VendorBalance int64 `json:"vendor_balance_points"`
	Frozen        int64 `json:"frozen_points"`
	Spent         int64 `json:"spent_points"`
}

func (p *Places) fields() []any {
	return []any{&p.Issued, &p.Pending, &p.Credited, &p.VendorBalance, &p.Frozen, &p.Spent}
}

func (p *Places) add(q Places) {
	p.Issued, p.Pending, p.Credited = p.Issued+q.Issued, p.Pending+q.Pending, p.Credited+q.Credited
	p.VendorBalance, p.Frozen, p.Spent = p.VendorBalance+q.VendorBalance, p.Frozen+q.Frozen, p.Spent+q.Spent
}

// inPlaces are the columns of Places.
const inPlaces = `
       COALESCE(sum(points) FILTER (WHERE place = 'issued'), 0)::bigint, COALESCE(sum(points) FILTER (WHERE place = 'pending'), 0)::bigint,
       COALESCE(sum(points) FILTER (WHERE place = 'credited'), 0)::bigint, COALESCE(sum(points) FILTER (WHERE place = 'vendor_balance'), 0)::bigint,
       COALESCE(sum(points) FILTER (WHERE place = 'frozen'), 0)::bigint, COALESCE(sum(points) FILTER (WHERE place = 'spent'), 0)::bigint`

// sqlTrial reads all entries that fit, with their operations. No rows means that nothing
// was booked.
const sqlTrial = `
SELECT target, source_type, channel, shop, day, count(*), sum(points)::bigint,` + inPlaces + `
  FROM (SELECT target, place, points, CASE WHEN @by_source_type THEN source_type END AS source_type, CASE WHEN @by_channel THEN channel END AS channel,
               CASE WHEN @by_shop THEN shop_code END AS shop, CASE WHEN @by_day THEN business_date END AS day
          FROM book_entries
         WHERE ` + asked + `) AS told_apart
 GROUP BY target, source_type, channel, shop, day
 ORDER BY target, day, shop, source_type, channel`

// Trial reads the trial balance, told apart by vendor account and what else is asked
// for.
func (b *Books) Trial(ctx context.Context, a Asked, by []Dimension) (found Trial, err error) {
	found.By = []Dimension{}
	args := a.args()
	for _, d := range Dimensions() {
		wanted := slices.Contains(by, d)
		args["by_"+string(d)] = wanted
		if wanted {
			found.By = append(found.By, d)
		}
	}
	found.Standing, err = b.read(ctx, &a, "trial balance", func(tx pgx.Tx, _ time.Time) (err error) {
		found.Rows, err = collect(ctx, tx, sqlTrial, args, func(row pgx.CollectableRow) (r TrialRow, err error) {
			var day *time.Time
			err = row.Scan(append([]any{&r.Account, &r.SourceType, &r.Channel, &r.Shop, &day, &r.Entries, &r.SumPoints}, r.fields()...)...)
			if day != nil {
				text := day.Format(time.DateOnly)
				r.Day = &text
			}
			return r, err
		})
		return err
	})
	for _, r := range found.Rows {
		found.Total.add(r.Places)
		found.SumPoints += r.SumPoints
	}
	return found, err
}
