package main

import (
	"context"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"pointsledger/internal/command"
	"pointsledger/internal/rehearsal"
	"pointsledger/vendorapi/sim"
)

// sqlBooks reads the ledger's word on every operation, and what it takes from.
const sqlBooks = `
SELECT s.target, s.kind, s.event_type, s.event_source, s.business_key, s.biz_id, s.recorded_points, s.recorded_points - s.points,
       CASE WHEN s.waits_for IS NULL OR s.state LIKE 'parked%' THEN s.state ELSE 'waiting for its origin' END, s.in_doubt, COALESCE(s.evidence, ''), COALESCE(s.cause, '') = 'no_vendor_call', COALESCE(o.biz_id, '')
  FROM operation_status s
  LEFT JOIN operations o ON o.id = s.origin_id
 ORDER BY s.id`

// readBooks reads the ledger in the comparison's words.
func readBooks(ctx context.Context, pool *pgxpool.Pool) ([]rehearsal.LedgerRow, error) {
	found, err := pool.Query(ctx, sqlBooks)
	if err != nil {
		return nil, fmt.Errorf("read the ledger: %w", err)
	}
	rows, err := pgx.CollectRows(found, func(row pgx.CollectableRow) (r rehearsal.LedgerRow, err error) {
		var state, evidence string
		err = row.Scan(&r.Account, &r.Kind, &r.Type, &r.Source, &r.BusinessKey, &r.BizID, &r.Points, &r.Netted, &state, &r.InDoubt,
			&evidence, &r.ByHand, &r.Origin)
		r.State = rehearsal.StateOf(state, evidence)
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("read the ledger: %w", err)
	}
	return rows, nil
}

// bookRows are the vendors' books in the comparison's words.
func bookRows(entries []sim.Entry) []rehearsal.BookRow {
	rows := make([]rehearsal.BookRow, len(entries))
	for i, e := range entries {
		rows[i] = rehearsal.BookRow{Vendor: string(e.Vendor), Key: e.Key, Points: e.Points, Received: e.Received, Applied: e.Applied,
			AppliedPoints: e.AppliedPoints, Mismatched: e.Mismatched, FirstNo: e.FirstNo, AppliedNo: e.AppliedNo}
	}
	return rows
}

// cameBack is what came back, and what became of it.
type cameBack struct {
	refunded, cancelled, completed int // messages
	netted, taken, byHand          tally
	released, spent                tally
}

// tally is a number of operations, and their points.
type tally struct {
	n      int
	points int64
}

func (t *tally) add(points int64) {
	t.n++
	t.points += points
}

func newCameBack(orders []*rehearsal.Order, rows []rehearsal.LedgerRow) (c cameBack) {
	for _, o := range orders {
		c.refunded += o.Accepted["order.refunded"]
		c.cancelled += o.Accepted["order.cancelled"]
		c.completed += o.Accepted["order.completed"]
	}
	for _, row := range rows {
		switch {
		case row.Origin == "" || row.Points == 0:
		case row.State == rehearsal.StateNetted:
			c.netted.add(row.Points)
		case row.ByHand:
			c.byHand.add(row.Points)
		case row.Kind == "consume_frozen" && (row.State == rehearsal.StatePosted || row.State == rehearsal.StateVoided):
			c.spent.add(row.Points)
		case row.State != rehearsal.StatePosted:
		case row.Kind == "unfreeze_point":
			c.released.add(row.Points)
		default:
			c.taken.add(row.Points)
		}
	}
	return c
}

// print shows it as the life of orders.
func (c cameBack) print(out io.Writer) {
	line := func(name string, n int, points int64, about string) {
		fmt.Fprintf(out, "  %-22s %10s  %s\n", name, command.Count(n), command.Count(points)+" points: "+about)
	}
	fmt.Fprintf(out, "\nWhat came back\n")
	fmt.Fprintf(out, "  %-22s %10s  %s, %s, %s of orders\n", "events", command.Count(c.refunded+c.cancelled+c.completed),
		counted(c.refunded, "refund"), counted(c.cancelled, "cancellation"), counted(c.completed, "completion"))
	line("before it was sent", c.netted.n, c.netted.points, "the grant was held or waiting, so less of it was sent")
	line("taken back", c.taken.n, c.taken.points, "behind its grant, at the mall: its vendor has a call for it")
	line("to be taken back", c.byHand.n, c.byHand.points, "Zhimai and Kylin have no call: parked for a person")
	line("frozen, released", c.released.n, c.released.points, "nothing was left of the order")
	line("frozen, spent", c.spent.n, c.spent.points, "the order was completed")
}
