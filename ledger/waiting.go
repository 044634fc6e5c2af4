package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
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

// sqlOriginCame closes the reject of an event whose origin had not come for long
// (rejects_one_per_message).
const sqlOriginCame = `
UPDATE rejects SET resolved_at = now(), resolved_by = 'worker', resolution = 'what it is about was recorded'
 WHERE stream = $1 AND stream_created = $2 AND stream_seq = $3 AND broker_time = $4 AND reason_code = 'origin_unknown'
   AND resolved_at IS NULL`

// JoinWaiting records the events that waited for what they are about and need not any
// more, and says how many. It is called now and then by any worker: a sale looks
// for nothing that waits for it.
func (s *Store) JoinWaiting(ctx context.Context) (joined int, err error) {
	rows, err := s.pool.Query(ctx, sqlFindJoinable, referringMost)
	if err != nil {
		return 0, fmt.Errorf("find what waited for a sale: %w", err)
	}
	var found []Entry
	var keys [][16]byte
	var fact [16]byte
	var origins [][16]byte
	_, err = pgx.ForEachRow(rows, []any{&fact, &origins}, func() error {
		keys = append(keys, fact)
		e := Entry{Event: &Event{FactKey: fact, Refers: &Referral{}}}
		for _, key := range origins {
			e.Event.Refers.Origins = append(e.Event.Refers.Origins, key)
		}
		found = append(found, e)
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("find what waited for a sale: %w", err)
	}
	if len(found) == 0 {
		return 0, nil
	}
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if err := lockOrigins(ctx, tx, found); err != nil {
			return err
		}
		joined, err = s.joinTx(ctx, tx, keys)
		return err
	})
	if err != nil && s.lostRace(err) {
		return 0, nil // the next sweep sees what it lost to
	}
	if err != nil {
		return 0, fmt.Errorf("record what waited for a sale: %w", err)
	}
	return joined, nil
}

// joinTx records what waits under the keys, whose sales are locked.
func (s *Store) joinTx(ctx context.Context, tx pgx.Tx, keys [][16]byte) (joined int, err error) {
	entries, err := takeWaiting(ctx, tx, keys)
	if err != nil || len(entries) == 0 {
		return 0, err
	}
	verdicts, _, err := s.referTx(ctx, tx, entries, &referring{joined: true})
	if err != nil {
		return 0, err
	}
	for i := range entries {
		if verdicts[i].Kind == Rejected {
			continue // the message has one reject: it stays open, and its retry says why
		}
		m := &entries[i].Message
		if _, err := tx.Exec(ctx, sqlOriginCame, m.Stream, m.StreamCreated, int64(m.Seq), m.BrokerTime); err != nil {
			return 0, fmt.Errorf("close a reject: %w", err)
		}
	}
	return len(entries), nil
}

// takeWaiting reads waiting events and deletes them.
func takeWaiting(ctx context.Context, tx pgx.Tx, keys [][16]byte) (entries []Entry, err error) {
	rows, err := tx.Query(ctx, sqlTakeWaiting, keys)
	if err != nil {
		return nil, fmt.Errorf("read what waits: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Entry, error) {
		e := Entry{Event: &Event{Refers: &Referral{}}}
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

// OriginWait is how long an event waits for what it is about before it is also shown
// as a reject.
const OriginWait = 24 * time.Hour

// NameWaiting shows what has waited for longer than OriginWait as rejects, and says
// how many there are that were not shown before.
func (s *Store) NameWaiting(ctx context.Context) (named int, err error) {
	tag, err := s.pool.Exec(ctx, sqlNameWaiting, OriginWait)
	if err != nil {
		return 0, fmt.Errorf("show what waits for long: %w", err)
	}
	return int(tag.RowsAffected()), nil
}
