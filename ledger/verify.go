package ledger

import (
	"context"
	"fmt"
	"time"
)

// Verified: the operation was seen in the vendor's records.
const Verified Evidence = "verified"

// sqlClearDoubt ends the doubt of a row after a completed verification that
// found nothing; the key's age counts from the send that follows. No row means
// that the lease is lost: then the row must not be sent.
const sqlClearDoubt = `
UPDATE outbox
   SET in_doubt = false, first_sent_at = now()
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

// sqlEchoSeen and sqlMarkEchoSeen keep whether an account's records show our
// references. A record of ours proves a confirmed call, too.
const (
	sqlEchoSeen     = `SELECT EXISTS (SELECT 1 FROM accounts WHERE target = $1 AND echo_seen_at IS NOT NULL)`
	sqlMarkEchoSeen = `
INSERT INTO accounts AS a (target, echo_seen_at) VALUES ($1, now())
ON CONFLICT (target) DO UPDATE SET echo_seen_at = COALESCE(a.echo_seen_at, excluded.echo_seen_at)`
)

// EchoSeen tells whether the account's records are known to show our references.
func (s *Store) EchoSeen(ctx context.Context, target string) (bool, error) {
	var seen bool
	if err := s.pool.QueryRow(ctx, sqlEchoSeen, target).Scan(&seen); err != nil {
		return false, fmt.Errorf("read account: %w", err)
	}
	return seen, nil
}

// MarkEchoSeen keeps that a record with one of our references was seen.
func (s *Store) MarkEchoSeen(ctx context.Context, target string) error {
	if _, err := s.pool.Exec(ctx, sqlMarkEchoSeen, target); err != nil {
		return fmt.Errorf("keep account: %w", err)
	}
	return nil
}

// sqlAccountedFor counts the posted operations of a member and amount whose
// records must lie within a time: their events were stored by the broker after
// it began, so they were not sent before, also when the ledger was rebuilt
// since; posted some time ago, so that their records are visible by now.
// Both limits err on the side of counting too few (operations_member_idx).
const sqlAccountedFor = `
SELECT count(*)
  FROM postings p
  JOIN operations o ON o.id = p.operation_id
 WHERE o.target = $1 AND p.member_id = $2 AND o.points = $3 AND p.kind = 'posted'
   AND o.member_id = $2 AND o.broker_time >= $4 AND p.posted_at <= now() - $5::interval`

// AccountedFor counts how many records of the given points in the member's
// history, from the time since on, surely belong to posted operations. settled
// is how long ago they must have been posted.
func (s *Store) AccountedFor(ctx context.Context, target, memberID string, points Points, since time.Time, settled time.Duration) (int, error) {
	var n int
	if err := s.pool.QueryRow(ctx, sqlAccountedFor, target, memberID, int64(points), since, settled).Scan(&n); err != nil {
		return 0, fmt.Errorf("count accounted records: %w", err)
	}
	return n, nil
}
