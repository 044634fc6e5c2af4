package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// sqlInsertReferring writes operations without outbox rows: how each ends or waits is
// written by what follows, in the same transaction.
const sqlInsertReferring = insertOperations + `
    RETURNING id, target, biz_id
)
SELECT id, target, biz_id FROM recorded`

// sqlInsertReversals keeps what takes from what.
const sqlInsertReversals = `
INSERT INTO reversals (operation_id, origin_id, amount_fen, kept_before, kept_after, netted, ends)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::boolean[], $7::boolean[])`

// sqlQueueReferring lets what takes back wait for its origin; what was read from the
// stream again is left to a person, as it may have been done.
const sqlQueueReferring = `
INSERT INTO outbox (operation_id, target, state, cause, in_doubt, first_sent_at, quiet_since, waits_for)
SELECT q.operation_id, q.target, CASE WHEN $4 THEN 'parked' ELSE q.state END, CASE WHEN $4 THEN 'rebuilt' ELSE NULLIF(q.cause, '') END,
       $4, CASE WHEN $4 THEN q.broker_time END, CASE WHEN $4 THEN now() END, CASE WHEN NOT $4 THEN q.origin_id END
  FROM unnest($1::bigint[], $2::text[], $3::bigint[], $5::text[], $6::text[], $7::timestamptz[])
       AS q (operation_id, target, origin_id, state, cause, broker_time)`

// sqlParkRebuiltOrigins leaves the origins of rebuilt take-backs to a person: what
// was taken from them before they were sent is in no record.
const sqlParkRebuiltOrigins = `
UPDATE outbox SET state = 'parked', cause = 'rebuilt' WHERE operation_id = ANY ($1::bigint[]) AND state = 'pending'`

// sqlPostNetted ends what was taken from an origin before that was sent.
const sqlPostNetted = `
INSERT INTO postings (operation_id, kind, evidence, member_id, attempts)
SELECT operation_id, 'posted', 'netted', NULLIF(member_id, ''), 0
  FROM unnest($1::bigint[], $2::text[]) AS n (operation_id, member_id)`

// sqlLessen makes less of origins that were not sent, whose rows this transaction has
// locked (outbox_pkey).
const sqlLessen = `
UPDATE outbox x SET points = l.points
  FROM unnest($1::bigint[], $2::bigint[]) AS l (operation_id, points)
 WHERE x.operation_id = ANY (ARRAY[l.operation_id])`

// sqlReverse ends origins of which nothing is left to be sent.
const sqlReverse = `
WITH gone AS (
    DELETE FROM outbox WHERE operation_id = ANY ($1::bigint[])
    RETURNING operation_id, resolved_member_id
)
INSERT INTO postings (operation_id, kind, evidence, member_id, attempts, points)
SELECT g.operation_id, 'voided', 'reversed', COALESCE(g.resolved_member_id, o.member_id), 0, 0
  FROM gone g
  JOIN operations o ON o.id = ANY (ARRAY[g.operation_id])`

// sqlWait keeps events whose origin is not there.
const sqlWait = `
INSERT INTO waiting (fact_key, origin_keys, referral, stream, stream_created, stream_seq, subject, broker_time, headers, payload,
                     event_source, event_id, event_type, event_time, data, business_key)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`

// write writes all that was decided, and returns the operations' ids.
func (w *referring) write(ctx context.Context, tx pgx.Tx) (map[OperationKey]OperationID, error) {
	ids, err := w.insertOperations(ctx, tx)
	if err != nil {
		return nil, err
	}
	var batch pgx.Batch
	w.queueRows(&batch, ids)
	w.queueOrigins(&batch)
	for _, e := range w.waits {
		args, err := waitArgs(e, w.rebuilt != nil)
		if err != nil {
			return nil, err
		}
		batch.Queue(sqlWait, args...)
	}
	if len(w.rejects) > 0 {
		batch.Queue(sqlInsertRejects, rejectArgs(w.rejects)...)
	}
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return nil, fmt.Errorf("write reversals: %w", err)
	}
	return ids, nil
}

func (w *referring) insertOperations(ctx context.Context, tx pgx.Tx) (map[OperationKey]OperationID, error) {
	if len(w.rows) == 0 {
		return nil, nil
	}
	w.sortRows()
	plain := recordWrite{}
	for _, row := range w.rows {
		plain.operations = append(plain.operations, row.newOperation)
	}
	if err := plain.check(); err != nil {
		return nil, err
	}
	args := make([]any, 0, len(columns))
	for _, c := range columns {
		args = append(args, c.array(plain.operations))
	}
	rows, err := tx.Query(ctx, sqlInsertReferring, args...)
	if err != nil {
		return nil, fmt.Errorf("record operations: %w", err)
	}
	ids := make(map[OperationKey]OperationID, len(w.rows))
	var id OperationID
	var k OperationKey
	_, err = pgx.ForEachRow(rows, []any{&id, &k.Account, &k.BizID}, func() error {
		ids[k] = id
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("record operations: %w", err)
	}
	return ids, nil
}

// queueRows queues what becomes of the operations.
func (w *referring) queueRows(batch *pgx.Batch, ids map[OperationKey]OperationID) {
	if len(w.rows) == 0 {
		return
	}
	var of, origins, before, after, queued, queuedOrigins, netted []int64
	var amounts []*int64
	var isNetted, ends []bool
	var accounts, states, causes, members []string
	var times []time.Time
	for i := range w.rows {
		row := &w.rows[i]
		id, r := int64(ids[OperationKey{row.Account, row.BizID}]), row.entry.Event.Refers
		amount := r.ShareFen
		if r.Consumes {
			amount = new(int64)
		}
		of, origins, amounts = append(of, id), append(origins, int64(row.origin.id)), append(amounts, amount)
		before, after = append(before, row.before), append(after, row.taken.after)
		isNetted, ends = append(isNetted, row.netted), append(ends, row.taken.ends)
		switch {
		case row.taken.points == 0:
		case row.netted:
			netted, members = append(netted, id), append(members, row.origin.memberID)
		default:
			state, cause := Pending, Cause("")
			if row.taken.byHand {
				state, cause = Parked, CauseNoVendorCall
			}
			queued, queuedOrigins = append(queued, id), append(queuedOrigins, int64(row.origin.id))
			accounts, states, causes = append(accounts, row.Account), append(states, string(state)), append(causes, string(cause))
			times = append(times, row.entry.Message.BrokerTime)
		}
	}
	batch.Queue(sqlInsertReversals, of, origins, amounts, before, after, isNetted, ends)
	if len(queued) > 0 {
		batch.Queue(sqlQueueReferring, queued, accounts, queuedOrigins, w.rebuilt != nil, states, causes, times)
		if w.rebuilt != nil {
			batch.Queue(sqlParkRebuiltOrigins, queuedOrigins)
		}
	}
	if len(netted) > 0 {
		batch.Queue(sqlPostNetted, netted, members)
	}
}

// queueOrigins queues what is left of origins that were not sent.
func (w *referring) queueOrigins(batch *pgx.Batch) {
	var lessened, left, reversed []int64
	seen := map[OperationID]bool{}
	for i := range w.rows {
		o := w.rows[i].origin
		if !w.rows[i].netted || seen[o.id] {
			continue
		}
		seen[o.id] = true
		if o.left == 0 {
			reversed = append(reversed, int64(o.id))
		} else {
			lessened, left = append(lessened, int64(o.id)), append(left, o.left)
		}
	}
	if len(lessened) > 0 {
		batch.Queue(sqlLessen, lessened, left)
	}
	if len(reversed) > 0 {
		batch.Queue(sqlReverse, reversed)
	}
}

// waitArgs are the parameters of sqlWait. What was read from the stream again may have
// been recorded, and sent, before.
func waitArgs(e *Entry, rebuilt bool) ([]any, error) {
	r, m := *e.Event.Refers, &e.Message
	r.MayBeDone = r.MayBeDone || rebuilt
	if len(r.Origins) == 0 {
		return nil, fmt.Errorf("event %q refers to nothing", e.Event.ID)
	}
	referral, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("keep what refers to a sale: %w", err)
	}
	keys := make([][16]byte, len(r.Origins))
	for i, key := range r.Origins {
		keys[i] = key
	}
	payload := notNil(m.Payload)
	if e.Mask != nil {
		payload = e.Mask(payload)
	}
	return []any{[16]byte(e.Event.FactKey), keys, referral, m.Stream, m.StreamCreated, int64(m.Seq), Storable(m.Subject), m.BrokerTime, notNil(m.Header), payload,
		e.Event.Source, e.Event.ID, e.Event.Type, e.Event.Time, e.Event.Content, r.BusinessKey}, nil
}
