package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
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
   SET quiet_since = now() + $2::interval
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
		return 0, fmt.Errorf("renew doubt: %w", explain(err))
	}
	return rows, nil
}
