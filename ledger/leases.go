package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"pointsledger/ledger/database"
)

// LeaseSeen is a lease of the outbox as somebody who looks sees it: a claim's
// token with one of the ends that its rows have.
type LeaseSeen struct {
	Token LeaseToken
	// Until is exact to the microsecond; it only serves to be recognised.
	Until time.Time
}

// mostLeases bounds one look: a worker holds a few thousand rows under far fewer
// tokens. What is beyond is seen when those before it have ended.
const mostLeases = 10000

// sqlLeases lists the leases of an account, the oldest end first, and whether
// the database's clock has passed the end (outbox_lease_idx). Locks nothing; no
// rows means that nothing is being sent.
const sqlLeases = `
SELECT lease_token, lease_until, lease_until <= now()
  FROM outbox
 WHERE target = $1 AND state = 'sending'
 GROUP BY lease_token, lease_until
 ORDER BY lease_until
 LIMIT $2`

// Leases lists what is leased, and for each lease whether it is over by the
// database's clock.
func (s *Store) Leases(ctx context.Context, account string) (map[LeaseSeen]bool, error) {
	rows, err := s.pool.Query(ctx, sqlLeases, account, mostLeases)
	if err != nil {
		return nil, fmt.Errorf("read leases: %w", database.Explain(err))
	}
	found := make(map[LeaseSeen]bool)
	var seen LeaseSeen
	var over bool
	_, err = pgx.ForEachRow(rows, []any{&seen.Token, &seen.Until, &over}, func() error {
		seen.Until = seen.Until.UTC()
		found[seen] = over
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read leases: %w", database.Explain(err))
	}
	return found, nil
}

// sqlClock is the database's time. One row always.
const sqlClock = `SELECT clock_timestamp()`

// Clock reads the database's clock.
func (s *Store) Clock(ctx context.Context) (now time.Time, err error) {
	if err := s.pool.QueryRow(ctx, sqlClock).Scan(&now); err != nil {
		return now, fmt.Errorf("read the database's clock: %w", database.Explain(err))
	}
	return now, nil
}

// sqlRescue takes back rows whose worker is gone: their leases are as the caller
// saw them, and over by the database's clock. Whether they were sent nobody
// knows, so the statement that takes them marks them in doubt; the lost send
// counts as an attempt, so that a row that kills its worker ends parked. Skips
// rows that are being settled at this moment (outbox_lease_idx).
const sqlRescue = `
WITH expired AS (
    SELECT x.operation_id
      FROM outbox x
     WHERE x.target = $1 AND x.state = 'sending' AND x.lease_until <= now()
       AND EXISTS (SELECT 1 FROM unnest($4::bigint[], $5::timestamptz[]) AS d (token, until)
                    WHERE d.token = x.lease_token AND d.until = x.lease_until OFFSET 0)
     ORDER BY x.lease_until
     LIMIT 1000
       FOR UPDATE OF x SKIP LOCKED
), taken_back AS (
    UPDATE outbox x
       SET state = CASE WHEN x.attempts + 1 >= $2 THEN 'parked' ELSE 'pending' END,
           cause = CASE WHEN x.attempts + 1 >= $2 THEN 'attempts_exhausted' ELSE 'lease_expired' END,
           in_doubt = true, quiet_since = GREATEST(x.quiet_since, now()), lack = NULL, attempts = x.attempts + 1,
           next_attempt_at = GREATEST(now(), x.lease_until + $3::interval), lease_token = NULL, lease_until = NULL
      FROM expired e
     WHERE x.operation_id = ANY (ARRAY[e.operation_id])
    RETURNING x.operation_id
)
INSERT INTO attempts (operation_id, outcome, duration_ms)
SELECT operation_id, 'lease_expired', 0 FROM taken_back`

// Rescue takes back up to 1,000 rows of the account whose lease is one of the
// dead and over by the database's clock, in doubt, and says how many there were.
// Dead is for the caller to say: a lease that it saw unchanged for a whole lease
// of its own clock; the database's alone would take a step for a death
// (TestDatabaseClockJumps). maxAttempts parks a row that has had its attempts.
// The others are due when rest has gone by since their lease ended: before that a
// look at the vendor's records proves nothing.
func (s *Store) Rescue(ctx context.Context, account string, dead []LeaseSeen, maxAttempts int, rest time.Duration) (int, error) {
	if len(dead) == 0 {
		return 0, nil
	}
	tokens, untils := make([]int64, len(dead)), make([]time.Time, len(dead))
	for i, d := range dead {
		tokens[i], untils[i] = int64(d.Token), d.Until
	}
	tag, err := s.pool.Exec(ctx, sqlRescue, account, maxAttempts, rest, tokens, untils)
	if err != nil {
		return 0, fmt.Errorf("rescue expired leases: %w", database.Explain(err))
	}
	return int(tag.RowsAffected()), nil
}
