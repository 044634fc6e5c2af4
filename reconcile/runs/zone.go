package runs

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// sqlOffsets counts by how many quarters of an hour an account's records are off from the
// postings whose references they show, over some of them; null: by none, to a minute
// (reconcile_records_member_idx, operations_member_idx).
const sqlOffsets = `
SELECT CASE WHEN abs(o.seconds - 900 * round(o.seconds / 900)) <= 60 THEN round(o.seconds / 900)::integer END, count(*)
  FROM (SELECT EXTRACT(epoch FROM p.posted_at - r.at) AS seconds
          FROM (SELECT account, member_id, reference, at FROM reconcile_records
                 WHERE run_id = $1 AND account = $2 AND reference IS NOT NULL AND at IS NOT NULL AND NOT date_only LIMIT 2000) AS r
          JOIN operations o ON o.member_id = r.member_id AND o.target = r.account AND o.reference = r.reference
          JOIN postings p ON p.operation_id = o.id AND p.kind = 'posted' AND p.evidence = 'answered') AS o
 GROUP BY 1`

// sqlOffsetsByPoints is the same where no references are shown: of one record of each of some
// members, beside all postings of its points within any zone.
const sqlOffsetsByPoints = `
SELECT CASE WHEN abs(o.seconds - 900 * round(o.seconds / 900)) <= 60 THEN round(o.seconds / 900)::integer END, count(*)
  FROM (SELECT EXTRACT(epoch FROM p.posted_at - r.at) AS seconds
          FROM (SELECT DISTINCT ON (member_id) account, member_id, points, at FROM reconcile_records
                 WHERE run_id = $1 AND account = $2 AND points > 0 AND at >= $3 AND at < $4 AND NOT date_only
                 ORDER BY member_id, id LIMIT 2000) AS r
          JOIN operations o ON o.member_id = r.member_id AND o.target = r.account AND o.kind = 'points_add' AND o.points = r.points
          JOIN postings p ON p.operation_id = o.id AND p.kind = 'posted' AND p.evidence = 'answered'
           AND p.posted_at BETWEEN r.at - interval '26 hours' AND r.at + interval '26 hours') AS o
 GROUP BY 1`

// What tells a zone: so many records, and this share of them; by points alone, so many times as
// many as speak for any other.
const (
	zoneRecords = 20
	zoneShare   = 0.9
	zoneTimes   = 5
)

// zone is by how much the times of an account's records are off, as the records tell;
// told is false when they do not.
func (c *comparing) zone(ctx context.Context, tx pgx.Tx, account string) (offset time.Duration, told bool, err error) {
	best, most, _, all, err := offsets(ctx, tx, sqlOffsets, c.id, account)
	if err != nil {
		return 0, false, err
	}
	if all > 0 {
		return best, most >= zoneRecords && float64(most) >= zoneShare*float64(all), nil
	}
	best, most, second, _, err := offsets(ctx, tx, sqlOffsetsByPoints, c.id, account, c.from, c.until)
	return best, most >= zoneRecords && most >= zoneTimes*second, err
}

// offsets are the one that most records speak for, how many those are, how many speak for
// the next, and how many there are.
func offsets(ctx context.Context, tx pgx.Tx, sql string, args ...any) (best time.Duration, most, second, all int, err error) {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return 0, 0, 0, 0, fmt.Errorf("look at the records' zone: %w", err)
	}
	var quarters *int
	var count int
	_, err = pgx.ForEachRow(rows, []any{&quarters, &count}, func() error {
		all += count
		switch {
		case quarters == nil:
		case count > most:
			best, most, second = time.Duration(*quarters)*15*time.Minute, count, most
		default:
			second = max(second, count)
		}
		return nil
	})
	if err != nil {
		err = fmt.Errorf("look at the records' zone: %w", err)
	}
	return best, most, second, all, err
}
