package ledger

import (
	"context"
	"fmt"
	"time"
)

// ControlWait is what waits for more to be known of an account's records.
type ControlWait struct {
	Rows int64
	// Earliest and Latest are when the calls of the first and the last of them had
	// surely ended; zero when there are none.
	Earliest, Latest time.Time
}

// sqlControlWait looks at the rows in doubt that wait for more to be known
// (outbox_doubt_idx). Locks nothing; always one row.
const sqlControlWait = `
SELECT count(*), min(quiet_since), max(quiet_since)
  FROM outbox
 WHERE target = $1 AND state = 'pending' AND in_doubt AND lack = ANY ($2::text[]) AND next_attempt_at > now()`

// WaitingForControl counts the account's rows that wait for a later reading and
// lacked one of these when they were last read.
func (s *Store) WaitingForControl(ctx context.Context, account string, lacks []string) (w ControlWait, err error) {
	var earliest, latest *time.Time
	if err := s.pool.QueryRow(ctx, sqlControlWait, account, lacks).Scan(&w.Rows, &earliest, &latest); err != nil {
		return w, fmt.Errorf("count rows that wait for a control: %w", err)
	}
	w.Earliest, w.Latest = timeOrZero(earliest), timeOrZero(latest)
	return w, nil
}

// QuietWindow is a time within which calls had ended: From on, and before Before.
// Its zero value holds none.
type QuietWindow struct{ From, Before time.Time }

// sqlHastenDoubt makes rows in doubt due whose wait is over: what they lacked is
// known now (outbox_doubt_idx). Skips rows that somebody is changing; no rows
// means that nothing waits for it. The oldest doubt comes first.
const sqlHastenDoubt = `
WITH ready AS (
    SELECT operation_id
      FROM outbox
     WHERE target = $1 AND state = 'pending' AND in_doubt AND lack = ANY ($2::text[]) AND next_attempt_at > now()
       AND (quiet_since >= $3 AND quiet_since < $4 OR quiet_since >= $5 AND quiet_since < $6)
     ORDER BY first_sent_at
     LIMIT 1000
       FOR UPDATE SKIP LOCKED
)
UPDATE outbox x
   SET next_attempt_at = now()
  FROM ready r
 WHERE x.operation_id = ANY (ARRAY[r.operation_id])`

// HastenDoubt makes up to 1,000 waiting rows of the account due that lacked one
// of these, and whose calls had ended within one of the two times. It says how
// many.
func (s *Store) HastenDoubt(ctx context.Context, account string, lacks []string, later, idle QuietWindow) (int, error) {
	tag, err := s.pool.Exec(ctx, sqlHastenDoubt, account, lacks, later.From, later.Before, idle.From, idle.Before)
	if err != nil {
		return 0, fmt.Errorf("hasten rows in doubt: %w", err)
	}
	return int(tag.RowsAffected()), nil
}
