package waiting

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"pointsledger/ledger"
)

// sqlTakeCode takes the row whose code is to be asked for next, by its time
// (outbox_code_idx), and leaves it alone for a while: when whoever asks is gone, the next
// one asks. The row is not leased, so a refund still takes from it. One that is sent by
// now, or has a member, is asked for no more. Rows that somebody is changing are skipped.
// No row means that no code is due; waits is false where there is nothing to ask.
const sqlTakeCode = `
WITH due AS (
    SELECT operation_id,
           (state = 'pending' AND held_until > now() OR state = 'parked' AND cause IN ('over_budget', 'rebuilt'))
           AND resolved_member_id IS NULL AND first_sent_at IS NULL AND NOT in_doubt AS waits
      FROM outbox
     WHERE target = $1 AND code_due_at <= now()
     ORDER BY code_due_at
     LIMIT 1
       FOR UPDATE SKIP LOCKED
), taken AS (
    UPDATE outbox x
       SET code_due_at = CASE WHEN d.waits THEN now() + $2::interval END
      FROM due d
     WHERE x.operation_id = ANY (ARRAY[d.operation_id])
    RETURNING x.operation_id, d.waits
)
SELECT o.id, o.biz_id, o.business_key, COALESCE(o.member_code, ''), o.event_time, t.waits
  FROM taken t
  JOIN operations o ON o.id = ANY (ARRAY[t.operation_id])`

// sqlKeepMember keeps the member behind the code of a row of which nothing was sent and
// that nobody is sending (outbox_pkey). The state stays: what is held is held. No row
// means that it is gone, in hand, or has a member.
const sqlKeepMember = `
UPDATE outbox
   SET resolved_member_id = $2, code_due_at = NULL
 WHERE operation_id = $1 AND state IN ('pending', 'parked') AND resolved_member_id IS NULL AND first_sent_at IS NULL AND NOT in_doubt`

// sqlPutCodeBack keeps that a code was not resolved: it is asked for again after a while
// ($3), or no more ($2): then its row is parked, and one that is parked keeps its cause. No
// attempt of the row is used, so that a refund still takes from it. Rows as in sqlKeepMember.
const sqlPutCodeBack = `
WITH changed AS (
    UPDATE outbox
       SET code_due_at = CASE WHEN NOT $2 THEN now() + $3::interval END,
           state = CASE WHEN $2 THEN 'parked' ELSE state END,
           cause = CASE WHEN $2 AND state = 'pending' THEN 'member_unresolved' ELSE cause END
     WHERE operation_id = $1 AND state IN ('pending', 'parked') AND resolved_member_id IS NULL AND first_sent_at IS NULL AND NOT in_doubt
    RETURNING operation_id, cause
), recorded AS (
    INSERT INTO attempts (operation_id, outcome, http_status, vendor_code, vendor_message, error, duration_ms, call)
    SELECT operation_id, $4, NULLIF($5::smallint, 0), NULLIF($6, ''), NULLIF($7, ''), NULLIF($8, ''), $9, $10
      FROM changed
     WHERE $4 <> ''
)
SELECT $2 AND cause = 'member_unresolved' FROM changed`

// Code is a scanned code of an operation that is not to be sent yet.
type Code struct {
	ID          ledger.OperationID
	BizID       ledger.BizID
	BusinessKey string
	// MemberCode was scanned at EventTime.
	MemberCode string
	EventTime  time.Time
}

// TakeCode takes the account's code that is to be asked for next, and leaves it to the
// caller for a time; after that another one gets it. some is false when none is due.
func (w *Waiting) TakeCode(ctx context.Context, account string, forTime time.Duration) (c Code, some bool, err error) {
	for {
		rows, err := w.pool.Query(ctx, sqlTakeCode, account, forTime)
		if err != nil {
			return c, false, fmt.Errorf("take a code: %w", err)
		}
		waits := false
		taken, err := pgx.AppendRows([]Code(nil), rows, func(row pgx.CollectableRow) (c Code, err error) {
			err = row.Scan(&c.ID, &c.BizID, &c.BusinessKey, &c.MemberCode, &c.EventTime, &waits)
			return c, err
		})
		if err != nil {
			return c, false, fmt.Errorf("take a code: %w", err)
		}
		if len(taken) == 0 {
			return c, false, nil
		}
		if waits {
			return taken[0], true, nil
		}
	}
}

// KeepMember commits whose a code is; ok is false when the row is not such a one any
// more: a refund took all of it, it is being sent, or another one was quicker.
func (w *Waiting) KeepMember(ctx context.Context, id ledger.OperationID, memberID string) (ok bool, err error) {
	tag, err := w.pool.Exec(ctx, sqlKeepMember, int64(id), memberID)
	if err != nil {
		return false, fmt.Errorf("keep the member of a code: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}

// Unresolved is a code whose member is not known.
type Unresolved struct {
	ID ledger.OperationID
	// Ended: it is not asked for again. Otherwise it is, after Delay.
	Ended bool
	Delay time.Duration
	// Attempt is recorded when it is not nil.
	Attempt *ledger.Attempt
}

// PutCodeBack keeps that a code was not resolved; parked says that its row is parked
// for that now.
func (w *Waiting) PutCodeBack(ctx context.Context, u Unresolved) (parked bool, err error) {
	a := cmp.Or(u.Attempt, &ledger.Attempt{})
	rows, err := w.pool.Query(ctx, sqlPutCodeBack, int64(u.ID), u.Ended, u.Delay, a.Outcome, int16(a.HTTPStatus), ledger.Storable(a.VendorCode),
		ledger.Storable(a.VendorWords), ledger.Storable(a.Error), int32(a.Duration.Milliseconds()), string(a.Call))
	if err != nil {
		return false, fmt.Errorf("put a code back: %w", err)
	}
	changed, err := pgx.CollectRows(rows, pgx.RowTo[bool])
	if err != nil {
		return false, fmt.Errorf("put a code back: %w", err)
	}
	return len(changed) == 1 && changed[0], nil
}
