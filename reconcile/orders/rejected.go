package orders

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// sqlRejected finds the rejected events of sources, with the order's number as far as their
// bytes tell. It goes through all rejects.
const sqlRejected = `
SELECT r.id, points_ledger_event_text(points_ledger_event_data(r.payload), 'orderId')
  FROM rejects r
 WHERE r.event_type = $1 AND r.event_source = ANY ($2::text[])
 ORDER BY r.id`

// sqlReasons reads why events were rejected (rejects_pkey).
const sqlReasons = `SELECT id, reason_code, reason, resolved_at IS NOT NULL FROM rejects WHERE id = ANY ($1::bigint[])`

// spellings are those of all sources.
func (c *comparison) spellings(only func(source) bool) (all []string) {
	for _, s := range c.sources {
		if only(s) {
			all = append(all, s.spellings...)
		}
	}
	return all
}

func every(source) bool { return true }

// findRejects finds the newest reject of each order of the list.
func (c *comparison) findRejects(ctx context.Context) error {
	c.rejects = map[number]int64{}
	rows, err := c.tx.Query(ctx, sqlRejected, orderPaid, c.spellings(every))
	if err != nil {
		return fmt.Errorf("find rejected orders: %w", err)
	}
	var id int64
	var order *string
	if _, err := pgx.ForEachRow(rows, []any{&id, &order}, func() error {
		if order == nil {
			return nil
		}
		name := numberOf(*order)
		if _, listed := c.list.at[name]; listed {
			c.rejects[name] = id
		}
		return nil
	}); err != nil {
		return fmt.Errorf("find rejected orders: %w", err)
	}
	return nil
}

// addReasons fills in why the orders of items were rejected.
func (c *comparison) addReasons(ctx context.Context, items []*Item) error {
	of := map[int64]*Item{}
	var ids []int64
	for _, item := range items {
		if item.RejectID != 0 {
			of[item.RejectID] = item
			ids = append(ids, item.RejectID)
		}
	}
	if ids == nil {
		return nil
	}
	rows, err := c.tx.Query(ctx, sqlReasons, ids)
	if err != nil {
		return fmt.Errorf("read rejects: %w", err)
	}
	var id int64
	var code, reason string
	var resolved bool
	if _, err := pgx.ForEachRow(rows, []any{&id, &code, &reason, &resolved}, func() error {
		of[id].ReasonCode, of[id].Reason, of[id].Resolved = code, reason, resolved
		return nil
	}); err != nil {
		return fmt.Errorf("read rejects: %w", err)
	}
	return nil
}
