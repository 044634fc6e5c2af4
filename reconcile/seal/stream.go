package seal

import (
	"context"
	"fmt"
	"hash/maphash"
	"time"

	"github.com/jackc/pgx/v5"

	"pointsledger/continuity/survey"
	"pointsledger/ledger"
)

// Stream reads the stream that the ledger is of. It changes nothing.
type Stream interface {
	// Reach is what there is to read.
	Reach(ctx context.Context) (survey.State, error)
	// Read hands over the messages of a stretch, both ends included.
	Read(ctx context.Context, from, to uint64, f func([]survey.Message) error) error
}

// streamMost bounds the messages that are compared: 8 bytes each are in memory. Of a
// longer stream the newest are.
const streamMost = 8_000_000

// streamed is what the stream has, by sequence.
type streamed struct {
	from, to uint64
	since    time.Time
	seed     maphash.Seed
	// marks are hashes of each message's identity; 0 is no message, 1 one of an ignored
	// type.
	marks []uint64
}

const (
	noMessage      = 0
	ignoredMessage = 1
)

func (s *streamed) markOf(source, id, typ string, at time.Time) uint64 {
	mark := maphash.String(s.seed, fmt.Sprintf("%q %q %q %d", source, id, typ, at.UnixMicro()))
	return max(mark, ignoredMessage+1)
}

// stream compares the ledger with the stream: an event that workers have acknowledged
// and the ledger lacks was recorded and is gone, and an operation of an event that the
// stream never had was not recorded by a worker.
func (v *verification) stream(ctx context.Context) error {
	c := v.check(CheckStream, "ledger and stream have the same events", "events")
	if v.by.Stream == nil {
		if c.Unchecked = v.by.NoStream; c.Unchecked == "" {
			c.Unchecked = "the stream was not asked for"
		}
		return nil
	}
	ask, cancel := context.WithTimeout(ctx, outsideTime)
	state, err := v.by.Stream.Reach(ask)
	cancel()
	switch {
	case err != nil:
		c.Unchecked = fmt.Sprintf("the stream cannot be read: %v", err)
		return nil
	case !state.ConsumerFound || !state.AckedAny:
		c.Unchecked = "nothing tells what workers have acknowledged: the durable is not there, or new"
		return nil
	}
	s := &streamed{from: max(state.First, 1), to: min(state.Acked, state.Last), since: state.Created, seed: maphash.MakeSeed()}
	if s.to < s.from {
		c.Note = "the stream holds no event that was acknowledged"
		return nil
	}
	if s.to-s.from >= streamMost {
		c.Unchecked = fmt.Sprintf("of the stream only the newest %d messages are compared", streamMost)
		s.from = s.to - streamMost + 1
	}
	s.marks = make([]uint64, s.to-s.from+1)
	oldest, err := v.oldest(ctx)
	if err != nil {
		return err
	}
	if err := v.readStream(ctx, c, s, oldest); err != nil {
		c.Unchecked = fmt.Sprintf("the stream could not be read to its end: %v", err)
		return nil
	}
	if c.Note == "" {
		c.Note = fmt.Sprintf("the stream reaches from sequence %d to %d; earlier operations cannot be compared with it", s.from, s.to)
	}
	return v.readWhole(ctx, func(tx pgx.Tx) error { return v.inStream(ctx, tx, c, s) })
}

// sqlOldest is the broker's time from which on the ledger must have what was acknowledged:
// that of the oldest event of the first batches that it recorded (ids of a batch are in no
// order), or when its schema was made, if that is earlier. What the stream had before may be of
// another ledger.
const sqlOldest = `
SELECT LEAST((SELECT min(broker_time) FROM (SELECT broker_time FROM operations ORDER BY id LIMIT 5000) AS o),
             (SELECT min(broker_time) FROM (SELECT broker_time FROM rejects ORDER BY id LIMIT 5000) AS r),
             (SELECT min(tstamp) AT TIME ZONE 'UTC' FROM goose_db_version))`

func (v *verification) oldest(ctx context.Context) (at time.Time, err error) {
	var found *time.Time
	if err := v.by.Pool.QueryRow(ctx, sqlOldest).Scan(&found); err != nil {
		return at, fmt.Errorf("read the oldest event: %w", err)
	}
	if found != nil {
		at = *found
	}
	return at, nil
}

func (v *verification) readStream(ctx context.Context, c *Check, s *streamed, oldest time.Time) error {
	return v.by.Stream.Read(ctx, s.from, s.to, func(messages []survey.Message) error {
		for i := range messages {
			m := &messages[i]
			seq := m.Entry.Message.Seq
			if seq < s.from || seq > s.to {
				continue
			}
			c.Checked++
			at := seq - s.from
			if m.Ignored {
				s.marks[at] = ignoredMessage
				continue
			}
			source, id, typ := m.Entry.Source, m.Entry.ID, m.Entry.Type
			if e := m.Entry.Event; e != nil {
				source, id, typ = e.Source, e.ID, e.Type
			}
			s.marks[at] = s.markOf(source, id, typ, m.Entry.Message.BrokerTime)
			f := Finding{What: fmt.Sprintf("event %s of %s (%s, sequence %d of the stream, %s) was acknowledged, and ",
				id, source, typ, seq, m.Entry.Message.BrokerTime.UTC().Format(time.RFC3339))}
			switch reason := m.Verdict.Rejection; {
			case m.Verdict.Kind == ledger.Accepted && !m.Entry.Message.BrokerTime.Before(oldest):
				f.Kind, f.What = MissingInLedger, f.What+"the ledger has nothing of it: its operations were removed"
			case m.Verdict.Kind == ledger.Rejected && reason != nil && reason.Code == ledger.Conflict:
				// A second version of an event is among the rejects; of this one the ledger says another.
				f.Kind, f.What = OtherContent, f.What+"the ledger has other content of it: "+reason.Reason
			default:
				continue
			}
			f.BusinessKey = businessKey(m.Entry.Event)
			v.found(c, f)
		}
		v.progress(CheckStream, c.Checked)
		return nil
	})
}

func businessKey(e *ledger.Event) string {
	switch {
	case e == nil:
	case e.Refers != nil:
		return e.Refers.BusinessKey
	case len(e.Operations) > 0:
		return e.Operations[0].BusinessKey
	}
	return ""
}

// sqlEvents reads which message each operation says that it came from. It reads the
// table once.
const sqlEvents = `
SELECT id, business_key, event_source, event_id, event_type, broker_time, stream_seq FROM operations WHERE stream_seq BETWEEN $1 AND $2 AND broker_time >= $3`

// inStream looks for each operation's message.
func (v *verification) inStream(ctx context.Context, tx pgx.Tx, c *Check, s *streamed) error {
	rows, err := tx.Query(ctx, sqlEvents, int64(s.from), int64(s.to), s.since)
	if err != nil {
		return fmt.Errorf("read events: %w", err)
	}
	var id, seq int64
	var key, source, event, typ string
	var at time.Time
	_, err = pgx.ForEachRow(rows, []any{&id, &key, &source, &event, &typ, &at, &seq}, func() error {
		switch mark := s.marks[uint64(seq)-s.from]; mark {
		case ignoredMessage, s.markOf(source, event, typ, at):
			return nil
		}
		v.found(c, Finding{Kind: NotInStream, Table: "operations", ID: id, BusinessKey: key, What: fmt.Sprintf(
			"operations %d says that it came from event %s of %s (%s) at sequence %d, and the stream has no such event there: no worker recorded it so",
			id, event, source, typ, seq)})
		return nil
	})
	if err != nil {
		return fmt.Errorf("read events: %w", err)
	}
	return nil
}
