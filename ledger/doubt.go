package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"pointsledger/ledger/database"
)

// sqlClearDoubt ends the doubt of a row after a completed verification that
// found nothing; the key's age counts from the send that follows. No row means
// that the lease is lost: then the row must not be sent.
const sqlClearDoubt = `
UPDATE outbox
   SET in_doubt = false, first_sent_at = now(), quiet_since = NULL, lack = NULL
 WHERE operation_id = $1 AND lease_token = $2 AND lease_until > now() AND in_doubt`

// ClearDoubt commits that the vendor surely did not apply the operation. ok is
// false when the lease is lost: then the row must not be sent.
func (s *Store) ClearDoubt(ctx context.Context, id OperationID, token LeaseToken) (ok bool, err error) {
	tag, err := s.pool.Exec(ctx, sqlClearDoubt, int64(id), int64(token))
	if err != nil {
		return false, fmt.Errorf("clear doubt: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}

// sqlRenewDoubt makes an account's doubts as if their calls had ended by now, or
// end so much later at most. It reads the whole outbox, after a step of the clock only; locks the
// rows in order (outbox_pkey), as sqlSettle does. No rows means that nothing is in
// doubt.
const sqlRenewDoubt = `
WITH doubted AS (
    SELECT operation_id
      FROM outbox
     WHERE target = $1 AND in_doubt
     ORDER BY operation_id
       FOR UPDATE
)
UPDATE outbox x
   SET quiet_since = now() + $2::interval, lack = NULL
  FROM doubted d
 WHERE x.operation_id = d.operation_id AND x.in_doubt`

// What was seen of an account's records at times that are still to come was seen
// before its clock was set back: a sample of then would look later than a call
// that is made now, and prove that the records hold it (endpoint_samples_ended_idx,
// endpoint_samples_due_idx, endpoint_extents_endpoint_idx, endpoints_pkey).
const (
	sqlDropSamplesAhead = `
DELETE FROM endpoint_samples WHERE target = $1 AND GREATEST(sent_at, confirmed_at, ended_at, last_shown_at) > now()`
	sqlDropExtentsAhead = `DELETE FROM endpoint_extents WHERE target = $1 AND seen_at > now()`
	sqlNewestIsNotAhead = `UPDATE endpoints SET newest_sent_at = now() WHERE target = $1 AND newest_sent_at > now()`
)

// RenewDoubt lets all of an account's rows in doubt wait anew, and says how many
// there were: the database's clock was set, so that nobody knows how long they have
// waited, or they would wait for a time that is far away. A call that is under way
// ends within quietIn. What is known of the records and lies ahead is dropped.
func (s *Store) RenewDoubt(ctx context.Context, account string, quietIn time.Duration) (rows int, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		for _, sql := range []string{sqlDropSamplesAhead, sqlDropExtentsAhead, sqlNewestIsNotAhead} {
			if _, err := tx.Exec(ctx, sql, account); err != nil {
				return err
			}
		}
		tag, err := tx.Exec(ctx, sqlRenewDoubt, account, quietIn)
		rows = int(tag.RowsAffected())
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("renew doubt: %w", database.Explain(err))
	}
	return rows, nil
}

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
