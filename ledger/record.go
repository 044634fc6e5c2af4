package ledger

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Entry is one message to record: exactly one of Event and Rejection is set.
type Entry struct {
	Message   Message
	Event     *Event
	Rejection *Rejection
	// Source, ID and Type are what a rejected message said of itself, as far
	// as it could be read.
	Source, ID, Type string
}

// VerdictKind is how a message was recorded.
type VerdictKind int

const (
	// Accepted: its operations are new.
	Accepted VerdictKind = iota + 1
	// Duplicate: its operations were there, with the same content.
	Duplicate
	// Rejected: it is in table rejects.
	Rejected
)

// Verdict is what became of one entry. It is true only after Record returned
// without an error, that is after the commit.
type Verdict struct {
	Kind VerdictKind
	// Redelivered: a duplicate that is the very message recorded before, so
	// nobody published it twice.
	Redelivered bool
	// Rejection is set when Kind is Rejected.
	Rejection *Rejection
}

// maxRecordTries bounds how often a batch is tried again because another
// transaction recorded one of its keys meanwhile. Each try sees what the one
// before lost to, so two workers on one stream need two or three.
const maxRecordTries = 10

// Record writes a batch, a large one in two transactions at a time, and says
// what became of each entry, in order. After an error nothing of the batch may
// be acknowledged.
//
// A batch that the database refuses for its content is split until the bad
// entry is alone; that one becomes a reject, and costs only itself.
func (s *Store) Record(ctx context.Context, entries []Entry) ([]Verdict, error) {
	return s.recordParts(ctx, entries, &queueing{})
}

// record is Record; how says what becomes of the operations' outbox rows.
func (s *Store) record(ctx context.Context, entries []Entry, how *queueing) ([]Verdict, error) {
	if len(entries) == 0 {
		return nil, nil
	}
	var err error
	for range maxRecordTries {
		var verdicts []Verdict
		if verdicts, err = s.recordOnce(ctx, entries, how); err == nil {
			return verdicts, nil
		}
		if !isKeyRace(err) {
			break
		}
	}
	refused := contentError(err)
	if refused == nil || isKeyRace(err) {
		return nil, fmt.Errorf("record batch of %d: %w", len(entries), err)
	}
	if len(entries) == 1 {
		if entries[0].Event == nil {
			return nil, fmt.Errorf("record reject of stream sequence %d: %w", entries[0].Message.Seq, err)
		}
		e := entries[0]
		e.Source, e.ID, e.Type = e.Event.Source, e.Event.ID, e.Event.Type
		e.Event = nil
		e.Rejection = Rejectf(OutOfRange, "the ledger's database refuses this event (%s %s): %s",
			refused.Code, refused.ConstraintName, refused.Message)
		return s.record(ctx, []Entry{e}, how)
	}
	half := len(entries) / 2
	first, err := s.record(ctx, entries[:half], how)
	if err != nil {
		return nil, err
	}
	second, err := s.record(ctx, entries[half:], how)
	if err != nil {
		return nil, err
	}
	return append(first, second...), nil
}

// recordOnce looks the keys up, decides, and writes in one transaction.
func (s *Store) recordOnce(ctx context.Context, entries []Entry, how *queueing) ([]Verdict, error) {
	known, err := s.lookUp(ctx, entries)
	if err != nil {
		return nil, err
	}
	verdicts := make([]Verdict, len(entries))
	write := recordWrite{how: how}
	for i := range entries {
		e := &entries[i]
		verdicts[i] = decide(e, known)
		switch verdicts[i].Kind {
		case Accepted:
			for j := range e.Event.Operations {
				op := &e.Event.Operations[j]
				known[key{op.Target, op.BizID}] = knownOf(e)
				write.operations = append(write.operations, newOperation{op, e})
			}
		case Rejected:
			write.rejects = append(write.rejects, newReject{e, verdicts[i].Rejection})
		}
	}
	leased, err := s.write(ctx, &write)
	if err != nil {
		return nil, err
	}
	how.leased = append(how.leased, leased...)
	return verdicts, nil
}

// key identifies an operation for ever.
type key struct {
	target string
	bizID  BizID
}

// knownOperation is what the ledger (or an earlier entry of the batch) holds
// under a key.
type knownOperation struct {
	content    string
	source, id string
	seq        uint64
	brokerTime time.Time
}

func knownOf(e *Entry) knownOperation {
	return knownOperation{content: e.Event.Content, source: e.Event.Source, id: e.Event.ID,
		seq: e.Message.Seq, brokerTime: e.Message.BrokerTime}
}

// decide says what an entry is, given all keys known so far.
func decide(e *Entry, known map[key]knownOperation) Verdict {
	if e.Rejection != nil {
		return Verdict{Kind: Rejected, Rejection: e.Rejection}
	}
	verdict := Verdict{Kind: Accepted}
	for i := range e.Event.Operations {
		op := &e.Event.Operations[i]
		before, found := known[key{op.Target, op.BizID}]
		if !found {
			continue
		}
		if !e.Event.RepeatIsDuplicate && before.content != e.Event.Content {
			if differences := contentDifferences(before.content, e.Event.Content); len(differences) > 0 {
				return Verdict{Kind: Rejected, Rejection: conflict(e.Event, op, before, differences)}
			}
		}
		verdict.Kind = Duplicate
		// Postgres keeps microseconds.
		verdict.Redelivered = before.seq == e.Message.Seq &&
			before.brokerTime.Truncate(time.Microsecond).Equal(e.Message.BrokerTime.Truncate(time.Microsecond))
	}
	return verdict
}

// conflict names both events and what they disagree on.
func conflict(event *Event, op *Operation, before knownOperation, differences []string) *Rejection {
	return Rejectf(Conflict,
		"%s %s was recorded before with other content: event %q (stream sequence %d) against this event %q: %s. "+
			"Nothing was changed; publish a correction under a key of its own",
		event.Type, op.BusinessKey, before.id, before.seq, event.ID, strings.Join(differences, "; "))
}

// sqlLookUp finds the operations that exist under the given keys. Locks
// nothing; reads by operations_one_per_key; no rows means all keys are new.
const sqlLookUp = `
SELECT o.target, o.biz_id, o.data, o.event_source, o.event_id, o.stream_seq, o.broker_time
  FROM unnest($1::text[], $2::text[]) AS k (target, biz_id)
  CROSS JOIN LATERAL (SELECT * FROM operations WHERE target = k.target AND biz_id = k.biz_id OFFSET 0) AS o`

func (s *Store) lookUp(ctx context.Context, entries []Entry) (map[key]knownOperation, error) {
	var targets, bizIDs []string
	for i := range entries {
		if entries[i].Event == nil {
			continue
		}
		for j := range entries[i].Event.Operations {
			op := &entries[i].Event.Operations[j]
			targets = append(targets, op.Target)
			bizIDs = append(bizIDs, string(op.BizID))
		}
	}
	known := make(map[key]knownOperation, len(targets))
	if len(targets) == 0 {
		return known, nil
	}
	rows, err := s.pool.Query(ctx, sqlLookUp, targets, bizIDs)
	if err != nil {
		return nil, fmt.Errorf("look up keys: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var k key
		var o knownOperation
		var seq int64
		if err := rows.Scan(&k.target, &k.bizID, &o.content, &o.source, &o.id, &seq, &o.brokerTime); err != nil {
			return nil, fmt.Errorf("look up keys: %w", err)
		}
		o.seq = uint64(seq)
		known[k] = o
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("look up keys: %w", err)
	}
	return known, nil
}

// newOperation is an operation with the entry it came from.
type newOperation struct {
	*Operation
	entry *Entry
}

// sortByKey puts operations into the one order in which every transaction
// inserts keys, so that two of them cannot wait for each other.
func sortByKey(operations []newOperation) {
	slices.SortFunc(operations, func(a, b newOperation) int {
		if c := strings.Compare(a.Target, b.Target); c != 0 {
			return c
		}
		return strings.Compare(string(a.BizID), string(b.BizID))
	})
}
