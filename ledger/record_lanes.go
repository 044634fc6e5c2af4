package ledger

import (
	"slices"
	"time"
)

// freshFor is how long an event is fresh.
const freshFor = time.Minute

// marks tells whether the outbox rows of an event say more than insertOutbox
// writes: that their lane is bulk, or until when they are fresh. Such a batch is
// copied; what is recorded in another way has its lane by sqlMarkBulk.
func (q *queueing) marks(e *Event) bool {
	if e == nil {
		return false
	}
	for i := range e.Operations {
		if o := &e.Operations[i]; o.Points > 0 && (o.Bulk || slices.Contains(q.fresh, o.Account)) {
			return true
		}
	}
	return false
}

// marksAny is marks for the events of a batch.
func (q *queueing) marksAny(entries []Entry) bool {
	for i := range entries {
		if q.marks(entries[i].Event) {
			return true
		}
	}
	return false
}

// freshUntil is when the operation's event is fresh no more, zero where nobody
// asks or it is not fresh now.
func (q *queueing) freshUntil(o *newOperation, now time.Time) time.Time {
	if until := o.entry.Message.BrokerTime.Add(freshFor); until.After(now) && slices.Contains(q.fresh, o.Account) {
		return until
	}
	return time.Time{}
}

// sqlMarkBulk puts the outbox rows of operations that the same transaction has
// inserted into the bulk lane (operations_one_per_key, outbox_pkey).
const sqlMarkBulk = `
UPDATE outbox x
   SET bulk = true
  FROM unnest($1::text[], $2::text[]) AS k (target, biz_id)
  CROSS JOIN LATERAL (SELECT id FROM operations WHERE target = k.target AND biz_id = k.biz_id OFFSET 0) AS o
 WHERE x.operation_id = ANY (ARRAY[o.id])`

// bulkKeys are the parameters of sqlMarkBulk; none says that there is nothing to
// be marked.
func (w *recordWrite) bulkKeys() (args []any, some bool) {
	var accounts, keys []string
	for _, o := range w.operations {
		if o.Bulk && o.Points > 0 {
			accounts, keys = append(accounts, o.Account), append(keys, string(o.BizID))
		}
	}
	return []any{accounts, keys}, len(keys) > 0
}
