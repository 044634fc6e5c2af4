package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// LeaseToken is the identity of one claim: a change of a claimed row must name
// it. Every claim has a new one, also within one worker, so that the answer to
// an old send cannot pass for the answer to a new one.
type LeaseToken int64

// Claimed is an operation that this worker alone may send until its lease
// ends: the lease, and the call that is made under it.
type Claimed struct {
	ID    OperationID
	Token LeaseToken
	// VendorCall is all that the vendor gets. Its MemberID is the recorded or
	// the resolved id; empty means that MemberCode is still to be resolved.
	VendorCall
	MemberCode  string
	BusinessKey string
	// Reference stands at the end of Reason; a record that shows it is ours.
	Reference string
	// EventTime is when the event happened: a scanned code ages from here.
	EventTime time.Time
	// BrokerTime is when the broker stored the event.
	BrokerTime time.Time
	// Attempts used so far, and whether the vendor may have applied one.
	Attempts int
	InDoubt  bool
	// FirstSentAt is when the first send that may have had an effect was
	// claimed, by the database's clock, and SentFor how long ago that was at
	// the time of this claim.
	FirstSentAt time.Time
	SentFor     time.Duration
	// QuietSince is when the last send that may have had an effect had surely
	// ended, or later; zero when the row is not in doubt. Lack is what the last
	// reading of the member's records lacked; empty when nothing was read since.
	QuietSince time.Time
	Lack       string
	// NeverSent: nothing that was sent for it before can have had an effect.
	NeverSent bool
	// Shape names the request shape that it is sent in (RequestShape), empty
	// for none; Shaped: it had it before this claim.
	Shape  string
	Shaped bool
	// PutBack: a replay put it back into the queue.
	PutBack bool
}

// Claim says which rows to take.
type Claim struct {
	Account string
	Token   LeaseToken
	// Limit is the most rows to take, at least 1.
	Limit int
	// Lease is how long the rows are this worker's without a renewal.
	Lease time.Duration
	// KeyMemory is how long the vendor surely remembers a dedup key, less the
	// time a send takes. A row in doubt that is older is not claimed.
	KeyMemory time.Duration
	// Newest takes the due rows that were recorded last, of both lanes.
	Newest bool
	// Bulk takes rows of the bulk lane, and otherwise those of the live one. Fresh
	// takes only those of events that are younger than a minute, the oldest of them
	// first.
	Bulk, Fresh bool
	// Undoubted takes none that are in doubt.
	Undoubted bool
	// Shape names the request shape that a row gets which has none yet; empty
	// for an account without one. A row keeps what it has.
	Shape string
}

// sqlClaim leases due rows of the live lane and returns what to send, in order of
// due time. Rows that another worker is claiming are skipped, not waited for (outbox_due_idx).
// What is held, or waits for another operation, is not due, whatever its time.
// No rows means that nothing is due. first_sent_at is set here, before the
// send, so that it is never later than the truth; without doubt nothing sent
// before had an effect, and the key's age begins anew. A row whose operation has
// ended is never sent again: it goes, and attempts names it (postings_pkey).
const sqlClaim = claimDue + `       AND NOT bulk
     ORDER BY next_attempt_at, operation_id
` + claimLease

// sqlClaimBulk is sqlClaim of the bulk lane (outbox_bulk_idx).
const sqlClaimBulk = claimDue + `       AND bulk
     ORDER BY next_attempt_at, operation_id
` + claimLease

// sqlClaimFresh is sqlClaim of events younger than a minute (outbox_fresh_idx).
const sqlClaimFresh = claimDue + `       AND NOT bulk AND fresh_until > now()
     ORDER BY fresh_until, operation_id
` + claimLease

// sqlClaimFreshBulk is sqlClaimFresh of the bulk lane (outbox_fresh_bulk_idx).
const sqlClaimFreshBulk = claimDue + `       AND bulk AND fresh_until > now()
     ORDER BY fresh_until, operation_id
` + claimLease

// sqlClaimNewest is sqlClaim from the other end: the operations recorded last
// (outbox_pkey, read backwards).
const sqlClaimNewest = claimDue + `     ORDER BY operation_id DESC
` + claimLease

const (
	claimDue = `
WITH due AS (
    SELECT operation_id, shape,
           EXISTS (SELECT 1 FROM postings p WHERE p.operation_id = outbox.operation_id OFFSET 0) AS ended
      FROM outbox
     WHERE target = $1 AND state = 'pending' AND waits_for IS NULL AND next_attempt_at <= now()
       AND (held_until IS NULL OR held_until <= now())
       AND (NOT in_doubt OR NOT $7 AND first_sent_at > now() - $5::interval)
`
	claimLease = `     LIMIT $2
       FOR UPDATE SKIP LOCKED
), stray AS (
    DELETE FROM outbox x USING due d WHERE d.ended AND x.operation_id = ANY (ARRAY[d.operation_id]) RETURNING x.operation_id
), named AS (
    INSERT INTO attempts (operation_id, outcome, error, duration_ms)
    SELECT operation_id, 'not_sent', 'stray outbox row removed: the operation had ended before', 0 FROM stray
), leased AS (
    UPDATE outbox x
       SET state = 'sending', lease_token = $3, lease_until = now() + $4::interval,
           first_sent_at = CASE WHEN x.in_doubt THEN x.first_sent_at ELSE now() END,
           quiet_since = CASE WHEN x.in_doubt THEN COALESCE(x.quiet_since, now()) END,
           shape = COALESCE(x.shape, NULLIF($6, '')), fresh_until = NULL, code_due_at = NULL
      FROM due d
     WHERE NOT d.ended AND x.operation_id = ANY (ARRAY[d.operation_id])
    RETURNING x.operation_id, x.next_attempt_at, x.attempts, x.in_doubt, x.resolved_member_id, x.first_sent_at,
              x.quiet_since, x.lack, x.shape, d.shape IS NOT NULL AS shaped, x.put_back, x.points
)
SELECT o.id, o.kind, o.biz_id, o.business_key, COALESCE(l.points, o.points), COALESCE(o.source_type, 0), COALESCE(o.points_channel, 0),
       o.reason, o.reference, COALESCE(o.shop_code, ''), COALESCE(l.resolved_member_id, o.member_id, ''),
       COALESCE(o.member_code, ''), o.event_time, o.broker_time, l.attempts, l.in_doubt, l.first_sent_at,
       EXTRACT(epoch FROM now() - l.first_sent_at)::float8, l.quiet_since, COALESCE(l.lack, ''), COALESCE(l.shape, ''), l.shaped,
       l.put_back, CASE WHEN o.kind NOT IN ('points_add', 'freeze_point') THEN
           (SELECT g.biz_id FROM reversals r JOIN operations g ON g.id = ANY (ARRAY[r.origin_id]) WHERE r.operation_id = ANY (ARRAY[o.id])) END
  FROM leased l
  JOIN operations o ON o.id = ANY (ARRAY[l.operation_id])
 ORDER BY l.next_attempt_at, l.operation_id`
)

// statement is the one that takes the rows.
func (c *Claim) statement() string {
	switch {
	case c.Newest:
		return sqlClaimNewest
	case c.Fresh && c.Bulk:
		return sqlClaimFreshBulk
	case c.Fresh:
		return sqlClaimFresh
	case c.Bulk:
		return sqlClaimBulk
	}
	return sqlClaim
}

// Claim leases up to c.Limit due rows of one account.
func (s *Store) Claim(ctx context.Context, c Claim) ([]Claimed, error) {
	rows, err := s.pool.Query(ctx, c.statement(), c.Account, c.Limit, int64(c.Token), c.Lease, c.KeyMemory, c.Shape, c.Undoubted)
	if err != nil {
		return nil, fmt.Errorf("claim outbox batch: %w", err)
	}
	claimed, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Claimed, error) {
		r := Claimed{Token: c.Token}
		var sentFor float64
		var quiet *time.Time
		var origin *BizID
		err := row.Scan(&r.ID, &r.Kind, &r.BizID, &r.BusinessKey, &r.Points, &r.SourceType, &r.PointsChannel,
			&r.Reason, &r.Reference, &r.ShopCode, &r.MemberID, &r.MemberCode, &r.EventTime, &r.BrokerTime, &r.Attempts,
			&r.InDoubt, &r.FirstSentAt, &sentFor, &quiet, &r.Lack, &r.Shape, &r.Shaped, &r.PutBack, &origin)
		if origin != nil {
			r.Origin = *origin
		}
		r.QuietSince = timeOrZero(quiet)
		r.SentFor, r.NeverSent = seconds(sentFor), !r.InDoubt
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("claim outbox batch: %w", err)
	}
	return claimed, nil
}

// sqlRenew prolongs the leases that are still held. A row that is missing from
// the answer was settled, is being settled (its lock is not waited for: the two
// statements would lock the same rows in different orders), or its lease ended.
const sqlRenew = `
WITH mine AS (
    SELECT x.operation_id
      FROM unnest($1::bigint[], $2::bigint[]) AS held (operation_id, lease_token)
      JOIN outbox x ON x.operation_id = ANY (ARRAY[held.operation_id]) AND x.lease_token = held.lease_token
     WHERE x.lease_until > now()
       FOR UPDATE OF x SKIP LOCKED
)
UPDATE outbox x
   SET lease_until = now() + $3::interval
  FROM mine m
 WHERE x.operation_id = ANY (ARRAY[m.operation_id])
RETURNING x.operation_id`

// Renew prolongs the leases of rows that this worker holds, in one statement,
// and returns those that it still has. ids and tokens go in pairs.
func (s *Store) Renew(ctx context.Context, ids []OperationID, tokens []LeaseToken, lease time.Duration) ([]OperationID, error) {
	rows, err := s.pool.Query(ctx, sqlRenew, int64s(ids), int64s(tokens), lease)
	if err != nil {
		return nil, fmt.Errorf("renew leases: %w", err)
	}
	kept, err := pgx.CollectRows(rows, pgx.RowTo[OperationID])
	if err != nil {
		return nil, fmt.Errorf("renew leases: %w", err)
	}
	return kept, nil
}

// sqlParkForgotten parks rows in doubt that may not be sent again because the
// vendor may have forgotten their key (outbox_doubt_idx). Skips rows that
// somebody is changing: the next sweep finds them.
const sqlParkForgotten = `
WITH forgotten AS (
    SELECT operation_id
      FROM outbox
     WHERE target = $1 AND state = 'pending' AND in_doubt AND first_sent_at <= now() - $2::interval
       AND (NOT $3 OR EXISTS (SELECT 1 FROM operations o WHERE o.id = outbox.operation_id AND o.kind <> 'points_add' OFFSET 0))
       FOR UPDATE SKIP LOCKED
)
UPDATE outbox x
   SET state = 'parked', cause = 'key_memory_over'
  FROM forgotten f
 WHERE x.operation_id = ANY (ARRAY[f.operation_id])`

// ParkForgotten parks the account's rows in doubt that are older than the
// vendor's memory of a key, and says how many there were. Where doubt is looked up in
// records, a grant needs no memory of the key.
func (s *Store) ParkForgotten(ctx context.Context, account string, keyMemory time.Duration, lookedUp bool) (int, error) {
	tag, err := s.pool.Exec(ctx, sqlParkForgotten, account, keyMemory, lookedUp)
	if err != nil {
		return 0, fmt.Errorf("park forgotten keys: %w", err)
	}
	return int(tag.RowsAffected()), nil
}

// sqlNextDue is when the account's next pending row of either lane is due, NULL
// when it has none that may be claimed (outbox_due_idx, outbox_bulk_idx).
const sqlNextDue = `
SELECT EXTRACT(epoch FROM LEAST(
       (SELECT next_attempt_at FROM outbox
         WHERE target = $1 AND state = 'pending' AND waits_for IS NULL AND (NOT in_doubt OR first_sent_at > now() - $2::interval) AND NOT bulk
         ORDER BY next_attempt_at LIMIT 1),
       (SELECT next_attempt_at FROM outbox
         WHERE target = $1 AND state = 'pending' AND waits_for IS NULL AND (NOT in_doubt OR first_sent_at > now() - $2::interval) AND bulk
         ORDER BY next_attempt_at LIMIT 1)) - now())::float8`

// NextDue says in how long the account's next row is due, which may be in the
// past; ok is false when none waits.
func (s *Store) NextDue(ctx context.Context, account string, keyMemory time.Duration) (in time.Duration, ok bool, err error) {
	var seconds *float64
	if err := s.pool.QueryRow(ctx, sqlNextDue, account, keyMemory).Scan(&seconds); err != nil {
		return 0, false, fmt.Errorf("read next due time: %w", err)
	}
	if seconds == nil {
		return 0, false, nil
	}
	return time.Duration(*seconds * float64(time.Second)), true, nil
}

// int64s turns ids into what pgx sends as a bigint array.
func int64s[T ~int64](values []T) []int64 {
	plain := make([]int64, len(values))
	for i, v := range values {
		plain[i] = int64(v)
	}
	return plain
}

// timeOrZero turns NULL into the zero time.
func timeOrZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
