package desk

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// rateTailBlocks is how much of the end of table postings the rate is taken
// from: 4 MiB, some 40,000 rows. At more than about 600 postings a second that
// is less than a minute, and the rate is that of this shorter time.
const rateTailBlocks = 512

// sqlPostingRates counts the postings of the last minute by account. No index
// is on their time. But the table is insert-only, so its newest rows are at its
// end: only the last $1 blocks are read (a scan of a range of ctid), and of
// their operations those of the last minute (operations_pkey). Where the blocks
// do not reach back a minute, the time is as long as they reach. What was
// posted without a call is no sign of pace. No rows means that nothing was posted.
const sqlPostingRates = `
WITH tail AS MATERIALIZED (
    SELECT operation_id, posted_at
      FROM postings
     WHERE ctid >= (SELECT format('(%s,0)', GREATEST(pg_relation_size('postings') / current_setting('block_size')::bigint - $1::bigint, 0))::tid)
       AND evidence IN ('answered', 'already_applied', 'verified')
), reach AS MATERIALIZED (
    SELECT LEAST(GREATEST(EXTRACT(epoch FROM now() - min(posted_at)), 1), 60)::float8 AS seconds FROM tail
)
SELECT o.target, count(*), r.seconds
  FROM reach r
  JOIN tail t ON t.posted_at > now() - r.seconds * interval '1 second'
  JOIN operations o ON o.id = t.operation_id
 GROUP BY o.target, r.seconds
 ORDER BY o.target`

// PostingRates says how many operations of each account the vendors confirmed
// in a second, over the last minute or less. It reads little, whatever the
// history. An account without a confirmation in that time is absent.
func (d *Desk) PostingRates(ctx context.Context) (perSecond map[string]float64, err error) {
	rows, err := d.pool.Query(ctx, sqlPostingRates, rateTailBlocks)
	if err != nil {
		return nil, fmt.Errorf("read posting rates: %w", err)
	}
	perSecond = map[string]float64{}
	var account string
	var n int64
	var within float64
	_, err = pgx.ForEachRow(rows, []any{&account, &n, &within}, func() error {
		perSecond[account] = float64(n) / within
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read posting rates: %w", err)
	}
	return perSecond, nil
}
