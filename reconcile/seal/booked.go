package seal

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// What reports add up by is no part of an operation: the day that something late is booked
// on, and the accounts that a kind moves points between. It is held against the acts on
// periods and against what the schema was made with.
const (
	// sqlCountLate counts what is booked on another day than its own.
	sqlCountLate = `SELECT count(*) FROM late_entries`

	// sqlMisbooked finds late entries that say another own date than their row, or a day that
	// no lock made the first open one; and what was accepted long after a closing of its day
	// and is booked on it all the same. It reads the tables once for each closed period.
	sqlMisbooked = `
SELECT l.operation_id, 'late_entries', format('%s on %s is booked on %s, and no lock says so', l.part, COALESCE(d.own::text, 'no day'), l.accounting_date)
  FROM late_entries l
  LEFT JOIN operations o ON o.id = l.operation_id
  LEFT JOIN postings p ON p.operation_id = l.operation_id
  LEFT JOIN corrections c ON c.operation_id = l.operation_id
 CROSS JOIN LATERAL (SELECT CASE l.part WHEN 'accepted' THEN o.business_date
                                        WHEN 'ended' THEN (p.posted_at AT TIME ZONE (SELECT points_ledger_zone()))::date
                                        ELSE (c.corrected_at AT TIME ZONE (SELECT points_ledger_zone()))::date END AS own) AS d
 WHERE d.own IS DISTINCT FROM l.own_date
    OR NOT EXISTS (SELECT FROM period_acts a WHERE a.act = 'lock' AND a.through = l.accounting_date - 1 AND a.through >= l.own_date)
UNION ALL
SELECT o.id, 'late_entries', format('accepted on %s for %s, which was closed by then, and nothing says that it is booked later', o.recorded_at, o.business_date)
  FROM operations o
 WHERE EXISTS (SELECT FROM periods q JOIN period_acts a ON a.id = q.close_act WHERE o.business_date <= q.through AND o.recorded_at > a.at + interval '10 minutes')
   AND NOT EXISTS (SELECT FROM late_entries l WHERE l.operation_id = o.id AND l.part = 'accepted')
UNION ALL
SELECT 0, 'operation_kinds', format('%s moves points from %s to %s', k.kind, k.leaves, k.enters)
  FROM operation_kinds k
  JOIN (VALUES ('points_add', 'issued', 'credited'), ('freeze_point', 'vendor_balance', 'frozen'), ('points_deduct', 'credited', 'issued'),
               ('unfreeze_point', 'frozen', 'vendor_balance'), ('consume_frozen', 'frozen', 'spent')) AS made (kind, leaves, enters) USING (kind)
 WHERE (k.leaves, k.enters) <> (made.leaves, made.enters)`
)

func (v *verification) booked(ctx context.Context, tx pgx.Tx, c *Check) error {
	if err := tx.QueryRow(ctx, sqlCountLate).Scan(&c.Checked); err != nil {
		return fmt.Errorf("count late entries: %w", err)
	}
	rows, err := tx.Query(ctx, sqlMisbooked)
	if err != nil {
		return fmt.Errorf("look at late entries: %w", err)
	}
	f := Finding{Kind: Misbooked}
	var what string
	_, err = pgx.ForEachRow(rows, []any{&f.ID, &f.Table, &what}, func() error {
		if f.What = what; f.ID != 0 {
			f.What = fmt.Sprintf("operations %d: %s", f.ID, what)
		}
		v.found(c, f)
		return nil
	})
	if err != nil {
		return fmt.Errorf("look at late entries: %w", err)
	}
	return nil
}
