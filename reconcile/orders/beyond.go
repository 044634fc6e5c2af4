package orders

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// sqlBeyond reads the orders of sources with business dates in some days, each by its
// first operation, as the view declared_days counts them. It goes through all
// operations once.
const sqlBeyond = `
SELECT o.id, o.event_source, o.business_key, o.amount_fen, o.business_date::text, COALESCE(o.shop_code, ''), COALESCE(o.member_id, ''),
       r.refunded_fen
  FROM operations o
 CROSS JOIN LATERAL (` + refundsOf + `) AS r
 WHERE o.event_type = $1 AND o.event_source = ANY ($2::text[]) AND o.business_date BETWEEN $3::text::date AND $4::text::date
   AND ($5::text IS NULL OR o.shop_code = $5)
   AND (o.fact_leg = 0 OR o.fact_key IS NULL AND NOT EXISTS (
        SELECT 1 FROM operations e
         WHERE e.business_key = o.business_key AND e.event_source = o.event_source AND e.event_type = o.event_type AND e.id < o.id))
 ORDER BY o.business_date, o.id`

// lookBeyond finds what the ledger has and the list has not: of the sources at which
// orders of the list were found, or of all, when none was.
func (c *comparison) lookBeyond(ctx context.Context) error {
	within := every
	if len(c.seen) > 0 {
		within = func(s source) bool { return c.seen[s.key] }
	}
	for _, s := range c.sources {
		if within(s) {
			c.summary.Sources = append(c.summary.Sources, s.key)
		}
	}
	rows, err := c.tx.Query(ctx, sqlBeyond, orderPaid, c.spellings(within), c.summary.From, c.summary.To, orNull(c.asked.Shop))
	if err != nil {
		return fmt.Errorf("read orders: %w", err)
	}
	var item Item
	_, err = pgx.ForEachRow(rows, []any{&item.OperationID, &item.Source, &item.Order, &item.LedgerFen, &item.BusinessDate, &item.Shop, &item.Member, &item.RefundedFen}, func() error {
		one := item
		item.LedgerFen = nil
		if _, listed := c.list.at[numberOf(one.Order)]; listed {
			return nil
		}
		if one.LedgerFen != nil {
			c.summary.LedgerFen += *one.LedgerFen
		}
		one.Kind = HereOnly
		return c.hand(&one)
	})
	if err != nil {
		return fmt.Errorf("read orders: %w", err)
	}
	return nil
}
