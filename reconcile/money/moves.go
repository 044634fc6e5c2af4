package money

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/jackc/pgx/v5"
)

// sqlMoves sums up, for each day, what was granted and what was taken back of each earlier day's grants,
// in the order of the days, grants before the rest: the accounting date, which is the business date unless
// that was locked. It reads all operations once and sorts
// the sums. What a person or the vendor ended later is of the day when that was
// known, so that a day that was booked stays as it was. The price of a sale that has several
// grants is in the first one's row.
const sqlMoves = `
WITH late AS (
    SELECT operation_id, part, accounting_date AS day FROM late_entries
), grants AS NOT MATERIALIZED (
    SELECT o.id, o.target, COALESCE(o.shop_code, '') AS shop, COALESCE(l.day, o.business_date) AS of_day, COALESCE(o.amount_fen, 0) > 0 AS paid, o.points,
           CASE WHEN NOT EXISTS (SELECT 1 FROM operations s WHERE s.fact_key = o.fact_key AND s.fact_leg < o.fact_leg AND s.kind = 'points_add' AND s.points > 0)
                THEN COALESCE(o.amount_fen, 0) ELSE 0 END AS amount
      FROM operations o
      LEFT JOIN late l ON l.operation_id = o.id AND l.part = 'accepted'
     WHERE o.kind = 'points_add' AND o.points > 0
), taken AS NOT MATERIALIZED (
    SELECT t.id, t.points, GREATEST(COALESCE(l.day, t.business_date), g.of_day) AS day, g.target, g.shop, g.of_day, g.paid
      FROM operations t
      JOIN reversals r ON r.operation_id = t.id
      JOIN grants g ON g.id = r.origin_id
      LEFT JOIN late l ON l.operation_id = t.id AND l.part = 'accepted'
     WHERE t.kind = 'points_deduct' AND t.points > 0
), ended AS (
    SELECT p.operation_id, COALESCE(p.points, o.points) AS points, COALESCE(l.day, (p.posted_at AT TIME ZONE @zone)::date) AS day,
           COALESCE(lc.day, (c.corrected_at AT TIME ZONE @zone)::date) AS corrected_day
      FROM postings p
      JOIN operations o ON o.id = p.operation_id
      LEFT JOIN corrections c ON c.operation_id = p.operation_id
      LEFT JOIN late l ON l.operation_id = p.operation_id AND l.part = 'ended'
      LEFT JOIN late lc ON lc.operation_id = p.operation_id AND lc.part = 'corrected'
     WHERE p.kind = 'voided' AND COALESCE(p.points, o.points) > 0
), moves AS (
    SELECT of_day AS day, target, shop, of_day, paid, 'deferred' AS kind, points, amount
      FROM grants
    UNION ALL
    SELECT day, target, shop, of_day, paid, 'refunded', points, 0
      FROM taken
    UNION ALL
    SELECT GREATEST(e.day, t.day), t.target, t.shop, t.of_day, t.paid, 'refunded', -e.points, 0
      FROM ended e
      JOIN taken t ON t.id = e.operation_id
    UNION ALL
    SELECT GREATEST(e.corrected_day, e.day, t.day), t.target, t.shop, t.of_day, t.paid, 'refunded', e.points, 0
      FROM ended e
      JOIN taken t ON t.id = e.operation_id
     WHERE e.corrected_day IS NOT NULL
    UNION ALL
    SELECT GREATEST(e.day, g.of_day), g.target, g.shop, g.of_day, g.paid, 'not_granted', e.points, 0
      FROM ended e
      JOIN grants g ON g.id = e.operation_id
    UNION ALL
    SELECT GREATEST(e.corrected_day, e.day, g.of_day), g.target, g.shop, g.of_day, g.paid, 'not_granted', -e.points, 0
      FROM ended e
      JOIN grants g ON g.id = e.operation_id
     WHERE e.corrected_day IS NOT NULL
)
SELECT day::text, target, shop, of_day::text, paid, kind, sum(points)::bigint, sum(amount)::bigint
  FROM moves
 WHERE day <= @through::date
 GROUP BY day, target, shop, of_day, paid, kind
 ORDER BY moves.day, kind <> 'deferred', shop COLLATE "C", paid DESC, target COLLATE "C", kind, moves.of_day`

// movesThrough reads the moves up to a day, those of one day at a time.
func movesThrough(ctx context.Context, tx pgx.Tx, zone *time.Location, through Day) iter.Seq2[[]move, error] {
	return func(yield func([]move, error) bool) {
		rows, err := tx.Query(ctx, sqlMoves, pgx.StrictNamedArgs{"through": string(through), "zone": zone.String()})
		if err != nil {
			yield(nil, fmt.Errorf("read what was granted: %w", err))
			return
		}
		defer rows.Close()
		var day []move
		for rows.Next() {
			var m move
			if err := rows.Scan(&m.day, &m.vendor, &m.shop, &m.of, &m.paid, &m.kind, &m.points, &m.amount); err != nil {
				yield(nil, fmt.Errorf("read what was granted: %w", err))
				return
			}
			if len(day) > 0 && day[0].day != m.day {
				if !yield(day, nil) {
					return
				}
				day = day[:0]
			}
			day = append(day, m)
		}
		if err := rows.Err(); err != nil {
			yield(nil, fmt.Errorf("read what was granted: %w", err))
			return
		}
		if len(day) > 0 {
			yield(day, nil)
		}
	}
}
