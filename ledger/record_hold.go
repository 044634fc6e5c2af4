package ledger

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// sqlHold holds rows that were inserted in this transaction until a time. What is
// not due yet cannot have been sent, so it is in no doubt, also when it is read
// from the stream again. A scanned code is asked for soon all the same. Rows by
// operations_one_per_key and outbox_pkey.
const sqlHold = `
UPDATE outbox x
   SET held_until = h.until, next_attempt_at = GREATEST(x.next_attempt_at, h.until),
       in_doubt = x.in_doubt AND h.until <= now(),
       first_sent_at = CASE WHEN h.until <= now() THEN x.first_sent_at END,
       quiet_since = CASE WHEN h.until <= now() THEN x.quiet_since END,
       code_due_at = CASE WHEN h.until > now() AND o.by_code THEN now() END
  FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS h (target, biz_id, until)
 CROSS JOIN LATERAL (SELECT id, member_id IS NULL AND member_code IS NOT NULL AS by_code FROM operations WHERE target = h.target AND biz_id = h.biz_id OFFSET 0) AS o
 WHERE x.operation_id = ANY (ARRAY[o.id]) AND x.state <> 'sending'`

// holds tells that an operation is not to be sent at once.
func (w *recordWrite) holds() bool {
	return slices.ContainsFunc(w.operations, func(o newOperation) bool { return !o.HeldUntil.IsZero() })
}

// holdArgs are the parameters of sqlHold.
func (w *recordWrite) holdArgs() []any {
	var accounts, bizIDs []string
	var until []time.Time
	for _, o := range w.operations {
		if !o.HeldUntil.IsZero() {
			accounts, bizIDs, until = append(accounts, o.Account), append(bizIDs, string(o.BizID)), append(until, o.HeldUntil)
		}
	}
	return []any{accounts, bizIDs, until}
}

// codeDue is when the code of what is held is asked for: at once. Zero: it names its
// member, or is sent as soon.
func (o *newOperation) codeDue(now time.Time) time.Time {
	if o.MemberID == "" && o.MemberCode != "" && o.HeldUntil.After(now) {
		return now
	}
	return time.Time{}
}

// holdTx holds the operations that are not to be sent at once, which were inserted
// without a lease.
func (w *recordWrite) holdTx(ctx context.Context, tx pgx.Tx) error {
	if !w.holds() {
		return nil
	}
	if _, err := tx.Exec(ctx, sqlHold, w.holdArgs()...); err != nil {
		return fmt.Errorf("hold operations: %w", err)
	}
	return nil
}
