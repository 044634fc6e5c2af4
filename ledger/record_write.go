package ledger

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"pointsledger/ledger/budgets"
	"pointsledger/ledger/database"
)

// recordWrite is what one transaction of Record writes.
type recordWrite struct {
	operations []newOperation
	rejects    []newReject
	how        *queueing
	// marked: their outbox rows say more than the insert writes.
	marked bool
	// behind watches the ids that are taken; above is what it knew before.
	behind *database.Sequences
	above  int64
	// budgets is nil when no operation is bound by one.
	budgets *budgets.Moves
	// highest is the highest id that a copy took; it counts after the commit.
	highest OperationID
}

// add takes all operations of an event that is new.
func (w *recordWrite) add(e *Entry) {
	w.marked = w.marked || w.how.marks(e.Event)
	for i := range e.Event.Operations {
		w.operations = append(w.operations, newOperation{Operation: &e.Event.Operations[i], entry: e, leg: i})
	}
}

// newReject is a reject with the entry it came from.
type newReject struct {
	entry     *Entry
	rejection *Rejection
}

// sqlInsertOperations writes operations and the outbox rows of those that have
// something to send, in one statement, and returns their ids. A key or a
// fact that exists raises operations_one_per_key or operations_one_per_fact and
// undoes the transaction: Record then looks again.
const sqlInsertOperations = insertOperations + insertOutbox

// sqlInsertNewOperations is sqlInsertOperations that leaves out keys and facts
// that exist (operations_one_per_key, operations_one_per_fact), and so needs no
// look-up before it. A key that is missing from the answer exists. It is for
// events of one operation.
const sqlInsertNewOperations = insertOperations + unlessKnown + insertOutbox

// sqlInsertNewOperation is sqlInsertNewOperations for one operation, whose
// values are the parameters: at a light load reading 25 arrays of one element
// took a sixth of the statement.
const sqlInsertNewOperation = insertOperation + unlessKnown + insertOutboxOf + `(VALUES ($30::text, $31::bigint, $32::float8, $33::text))` + asLeases

const (
	insertOperations = recordOperations + `unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[],
                  $8::smallint[], $9::smallint[], $10::text[], $11::text[], $12::date[], $13::text[], $14::bigint[],
                  $15::text[], $16::text[], $17::text[], $18::text[], $19::timestamptz[], $20::text[], $21::bigint[],
                  $22::timestamptz[], $23::text[], $24::uuid[], $25::smallint[])` + asOperations
	insertOperation = recordOperations + `(VALUES ($1::text, $2::text, $3::text, $4::text, $5::text, $6::text, $7::bigint,
                  $8::smallint, $9::smallint, $10::text, $11::text, $12::date, $13::text, $14::bigint,
                  $15::text, $16::text, $17::text, $18::text, $19::timestamptz, $20::text, $21::bigint,
                  $22::timestamptz, $23::text, $24::uuid, $25::smallint))` + asOperations

	recordOperations = `
WITH recorded AS (
    INSERT INTO operations (target, kind, biz_id, business_key, member_id, member_code, points, source_type,
                            points_channel, reason, reference, business_date, shop_code, amount_fen, mapping_version,
                            event_source, event_id, event_type, event_time, event_subject, stream_seq, broker_time, data,
                            fact_key, fact_leg)
    SELECT target, kind, biz_id, business_key, NULLIF(member_id, ''), NULLIF(member_code, ''), points,
           NULLIF(source_type, 0::smallint), NULLIF(points_channel, 0::smallint), reason, reference, business_date,
           NULLIF(shop_code, ''), amount_fen, mapping_version, event_source, event_id, event_type, event_time,
           event_subject, stream_seq, broker_time, data, fact_key, fact_leg
      FROM `
	asOperations = `
           AS t (target, kind, biz_id, business_key, member_id, member_code, points, source_type, points_channel,
                 reason, reference, business_date, shop_code, amount_fen, mapping_version, event_source, event_id,
                 event_type, event_time, event_subject, stream_seq, broker_time, data, fact_key, fact_leg)`
	unlessKnown = `
     WHERE NOT EXISTS (SELECT 1 FROM operations o WHERE o.target = t.target AND o.biz_id = t.biz_id OFFSET 0)
       AND NOT EXISTS (SELECT 1 FROM operations o WHERE o.fact_key = t.fact_key AND o.fact_leg = 0 OFFSET 0)`

	insertOutbox   = insertOutboxOf + `unnest($30::text[], $31::bigint[], $32::float8[], $33::text[])` + asLeases
	insertOutboxOf = `
    RETURNING id, target, biz_id, points, broker_time
), queued AS (
    INSERT INTO outbox (operation_id, target, state, cause, in_doubt, first_sent_at, next_attempt_at, lease_token, lease_until, shape,
                        quiet_since)
    SELECT r.id, r.target, CASE WHEN l.token IS NULL THEN $26 ELSE 'sending' END, NULLIF($27, ''), $28,
           CASE WHEN $28 THEN r.broker_time WHEN l.token IS NOT NULL THEN now() END, now() + $29::interval,
           l.token, now() + l.seconds * interval '1 second', NULLIF(l.shape, ''), CASE WHEN $28 THEN now() + $29::interval END
      FROM recorded r
      LEFT JOIN `
	asLeases = ` AS l (target, token, seconds, shape) ON l.target = r.target
     WHERE r.points > 0
)
SELECT id, target, biz_id, now() FROM recorded`
)

// sqlInsertRejects writes rejects; one that is there already (the message was
// redelivered) is left as it is.
const sqlInsertRejects = `
INSERT INTO rejects (stream, stream_created, stream_seq, subject, broker_time, headers, payload,
                     event_source, event_id, event_type, reason_code, reason, mapping_version)
SELECT stream, stream_created, stream_seq, subject, broker_time, headers, payload,
       NULLIF(event_source, ''), NULLIF(event_id, ''), NULLIF(event_type, ''), reason_code, reason, NULLIF(mapping_version, '')
  FROM unnest($1::text[], $2::timestamptz[], $3::bigint[], $4::text[], $5::timestamptz[], $6::bytea[], $7::bytea[],
              $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[])
       AS t (stream, stream_created, stream_seq, subject, broker_time, headers, payload,
             event_source, event_id, event_type, reason_code, reason, mapping_version)
ON CONFLICT ON CONSTRAINT rejects_one_per_message DO NOTHING`

// write copies a large batch. Of a smaller one it sends both statements in one
// round trip; Postgres runs them as one implicit transaction. What was leased
// counts only when there is no error.
func (s *Store) write(ctx context.Context, w *recordWrite) (leased []Claimed, err error) {
	switch {
	case len(w.operations) == 0 && len(w.rejects) == 0:
		return nil, nil
	case w.budgets != nil:
		return s.writeBudgeted(ctx, w)
	case w.how.rebuilt != nil && w.how.rebuilt.While != nil:
		return s.writeWhile(ctx, w, w.how.rebuilt.While)
	case w.isCopied(s.copyLeast):
		return s.copy(ctx, w)
	}
	return w.send(ctx, s.pool)
}

// isCopied tells whether the operations are copied instead of inserted.
func (w *recordWrite) isCopied(least int) bool {
	return (len(w.operations) >= least || w.marked || w.holds()) && w.how.rebuilt == nil
}

// send writes both statements in one round trip.
func (w *recordWrite) send(ctx context.Context, to interface {
	SendBatch(context.Context, *pgx.Batch) pgx.BatchResults
}) (leased []Claimed, err error) {
	var batch pgx.Batch
	if len(w.operations) > 0 {
		args, err := w.arrays()
		if err != nil {
			return nil, err
		}
		batch.Queue(sqlInsertOperations, args...)
	}
	held := len(w.operations) > 0 && w.holds()
	if held {
		batch.Queue(sqlHold, w.holdArgs()...)
	}
	bulk, some := w.bulkKeys()
	if some {
		batch.Queue(sqlMarkBulk, bulk...)
	}
	if len(w.rejects) > 0 {
		batch.Queue(sqlInsertRejects, rejectArgs(w.rejects)...)
	}
	results := to.SendBatch(ctx, &batch)
	// The commit is answered with the last result: only Close knows of it.
	defer func() {
		if closed := results.Close(); err == nil && closed != nil {
			err = fmt.Errorf("commit batch: %w", closed)
		}
	}()
	if len(w.operations) > 0 {
		if _, leased, err = w.readRecorded(results.Query()); err != nil {
			return nil, fmt.Errorf("write batch: %w", err)
		}
	}
	if held {
		if _, err := results.Exec(); err != nil {
			return nil, fmt.Errorf("hold operations: %w", err)
		}
	}
	if some {
		if _, err := results.Exec(); err != nil {
			return nil, fmt.Errorf("mark the bulk lane: %w", err)
		}
	}
	if len(w.rejects) > 0 {
		if _, err := results.Exec(); err != nil {
			return nil, fmt.Errorf("write batch: %w", err)
		}
	}
	return leased, nil
}

// rejectArgs turns rejects into columns. What stands in text columns is made
// storable; headers and payload are kept as they came.
func rejectArgs(rejects []newReject) []any {
	n := len(rejects)
	var (
		streams, subjects, sources, ids = make([]string, n), make([]string, n), make([]string, n), make([]string, n)
		types, codes, reasons           = make([]string, n), make([]string, n), make([]string, n)
		created, brokerTimes            = make([]time.Time, n), make([]time.Time, n)
		seqs                            = make([]int64, n)
		headers, payloads               = make([][]byte, n), make([][]byte, n)
		versions                        = make([]string, n)
	)
	for i, r := range rejects {
		m := &r.entry.Message
		streams[i], subjects[i] = m.Stream, Storable(m.Subject)
		created[i], brokerTimes[i], seqs[i] = m.StreamCreated, m.BrokerTime, int64(m.Seq)
		headers[i], payloads[i] = notNil(m.Header), notNil(m.Payload)
		if r.entry.Mask != nil {
			payloads[i] = r.entry.Mask(payloads[i])
		}
		source, id, typ := r.entry.Source, r.entry.ID, r.entry.Type
		if e := r.entry.Event; e != nil { // a conflict: understood, but not accepted
			source, id, typ = e.Source, e.ID, e.Type
		}
		sources[i], ids[i], types[i] = Storable(source), Storable(id), Storable(typ)
		codes[i], reasons[i] = string(r.rejection.Code), Storable(r.rejection.Reason)
		versions[i] = r.entry.rulesVersion()
	}
	return []any{streams, created, seqs, subjects, brokerTimes, headers, payloads, sources, ids, types, codes, reasons, versions}
}

// rulesVersion is the rule file that an entry was mapped or rejected by.
func (e *Entry) rulesVersion() string {
	if e.Event != nil {
		return cmp.Or(e.Event.mappingVersion(), e.RulesVersion)
	}
	return e.RulesVersion
}

// Storable makes a text that Postgres accepts: valid UTF-8 without NUL.
func Storable(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// notNil keeps an empty value from becoming NULL.
func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// grants are the operations that are bound by budgets.
func (w *recordWrite) grants() (grants []budgets.Grant) {
	for i := range w.operations {
		o := &w.operations[i]
		b := o.entry.Event.Budget
		if b == nil || o.Kind != PointsAdd || o.Points == 0 {
			continue
		}
		member := o.MemberID
		if member == "" {
			member = "code " + o.MemberCode
		}
		storable := *b
		storable.Source = Storable(b.Source)
		grants = append(grants, budgets.Grant{Account: o.Account, BizID: string(o.BizID), Member: Storable(member), Points: int64(o.Points), Budget: &storable})
	}
	return grants
}

// writeBudgeted is write for operations that are bound by budgets: counted, and
// parked where they are above one, in the transaction that records them.
func (s *Store) writeBudgeted(ctx context.Context, w *recordWrite) (leased []Claimed, err error) {
	writer := s.budgetWriters.Take()
	defer s.budgetWriters.Give(writer)
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if r := w.how.rebuilt; r != nil && r.While != nil {
			if err := r.While.StandsTx(ctx, tx); err != nil {
				return err
			}
		}
		if w.isCopied(s.copyLeast) {
			leased, err = w.copyTx(ctx, tx)
		} else {
			leased, err = w.send(ctx, tx)
		}
		if err != nil {
			return err
		}
		return w.budgets.WriteTx(ctx, tx, writer, w.how.rebuilt != nil)
	})
	if err != nil {
		return nil, err
	}
	w.behind.Committed(int64(w.highest))
	parked := w.budgets.Parked()
	return slices.DeleteFunc(leased, func(c Claimed) bool { return parked[string(c.BizID)] }), nil
}
