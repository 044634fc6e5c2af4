package ledger

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// copyLeast is the number of operations from which they are copied instead of
// inserted: COPY takes less time and memory for each row on both sides, and more
// round trips for a batch.
const copyLeast = 100

// sqlNextIDs takes operation ids, and says what time it is for the transaction.
// No rows mean that the sequence is behind an id that is known: none is taken.
const sqlNextIDs = `
SELECT nextval('operations_id_seq'), now()
  FROM generate_series(1, $1)
 WHERE (SELECT COALESCE(pg_sequence_last_value('operations_id_seq'), 0)) >= $2::bigint`

const (
	copyOperations = `COPY operations (id, target, kind, biz_id, business_key, member_id, member_code, points, source_type,
points_channel, reason, reference, business_date, shop_code, amount_fen, mapping_version, event_source, event_id,
event_type, event_time, event_subject, stream_seq, broker_time, data, fact_key, fact_leg) FROM STDIN WITH (FORMAT binary)`
	operationColumns = 26

	copyOutbox = `COPY outbox (operation_id, target, state, in_doubt, first_sent_at, next_attempt_at, lease_token,
lease_until, shape) FROM STDIN WITH (FORMAT binary)`
	outboxColumns = 9
	// copyOutboxMarked says more of some rows: until when they are held, their lane, until
	// when their event is fresh, and when the code of what is held is asked for.
	copyOutboxMarked = `COPY outbox (operation_id, target, state, in_doubt, first_sent_at, next_attempt_at, lease_token,
lease_until, shape, held_until, bulk, fresh_until, code_due_at) FROM STDIN WITH (FORMAT binary)`
	outboxMarks = 4
)

// copy writes what write does, for a large batch of messages that are new to the
// ledger. It takes the ids first, so there is nothing to be read back.
func (s *Store) copy(ctx context.Context, w *recordWrite) (leased []Claimed, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		leased, err = w.copyTx(ctx, tx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("copy batch: %w", err)
	}
	w.behind.Committed(int64(w.highest))
	return leased, nil
}

func (w *recordWrite) copyTx(ctx context.Context, tx pgx.Tx) (leased []Claimed, err error) {
	if err := w.check(); err != nil {
		return nil, err
	}
	sortByFact(w.operations)
	ids, now, err := nextIDs(ctx, tx, len(w.operations), w.above)
	if err != nil {
		return nil, err
	}
	if len(ids) == 0 {
		return nil, w.behind.Exhausted()
	}
	w.highest = slices.Max(ids)
	operations := operationRows(w.operations, ids)
	marked, copyRows := w.marked || w.holds(), copyOutbox
	if marked {
		copyRows = copyOutboxMarked
	}
	outbox, leased := w.how.outboxRows(w.operations, ids, now, marked)
	if err := operations.send(ctx, tx, copyOperations); err != nil {
		return nil, err
	}
	if err := outbox.send(ctx, tx, copyRows); err != nil {
		return nil, err
	}
	if len(w.rejects) > 0 {
		if _, err := tx.Exec(ctx, sqlInsertRejects, rejectArgs(w.rejects)...); err != nil {
			return nil, err
		}
	}
	return leased, nil
}

func nextIDs(ctx context.Context, tx pgx.Tx, n int, above int64) (ids []OperationID, now time.Time, err error) {
	rows, err := tx.Query(ctx, sqlNextIDs, n, above)
	if err != nil {
		return nil, now, fmt.Errorf("take operation ids: %w", err)
	}
	ids = make([]OperationID, 0, n)
	var id OperationID
	_, err = pgx.ForEachRow(rows, []any{&id, &now}, func() error {
		ids = append(ids, id)
		return nil
	})
	if err != nil {
		return nil, now, fmt.Errorf("take operation ids: %w", err)
	}
	return ids, now, nil
}

// operationRows are the rows of copyOperations, in the order of its columns.
func operationRows(operations []newOperation, ids []OperationID) *copyRows {
	c := newCopyRows(640 * len(operations))
	for i := range operations {
		o, e, m := operations[i].Operation, operations[i].entry.Event, &operations[i].entry.Message
		c.row(operationColumns)
		c.integer(int64(ids[i]))
		c.text(o.Account)
		c.text(string(o.Kind))
		c.text(string(o.BizID))
		c.text(o.BusinessKey)
		c.textOrNull(o.MemberID)
		c.textOrNull(o.MemberCode)
		c.integer(int64(o.Points))
		c.smallOrNull(o.SourceType)
		c.smallOrNull(o.PointsChannel)
		c.text(o.Reason)
		c.text(o.Reference)
		c.date(operations[i].date)
		c.textOrNull(o.ShopCode)
		if o.AmountFen == nil {
			c.null()
		} else {
			c.integer(*o.AmountFen)
		}
		c.text(o.MappingVersion)
		c.text(e.Source)
		c.text(e.ID)
		c.text(e.Type)
		c.time(e.Time)
		c.text(Storable(m.Subject))
		c.integer(int64(m.Seq))
		c.time(m.BrokerTime)
		c.text(e.Content)
		c.bytes(e.FactKey[:])
		c.small(operations[i].leg)
	}
	return c
}

// outboxRows are the rows of copyOutbox, or of copyOutboxMarked, in the order of its
// columns, and those operations that they lease.
func (q *queueing) outboxRows(operations []newOperation, ids []OperationID, now time.Time, marked bool) (c *copyRows, leased []Claimed) {
	c = newCopyRows(112 * len(operations))
	fields := uint16(outboxColumns)
	if marked {
		fields += outboxMarks
	}
	for i, o := range operations {
		if o.Points == 0 {
			continue
		}
		c.row(fields)
		c.integer(int64(ids[i]))
		c.text(o.Account)
		if l := q.lease(o.Account); l != nil && o.HeldUntil.IsZero() {
			c.text(string(Sending))
			c.boolean(false)
			c.time(now)
			c.time(now)
			c.integer(int64(l.Token))
			c.time(now.Add(l.Lease))
			c.textOrNull(l.Shape)
			if marked {
				c.marks(time.Time{}, o.Bulk, time.Time{}, time.Time{})
			}
			leased = append(leased, firstClaim(o, ids[i], l, now))
			continue
		}
		c.text(string(Pending))
		c.boolean(false)
		c.null()
		if o.HeldUntil.After(now) {
			c.time(o.HeldUntil)
		} else {
			c.time(now)
		}
		c.null()
		c.null()
		c.null()
		if marked {
			c.marks(o.HeldUntil, o.Bulk, q.freshUntil(&o, now), o.codeDue(now))
		}
	}
	return c, leased
}

// marks are the last columns of copyOutboxMarked.
func (c *copyRows) marks(heldUntil time.Time, bulk bool, freshUntil, codeDue time.Time) {
	c.timeOrNull(heldUntil)
	c.boolean(bulk)
	c.timeOrNull(freshUntil)
	c.timeOrNull(codeDue)
}

// copyRows are rows in the binary format of COPY (PostgreSQL documentation,
// COPY, file formats): of each row the number of its fields, of each field its
// length and its bytes, -1 for NULL.
type copyRows struct{ b []byte }

func newCopyRows(size int) *copyRows {
	c := &copyRows{b: make([]byte, 0, size)}
	c.b = append(c.b, "PGCOPY\n\xff\r\n\x00"...)
	c.b = append(c.b, 0, 0, 0, 0, 0, 0, 0, 0) // no flags, no extension
	return c
}

// send ends the rows and copies them.
func (c *copyRows) send(ctx context.Context, tx pgx.Tx, sql string) error {
	c.b = append(c.b, 0xff, 0xff)
	_, err := tx.Conn().PgConn().CopyFrom(ctx, bytes.NewReader(c.b), sql)
	return err
}

func (c *copyRows) row(fields uint16) { c.b = binary.BigEndian.AppendUint16(c.b, fields) }

func (c *copyRows) length(n uint32) { c.b = binary.BigEndian.AppendUint32(c.b, n) }

func (c *copyRows) null() { c.length(1<<32 - 1) }

func (c *copyRows) text(s string) {
	c.length(uint32(len(s)))
	c.b = append(c.b, s...)
}

// textOrNull writes an empty text as NULL.
func (c *copyRows) textOrNull(s string) {
	if s == "" {
		c.null()
		return
	}
	c.text(s)
}

func (c *copyRows) integer(n int64) {
	c.length(8)
	c.b = binary.BigEndian.AppendUint64(c.b, uint64(n))
}

// bytes writes a value that is its own binary form, as a uuid's is.
func (c *copyRows) bytes(b []byte) {
	c.length(uint32(len(b)))
	c.b = append(c.b, b...)
}

// smallOrNull writes 0 as NULL.
func (c *copyRows) smallOrNull(n int) {
	if n == 0 {
		c.null()
		return
	}
	c.small(n)
}

func (c *copyRows) small(n int) {
	c.length(2)
	c.b = binary.BigEndian.AppendUint16(c.b, uint16(int16(n)))
}

func (c *copyRows) boolean(yes bool) {
	c.length(1)
	if yes {
		c.b = append(c.b, 1)
	} else {
		c.b = append(c.b, 0)
	}
}

// Postgres counts microseconds and days from the beginning of 2000.
const (
	epochSeconds = 946_684_800
	daySeconds   = 86_400
)

func (c *copyRows) time(t time.Time) {
	c.integer((t.Unix()-epochSeconds)*1_000_000 + int64(t.Nanosecond())/1000)
}

// timeOrNull writes the zero time as NULL.
func (c *copyRows) timeOrNull(t time.Time) {
	if t.IsZero() {
		c.null()
		return
	}
	c.time(t)
}

// date writes the day of a midnight.
func (c *copyRows) date(t time.Time) {
	c.length(4)
	c.b = binary.BigEndian.AppendUint32(c.b, uint32(int32((t.Unix()-epochSeconds)/daySeconds)))
}
