package desk

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"pointsledger/ledger"
)

// WaitingEvent is an event that was accepted and waits for what it is about.
type WaitingEvent struct {
	EventType   string    `json:"event_type"`
	EventSource string    `json:"event_source"`
	EventID     string    `json:"event_id"`
	EventTime   time.Time `json:"event_time"`
	StreamSeq   int64     `json:"stream_seq"`
	// Origin is what it waits for, and since when.
	Origin string    `json:"waits_for"`
	Since  time.Time `json:"since"`
}

// Naming is what names an order besides its operations.
type Naming struct {
	Waiting []WaitingEvent
	// Rejects have no header and no payload; the newest come first.
	Rejects []ledger.Reject
}

// maxNaming bounds the events and the rejects that name one order.
const maxNaming = 50

// sqlWaitingOf reads the events that wait about an order (waiting_business_key_idx).
const sqlWaitingOf = `
SELECT event_type, event_source, event_id, event_time, stream_seq, COALESCE(referral ->> 'Origin', ''), waits_since
  FROM waiting
 WHERE business_key = $1
 ORDER BY broker_time, stream_seq
 LIMIT $2`

// sqlRejectsNaming reads the newest rejects whose bytes hold a text. It reads the
// payloads of all rejects, for a rare question.
const sqlRejectsNaming = `
SELECT r.id, r.stream, r.stream_created, r.stream_seq, r.subject, r.broker_time,
       COALESCE(r.event_source, ''), COALESCE(r.event_id, ''), COALESCE(r.event_type, ''), r.reason_code, r.reason,
       r.rejected_at, r.resolved_at, COALESCE(r.resolved_by, ''), COALESCE(r.resolution, ''), r.payload
  FROM rejects r
 WHERE position(convert_to($1, 'UTF8') IN r.payload) > 0
 ORDER BY r.id DESC
 LIMIT $2`

// minNaming is the shortest text that is looked for in rejects: shorter ones stand in
// all of them.
const minNaming = 3

// NamedBy finds the events that wait about an order, and the rejects whose payload
// has its number as a whole word.
func (d *Desk) NamedBy(ctx context.Context, order string) (n Naming, err error) {
	rows, err := d.pool.Query(ctx, sqlWaitingOf, ledger.Storable(order), maxNaming)
	if err != nil {
		return n, fmt.Errorf("find waiting events: %w", err)
	}
	n.Waiting, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (w WaitingEvent, err error) {
		err = row.Scan(&w.EventType, &w.EventSource, &w.EventID, &w.EventTime, &w.StreamSeq, &w.Origin, &w.Since)
		return w, err
	})
	if err != nil {
		return n, fmt.Errorf("find waiting events: %w", err)
	}
	if utf8.RuneCountInString(order) < minNaming {
		return n, nil
	}
	if rows, err = d.pool.Query(ctx, sqlRejectsNaming, ledger.Storable(order), maxNaming); err != nil {
		return n, fmt.Errorf("find rejects: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var payload []byte
		r, err := scanListed(withPayload{rows, &payload})
		if err != nil {
			return n, fmt.Errorf("find rejects: %w", err)
		}
		if holdsWord(payload, []byte(order)) {
			n.Rejects = append(n.Rejects, r)
		}
	}
	if err := rows.Err(); err != nil {
		return n, fmt.Errorf("find rejects: %w", err)
	}
	return n, nil
}

// holdsWord tells whether a text holds a word that is not part of a longer one: SO-1 is
// not in SO-10, nor in XSO-1, and order is not in order.paid.
func holdsWord(text, word []byte) bool {
	inside := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-_.", r) }
	for from := 0; ; {
		at := bytes.Index(text[from:], word)
		if at < 0 {
			return false
		}
		before, _ := utf8.DecodeLastRune(text[:from+at])
		after, _ := utf8.DecodeRune(text[from+at+len(word):])
		if !inside(before) && !inside(after) {
			return true
		}
		from += at + 1
	}
}

// withPayload scans a row that ends with the payload.
type withPayload struct {
	pgx.CollectableRow
	payload *[]byte
}

func (r withPayload) Scan(into ...any) error {
	return r.CollectableRow.Scan(append(into, r.payload)...)
}
