package continuity

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Doubt says how open rows are treated in a database that lost its newest
// commits.
type Doubt struct {
	// SentSince is the earliest time of a send whose record is lost.
	SentSince time.Time
	// Rest is how long they are not claimed, and their leases last at least:
	// until every lease that a worker may hold from the lost database has ended.
	Rest time.Duration
	// Parked leaves pending rows to a person.
	Parked bool
}

// sqlDoubtOpen marks every open row in doubt, but what is held and not due: it cannot
// have been sent. The database's clock may be behind the lost one's; of what was due
// within the hour nobody knows. Doubt that is there keeps its
// age; a row without doubt had no effect before the loss, so its doubt is as
// old as the loss. A row whose member is not known is parked, also one that a
// worker has in hand: the lost commits may have named a member and sent it, and
// without the name nothing can be looked up; the worker cannot name one without
// its lease. Reads the whole outbox, and locks its rows in order
// (outbox_pkey), as sqlConfirm and sqlSettle do: workers may still write what
// they heard.
const sqlDoubtOpen = `
WITH locked AS (
    SELECT operation_id
      FROM outbox
     WHERE held_until IS NULL OR held_until <= now() + interval '1 hour'
     ORDER BY operation_id
       FOR UPDATE
)
UPDATE outbox x
   SET in_doubt = true, quiet_since = now() + $2::interval, lack = NULL,
       first_sent_at = CASE WHEN x.in_doubt OR x.state = 'sending' THEN x.first_sent_at
                            ELSE GREATEST(o.recorded_at, $1::timestamptz) END,
       next_attempt_at = GREATEST(x.next_attempt_at, now() + $2::interval),
       lease_token = CASE WHEN COALESCE(x.resolved_member_id, o.member_id) IS NOT NULL THEN x.lease_token END,
       lease_until = CASE WHEN x.state = 'sending' AND COALESCE(x.resolved_member_id, o.member_id) IS NOT NULL
                          THEN GREATEST(x.lease_until, now() + $2::interval) END,
       state = CASE WHEN COALESCE(x.resolved_member_id, o.member_id) IS NULL OR x.state = 'pending' AND $3
                    THEN 'parked' ELSE x.state END,
       cause = CASE WHEN COALESCE(x.resolved_member_id, o.member_id) IS NULL OR x.state = 'pending'
                    THEN 'database_changed' ELSE x.cause END
  FROM locked l
  JOIN operations o ON o.id = ANY (ARRAY[l.operation_id])
 WHERE x.operation_id = ANY (ARRAY[l.operation_id])`

// sqlDoubtWaiting marks what waits for its sale: lost commits may have recorded it, and
// what it takes back may have been sent. Reads all of the table.
const sqlDoubtWaiting = `UPDATE waiting SET referral = referral || '{"MayBeDone": true}'`

// sqlSkipLostIDs lets the ids begin above all that lost commits can have given
// out: at the microseconds since 1970, which grow faster than a ledger. A
// confirmation that a worker still holds for a lost id then falls on no other
// operation, also when the same disk is rolled back a second time.
const sqlSkipLostIDs = `
SELECT setval(s.name, GREATEST(nextval(s.name) + 1000000000, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint))
  FROM (SELECT pg_get_serial_sequence('operations', 'id')::regclass AS name) AS s`

// DoubtOpen marks every open row that may have been sent in doubt, because the commits that would show
// its send may be lost, and says how many there are. Events that wait for their sale
// count as done, perhaps: they are left to a person when it comes.
func DoubtOpen(ctx context.Context, pool *pgxpool.Pool, d Doubt) (rows int64, err error) {
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, sqlSkipLostIDs); err != nil {
			return fmt.Errorf("skip operation ids: %w", err)
		}
		if _, err := tx.Exec(ctx, sqlDoubtWaiting); err != nil {
			return fmt.Errorf("mark what waits for its sale: %w", err)
		}
		tag, err := tx.Exec(ctx, sqlDoubtOpen, d.SentSince, d.Rest, d.Parked)
		rows = tag.RowsAffected()
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("mark open rows in doubt: %w", err)
	}
	return rows, nil
}
