package orders

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"pointsledger/rules/spelling"
)

// Orders compares what shops say that they sold with what the ledger has. It is safe for
// concurrent use.
type Orders struct{ pool *pgxpool.Pool }

// New returns the comparison for the ledger on a pool.
func New(pool *pgxpool.Pool) *Orders { return &Orders{pool} }

// DaysAsked says which declared days are looked at.
type DaysAsked struct {
	// From and To bound the days, as 2026-11-20, both included. Empty: no bound.
	From, To string
	// Source is in any spelling. Empty: all.
	Source string
	// Zone is the programme's time zone, in which a day ends.
	Zone string
	// All lists the days that add up, or are not over, too.
	All bool
	// Limit is how many days are listed at most; all are counted.
	Limit int
}

// Day is a declared day, as the view declared_days has it.
type Day struct {
	Source string `json:"source"`
	// ShopCode is null where the whole source is meant.
	ShopCode       *string   `json:"shop_code"`
	Day            string    `json:"day"`
	Over           bool      `json:"over"`
	DeclaredOrders int64     `json:"declared_orders"`
	DeclaredFen    int64     `json:"declared_fen"`
	AcceptedOrders int64     `json:"accepted_orders"`
	AcceptedFen    int64     `json:"accepted_fen"`
	RejectedOrders int64     `json:"rejected_orders"`
	RejectedFen    int64     `json:"rejected_fen"`
	MissingOrders  int64     `json:"missing_orders"`
	MissingFen     int64     `json:"missing_fen"`
	AddsUp         bool      `json:"adds_up"`
	EventID        string    `json:"event_id"`
	DeclaredAt     time.Time `json:"declared_at"`
}

// Days are declared days, held against the books.
type Days struct {
	From   string `json:"from"`
	To     string `json:"to"`
	Source string `json:"source"`
	Zone   string `json:"zone"`
	// Declared counts all of them, AddUp those that do, NotOver those that neither add up
	// nor are over, and Differ the rest: over, and not what the books have.
	Declared int64 `json:"declared_days"`
	AddUp    int64 `json:"add_up"`
	NotOver  int64 `json:"not_over"`
	Differ   int64 `json:"differ"`
	// Undeclared are orders of sources that declare, on days that are over and that were
	// declared for neither the source nor the order's shop.
	Undeclared     int64 `json:"undeclared_orders"`
	UndeclaredDays int64 `json:"undeclared_days"`
	// Rows are those that differ, or all; More: there are more than the limit.
	Rows []Day `json:"days"`
	More bool  `json:"more"`
}

// sqlSetZone has the days of a transaction end where the programme's do.
const sqlSetZone = `SELECT set_config('TimeZone', $1, true)`

// sqlDeclaredDays reads the view. It goes through all operations once: orders are counted
// by their business date, which no index has, as recording them would pay for it.
const sqlDeclaredDays = `
SELECT source, shop_code, day::text, over, declared_orders, declared_fen, accepted_orders, accepted_fen::bigint, rejected_orders, rejected_fen::bigint,
       missing_orders, missing_fen::bigint, adds_up, event_id, declared_at
  FROM declared_days
 WHERE day >= COALESCE($1::text::date, '-infinity') AND day <= COALESCE($2::text::date, 'infinity') AND ($3::text IS NULL OR source_key = $3)
 ORDER BY day, source, shop_code NULLS FIRST`

// sqlUndeclared counts the orders that no declaration is about, from a source's first
// declared day on. It goes through all operations once.
const sqlUndeclared = `
WITH sources AS (
    SELECT source_key, unnest(spellings) AS event_source, min(day) AS since FROM declarations GROUP BY 1, 2
), groups AS MATERIALIZED (
    SELECT event_source, business_date, shop_code, count(*) AS orders
      FROM operations
     WHERE event_type = 'order.paid' AND fact_leg = 0 AND business_date < current_date AND business_date >= COALESCE($1::text::date, '-infinity')
       AND business_date <= COALESCE($2::text::date, 'infinity')
     GROUP BY 1, 2, 3
)
SELECT COALESCE(sum(g.orders), 0)::bigint, count(DISTINCT (s.source_key, g.business_date))
  FROM groups g
  JOIN sources s ON s.event_source = g.event_source
 WHERE g.business_date >= s.since AND ($3::text IS NULL OR s.source_key = $3)
   AND NOT EXISTS (
       SELECT 1 FROM declarations d
        WHERE d.day = g.business_date AND d.source_key = s.source_key AND (d.shop_code IS NULL OR d.shop_code = g.shop_code))`

// Days holds declared days against the books, as of one moment. It writes nothing.
func (o *Orders) Days(ctx context.Context, asked DaysAsked) (out Days, err error) {
	out = Days{From: asked.From, To: asked.To, Source: asked.Source, Zone: asked.Zone, Rows: []Day{}}
	err = pgx.BeginTxFunc(ctx, o.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, sqlSetZone, asked.Zone); err != nil {
			return err
		}
		args := []any{orNull(asked.From), orNull(asked.To), orNull(spelling.SourceKey(asked.Source))}
		rows, err := tx.Query(ctx, sqlDeclaredDays, args...)
		if err != nil {
			return err
		}
		var d Day
		_, err = pgx.ForEachRow(rows, []any{&d.Source, &d.ShopCode, &d.Day, &d.Over, &d.DeclaredOrders, &d.DeclaredFen, &d.AcceptedOrders, &d.AcceptedFen,
			&d.RejectedOrders, &d.RejectedFen, &d.MissingOrders, &d.MissingFen, &d.AddsUp, &d.EventID, &d.DeclaredAt}, func() error {
			out.add(d, &asked)
			d.ShopCode = nil
			return nil
		})
		if err != nil {
			return err
		}
		return tx.QueryRow(ctx, sqlUndeclared, args...).Scan(&out.Undeclared, &out.UndeclaredDays)
	})
	if err != nil {
		return Days{}, fmt.Errorf("hold declared days against the books: %w", err)
	}
	return out, nil
}

// add counts a day, and lists it where it is to be.
func (d *Days) add(day Day, asked *DaysAsked) {
	d.Declared++
	switch {
	case day.AddsUp:
		d.AddUp++
	case day.Over:
		d.Differ++
	default:
		d.NotOver++
	}
	day.DeclaredAt = day.DeclaredAt.UTC()
	switch {
	case !asked.All && (day.AddsUp || !day.Over):
	case len(d.Rows) >= asked.Limit:
		d.More = true
	default:
		d.Rows = append(d.Rows, day)
	}
}

func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
