package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// IssuedOperation is an operation of a member, as a record of the vendor may
// show it.
type IssuedOperation struct {
	ID        OperationID
	Reference string
	// Reason is the text that was sent, Reference included.
	Reason string
	Points Points
	// SentAt is when its first call began, or earlier; zero when it was not sent.
	SentAt time.Time
	// Confirmed: it is posted, and the evidence is the vendor's: answered, already
	// applied, or seen in its records. What a person settled is not
	// (TestIssuedTo). ConfirmedAt is when.
	Confirmed   bool
	ConfirmedAt time.Time
}

// issuedMost bounds the operations that are read of one member, the newest: a
// shop may book all its anonymous sales on one. What is missing makes a
// verification say less, never more.
const issuedMost = 5000

// sqlIssuedTo reads a member's operations, newest first: recorded with the id
// (operations_member_idx), or with a scanned code that was resolved to it, open
// (outbox_resolved_member_idx) or ended (postings_code_member_idx). A posting of
// before calls were timed began after its event was stored, by the clock that
// is behind; so did one that was applied already when its call was answered, by
// whatever call did it. Locks nothing; no rows means that the ledger knows no operation of
// the member.
const sqlIssuedTo = `
WITH mine AS (
    SELECT id FROM operations WHERE target = $1 AND member_id = $2
    UNION ALL
    SELECT operation_id FROM outbox WHERE target = $1 AND resolved_member_id = $2
    UNION ALL
    SELECT operation_id FROM postings WHERE member_id = $2 AND by_code
), newest AS (
    SELECT DISTINCT id FROM mine ORDER BY id DESC LIMIT $3
)
SELECT o.id, o.reference, o.reason, COALESCE(p.points, x.points, o.points),
       CASE WHEN p.operation_id IS NULL THEN x.first_sent_at
            WHEN p.evidence = 'already_applied' THEN LEAST(p.first_sent_at, o.broker_time, o.recorded_at)
            ELSE COALESCE(p.first_sent_at, LEAST(o.broker_time, o.recorded_at)) END,
       COALESCE(p.kind = 'posted' AND p.evidence IN ('answered', 'already_applied', 'verified'), false), p.posted_at
  FROM newest n
  JOIN operations o ON o.id = n.id AND o.target = $1
  LEFT JOIN outbox x ON x.operation_id = n.id
  LEFT JOIN postings p ON p.operation_id = n.id
 WHERE o.points > 0 AND o.kind = 'points_add'
 ORDER BY o.id DESC`

// IssuedTo reads the newest operations of an account's member.
func (s *Store) IssuedTo(ctx context.Context, account, memberID string) ([]IssuedOperation, error) {
	rows, err := s.pool.Query(ctx, sqlIssuedTo, account, memberID, issuedMost)
	if err != nil {
		return nil, fmt.Errorf("read operations issued to a member: %w", err)
	}
	issued, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (o IssuedOperation, err error) {
		var sent, posted *time.Time
		err = row.Scan(&o.ID, &o.Reference, &o.Reason, &o.Points, &sent, &o.Confirmed, &posted)
		if o.SentAt = timeOrZero(sent); o.Confirmed {
			o.ConfirmedAt = timeOrZero(posted)
		}
		return o, err
	})
	if err != nil {
		return nil, fmt.Errorf("read operations issued to a member: %w", err)
	}
	return issued, nil
}
