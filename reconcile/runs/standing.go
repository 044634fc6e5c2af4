package runs

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Standing is how far the postings of an account were compared, by the newest comparison
// of each day, and what that left.
type Standing struct {
	Account string
	// NotCompared are postings of days that no whole comparison is of (one of a sample or of
	// some members is none, nor one from before the day's last posting), and those that the
	// standing ones did not compare, or whose records do not reach back to them.
	NotCompared       int64
	NotComparedPoints int64
	// Unexplained are items of the standing comparisons and of newer ones, each difference
	// once.
	Unexplained       int64
	UnexplainedPoints int64
}

// sqlStanding works it out for the postings of some days, by the day of the posting in the
// ledger's zone, which is asked for once and not for each. It reads all postings. The first date is null for all days.
const sqlStanding = `
WITH posted AS (
    SELECT o.target AS account, (p.posted_at AT TIME ZONE (SELECT points_ledger_zone()))::date AS day, p.posted_at, COALESCE(p.points, o.points) AS points
      FROM postings p
      JOIN operations o ON o.id = p.operation_id
     WHERE p.kind = 'posted' AND o.kind IN ('points_add', 'points_deduct')
), by_day AS (
    SELECT account, day, count(*) AS postings, sum(points) AS points, max(posted_at) AS last_at
      FROM posted
     WHERE day > COALESCE($1::date, '-infinity') AND day <= $2::date
     GROUP BY account, day
), days AS (
    SELECT d.*, (SELECT max(r.id) FROM reconcile_runs r
                  WHERE r.state = 'done' AND r.source <> 'none' AND r.members_asked IN ('changed', 'all') AND r.account IN (d.account, '')
                    AND d.day BETWEEN r.from_date AND r.to_date AND COALESCE(r.read_at, r.began_at) > d.last_at) AS run_id
      FROM by_day d
), left_out AS (
    SELECT account, postings, points FROM days WHERE run_id IS NULL
    UNION ALL
    SELECT d.account, r.postings - r.postings_compared, r.beyond_reach_points
      FROM reconcile_runs r
      JOIN (SELECT run_id, min(account) AS account FROM days GROUP BY run_id) AS d ON d.run_id = r.id
     WHERE r.postings - r.postings_compared > 0
), items AS (
    SELECT DISTINCT ON (i.item_key) i.account, abs(i.ledger_points - i.vendor_points) AS points, i.explained_at
      FROM reconcile_items i
      JOIN reconcile_runs r ON r.id = i.run_id AND r.state = 'done'
     CROSS JOIN LATERAL (SELECT COALESCE((i.at AT TIME ZONE (SELECT points_ledger_zone()))::date, r.to_date) AS day) AS of
      LEFT JOIN days d ON d.account = i.account AND d.day = of.day
     WHERE i.differs AND of.day > COALESCE($1::date, '-infinity') AND of.day <= $2::date AND r.id >= COALESCE(d.run_id, 0)
     ORDER BY i.item_key, i.run_id DESC
)
SELECT account, sum(not_compared)::bigint, sum(not_compared_points)::bigint, sum(unexplained)::bigint, sum(unexplained_points)::bigint
  FROM (SELECT account, postings AS not_compared, points AS not_compared_points, 0 AS unexplained, 0 AS unexplained_points FROM left_out
        UNION ALL
        SELECT account, 0, 0, 1, points FROM items WHERE explained_at IS NULL) AS counted
 GROUP BY account
 ORDER BY account`

// Standing says of which accounts something posted on some days is not compared or not
// explained; an account of which all is compared and explained is not in it. after is the
// day before the first, empty for all; through the last, as 2026-11-30.
func (r *Runs) Standing(ctx context.Context, after, through string) ([]Standing, error) {
	var from *string
	if after != "" {
		from = &after
	}
	rows, err := r.pool.Query(ctx, sqlStanding, from, through)
	if err != nil {
		return nil, fmt.Errorf("read what was compared: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (s Standing, err error) {
		err = row.Scan(&s.Account, &s.NotCompared, &s.NotComparedPoints, &s.Unexplained, &s.UnexplainedPoints)
		return s, err
	})
	if err != nil {
		return nil, fmt.Errorf("read what was compared: %w", err)
	}
	return list, nil
}
