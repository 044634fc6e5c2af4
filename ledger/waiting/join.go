package waiting

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"pointsledger/ledger"
	"pointsledger/ledger/database"
)

// sqlFindJoinable finds events that wait, and whose origin is there by now
// (operations_one_per_fact), the oldest first. Locks nothing.
const sqlFindJoinable = `
SELECT w.fact_key, w.origin_keys
  FROM waiting w
 WHERE EXISTS (SELECT 1 FROM operations o WHERE o.fact_key = ANY (w.origin_keys) OFFSET 0)
 ORDER BY w.broker_time
 LIMIT $1`

// sqlTakeWaiting takes events out of the table to be recorded (waiting_pkey). What
// another worker takes is missing.
const sqlTakeWaiting = `
WITH taken AS (
    DELETE FROM waiting
     WHERE fact_key = ANY (ARRAY(SELECT fact_key FROM waiting WHERE fact_key = ANY ($1::uuid[]) FOR UPDATE SKIP LOCKED))
    RETURNING *
)
SELECT fact_key, referral, stream, stream_created, stream_seq, subject, broker_time, headers, payload, event_source, event_id,
       event_type, event_time, data
  FROM taken
 ORDER BY broker_time, stream_seq`

// sqlOriginCame closes the rejects of events whose origin had not come for long
// (rejects_one_per_message).
const sqlOriginCame = `
UPDATE rejects r SET resolved_at = now(), resolved_by = 'worker', resolution = 'what it is about was recorded'
  FROM unnest($1::text[], $2::timestamptz[], $3::bigint[], $4::timestamptz[]) AS m (stream, stream_created, stream_seq, broker_time)
 WHERE r.stream = m.stream AND r.stream_created = m.stream_created AND r.stream_seq = m.stream_seq AND r.broker_time = m.broker_time
   AND r.reason_code = 'origin_unknown' AND r.resolved_at IS NULL`

// joinMost is how many events are recorded at once.
const joinMost = 256

// joinable is an event whose origin is there.
type joinable struct {
	fact    ledger.FactKey
	origins []ledger.FactKey
}

// Join records the events that waited for what they are about and need not any more,
// and says how many. An error of one keeps none of the others: they are split until it
// is alone, and that one waits on.
func (w *Waiting) Join(ctx context.Context) (joined int, err error) {
	rows, err := w.pool.Query(ctx, sqlFindJoinable, joinMost)
	if err != nil {
		return 0, fmt.Errorf("find what waited for a sale: %w", err)
	}
	var found []joinable
	var fact [16]byte
	var origins [][16]byte
	_, err = pgx.ForEachRow(rows, []any{&fact, &origins}, func() error {
		j := joinable{fact: fact}
		for _, key := range origins {
			j.origins = append(j.origins, key)
		}
		found = append(found, j)
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("find what waited for a sale: %w", err)
	}
	return w.join(ctx, found)
}

func (w *Waiting) join(ctx context.Context, found []joinable) (joined int, err error) {
	if len(found) == 0 {
		return 0, nil
	}
	t := taking{}
	var origins []ledger.FactKey
	for _, j := range found {
		t.facts = append(t.facts, j.fact)
		origins = append(origins, j.origins...)
	}
	err = w.book.RecordJoined(ctx, origins, &t)
	var race *ledger.RaceError
	switch {
	case err == nil:
		return t.joined, nil
	case errors.As(err, &race):
		return 0, nil // the next look sees what it lost to
	case len(found) == 1:
		return 0, fmt.Errorf("record an event that waited for its sale (fact %s): %w", found[0].fact, err)
	case !database.MayBeOneRow(err):
		return 0, fmt.Errorf("record what waited for a sale: %w", err)
	}
	half := len(found) / 2
	first, firstErr := w.join(ctx, found[:half])
	second, secondErr := w.join(ctx, found[half:])
	return first + second, errors.Join(firstErr, secondErr)
}

// taking is the part of a join that the table has ([ledger.Joining]).
type taking struct {
	facts  [][16]byte
	joined int
}

// TakeTx reads the waiting events and deletes them.
func (t *taking) TakeTx(ctx context.Context, tx pgx.Tx) ([]ledger.Entry, error) {
	rows, err := tx.Query(ctx, sqlTakeWaiting, t.facts)
	if err != nil {
		return nil, fmt.Errorf("read what waits: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (ledger.Entry, error) {
		e := ledger.Entry{Event: &ledger.Event{Refers: &ledger.Referral{}}}
		var fact [16]byte
		var referral []byte
		var seq int64
		m, event := &e.Message, e.Event
		if err := row.Scan(&fact, &referral, &m.Stream, &m.StreamCreated, &seq, &m.Subject, &m.BrokerTime, &m.Header, &m.Payload,
			&event.Source, &event.ID, &event.Type, &event.Time, &event.Content); err != nil {
			return e, err
		}
		m.Seq, event.FactKey = uint64(seq), fact
		return e, json.Unmarshal(referral, event.Refers)
	})
}

// JoinedTx closes the rejects of what is recorded now. One of an event that is still
// rejected stays open: the message has but one, and its retry says why.
func (t *taking) JoinedTx(ctx context.Context, tx pgx.Tx, entries []ledger.Entry, verdicts []ledger.Verdict) error {
	t.joined = len(entries)
	var streams []string
	var created, times []time.Time
	var seqs []int64
	for i := range entries {
		if verdicts[i].Kind != ledger.Rejected {
			m := &entries[i].Message
			streams, created, seqs, times = append(streams, m.Stream), append(created, m.StreamCreated), append(seqs, int64(m.Seq)), append(times, m.BrokerTime)
		}
	}
	if _, err := tx.Exec(ctx, sqlOriginCame, streams, created, seqs, times); err != nil {
		return fmt.Errorf("close rejects: %w", err)
	}
	return nil
}

// sqlNameWaiting shows events whose origin has not come for long as rejects, too,
// once each (rejects_one_per_message). They wait on all the same. What is shown is not
// tried again: each try would take a number of the rejects.
const sqlNameWaiting = `
INSERT INTO rejects (stream, stream_created, stream_seq, subject, broker_time, headers, payload, event_source, event_id, event_type,
                     reason_code, reason, mapping_version)
SELECT stream, stream_created, stream_seq, subject, broker_time, headers, payload, event_source, event_id, event_type,
       'origin_unknown', 'waits for ' || (referral ->> 'Origin') || ', which has not come yet; it is recorded by itself when that comes',
       NULLIF(referral ->> 'MappingVersion', '')
  FROM waiting w
 WHERE waits_since < now() - $1::interval
   AND NOT EXISTS (SELECT 1 FROM rejects r WHERE r.stream = w.stream AND r.stream_created = w.stream_created
                      AND r.stream_seq = w.stream_seq AND r.broker_time = w.broker_time)
ON CONFLICT ON CONSTRAINT rejects_one_per_message DO NOTHING`

// namedAfter is how long an event waits for what it is about before it is also shown
// as a reject.
const namedAfter = 24 * time.Hour

// Name shows what has waited for longer than a day as rejects, and says how many there
// are that were not shown before.
func (w *Waiting) Name(ctx context.Context) (named int, err error) {
	tag, err := w.pool.Exec(ctx, sqlNameWaiting, namedAfter)
	if err != nil {
		return 0, fmt.Errorf("show what waits for long: %w", err)
	}
	return int(tag.RowsAffected()), nil
}
