package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"pointsledger/ledger/database"
)

// knownFact is the event that the ledger (or an earlier entry of the batch) has
// recorded of a fact.
type knownFact struct {
	content    string
	source, id string
	seq        uint64
	brokerTime time.Time
}

// knownFacts is what is known of each fact. There is one event of a fact,
// except where the ledger is from before fact keys and recorded it twice.
type knownFacts map[FactKey][]knownFact

// add makes an entry that is about to be recorded known.
func (k knownFacts) add(e *Entry) {
	k[e.Event.FactKey] = append(k[e.Event.FactKey], knownFact{content: e.Event.Content, source: e.Event.Source, id: e.Event.ID,
		seq: e.Message.Seq, brokerTime: e.Message.BrokerTime})
}

// decide compares an entry with what is known of a fact; found is false when
// nothing is.
func (k knownFacts) decide(e *Entry, fact FactKey) (verdict Verdict, found bool) {
	events := k[fact]
	if len(events) == 0 {
		return verdict, false
	}
	var differences []string
	for i := range events {
		before := &events[i]
		if !e.Event.RepeatIsDuplicate && before.content != e.Event.Content {
			if d := contentDifferences(before.content, e.Event.Content); len(d) > 0 {
				if i == 0 {
					differences = d
				}
				continue
			}
		}
		verdict.Kind = Duplicate
		// Postgres keeps microseconds.
		verdict.Redelivered = verdict.Redelivered || before.seq == e.Message.Seq &&
			before.brokerTime.Truncate(time.Microsecond).Equal(e.Message.BrokerTime.Truncate(time.Microsecond))
	}
	if verdict.Kind == Duplicate {
		return verdict, true
	}
	return Verdict{Kind: Rejected, Rejection: conflict(e.Event, events[0], differences)}, true
}

// sqlLookUp finds the events of the facts that are known: all operations of a
// fact are of one event, so the first tells. Locks nothing; reads by
// operations_one_per_fact; no rows means that all are new.
const sqlLookUp = `
SELECT o.fact_key, o.data, o.event_source, o.event_id, o.stream_seq, o.broker_time
  FROM unnest($1::uuid[]) AS k (fact_key)
  CROSS JOIN LATERAL (SELECT * FROM operations WHERE fact_key = k.fact_key AND fact_leg = 0 OFFSET 0) AS o`

// sqlLookUpOlder finds operations from before fact keys by their dedup keys; n is
// the key's place in the arrays. Locks nothing; reads by operations_one_per_key.
const sqlLookUpOlder = `
SELECT k.n, o.data, o.event_source, o.event_id, o.stream_seq, o.broker_time
  FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS k (target, biz_id, n)
  CROSS JOIN LATERAL (SELECT * FROM operations WHERE target = k.target AND biz_id = k.biz_id OFFSET 0) AS o
 WHERE o.fact_key IS NULL
 ORDER BY k.n`

// lookUp finds what the ledger knows of the entries' facts, in one round trip.
func (s *Store) lookUp(ctx context.Context, entries []Entry) (knownFacts, error) {
	known, err := s.lookUpIn(ctx, s.pool, entries)
	if err == nil && slices.ContainsFunc(entries, refers) {
		err = known.addWaiting(ctx, s.pool, entries)
	}
	if err == nil && slices.ContainsFunc(entries, declares) {
		err = known.addDeclared(ctx, s.pool, entries)
	}
	return known, err
}

// batcher is a transaction, or connections without one.
type batcher interface {
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// sqlLookUpWaiting finds events that wait for what they are about (waiting_pkey).
const sqlLookUpWaiting = `
SELECT fact_key, data, event_source, event_id, stream_seq, broker_time FROM waiting WHERE fact_key = ANY ($1::uuid[])`

// addWaiting makes known what waits of the entries' facts.
func (k knownFacts) addWaiting(ctx context.Context, in batcher, entries []Entry) error {
	var facts [][16]byte
	for i := range entries {
		if refers(entries[i]) {
			facts = append(facts, entries[i].Event.FactKey)
		}
	}
	return k.addFound(ctx, in, sqlLookUpWaiting, facts)
}

// addFound makes known what a statement finds of facts.
func (k knownFacts) addFound(ctx context.Context, in batcher, sql string, facts [][16]byte) error {
	var batch pgx.Batch
	batch.Queue(sql, facts)
	results := in.SendBatch(ctx, &batch)
	defer results.Close()
	var fact [16]byte
	if err := readKnown(results, &fact, func(f knownFact) { k[fact] = append(k[fact], f) }); err != nil {
		return err
	}
	if err := results.Close(); err != nil {
		return fmt.Errorf("look up facts: %w", err)
	}
	return nil
}

// lookUpIn is lookUp of operations alone, in a transaction or out of it.
func (s *Store) lookUpIn(ctx context.Context, in batcher, entries []Entry) (knownFacts, error) {
	known := make(knownFacts, len(entries))
	var facts [][16]byte
	for i := range entries {
		if e := entries[i].Event; e != nil {
			facts = append(facts, e.FactKey)
			for _, other := range e.OtherFacts {
				facts = append(facts, other)
			}
		}
	}
	if len(facts) == 0 {
		return known, nil
	}
	older, err := s.older.there(ctx, s.pool)
	if err != nil {
		return nil, err
	}
	var batch pgx.Batch
	batch.Queue(sqlLookUp, facts)
	var keys olderKeys
	if older {
		keys.addAll(entries)
		batch.Queue(sqlLookUpOlder, keys.accounts, keys.bizIDs)
	}
	results := in.SendBatch(ctx, &batch)
	defer results.Close()
	var fact [16]byte
	if err := readKnown(results, &fact, func(f knownFact) {
		if len(known[fact]) == 0 { // two entries may ask for one fact
			known[fact] = []knownFact{f}
		}
	}); err != nil {
		return nil, err
	}
	if older {
		var n int64
		if err := readKnown(results, &n, func(f knownFact) {
			of := FactKey(keys.facts[n-1])
			known[of] = append(known[of], f)
		}); err != nil {
			return nil, err
		}
	}
	if err := results.Close(); err != nil {
		return nil, fmt.Errorf("look up facts: %w", err)
	}
	return known, nil
}

// readKnown reads the next result of a look-up: which is what each row is about.
func readKnown(results pgx.BatchResults, which any, found func(knownFact)) error {
	rows, err := results.Query()
	if err != nil {
		return fmt.Errorf("look up facts: %w", err)
	}
	var f knownFact
	var seq int64
	_, err = pgx.ForEachRow(rows, []any{which, &f.content, &f.source, &f.id, &seq, &f.brokerTime}, func() error {
		f.seq = uint64(seq)
		found(f)
		return nil
	})
	if err != nil {
		return fmt.Errorf("look up facts: %w", err)
	}
	return nil
}

// olderKeys are dedup keys to look for, each with the fact that it would be of.
type olderKeys struct {
	accounts, bizIDs []string
	facts            [][16]byte
}

func (k *olderKeys) addAll(entries []Entry) {
	asked := make(map[FactKey]bool, len(entries))
	for i := range entries {
		e := entries[i].Event
		if e == nil || asked[e.FactKey] {
			continue
		}
		asked[e.FactKey] = true
		for j := range e.Operations {
			k.add(e, e.Operations[j].Account, e.Operations[j].BizID)
		}
		for _, one := range e.OlderKeys {
			k.add(e, one.Account, one.BizID)
		}
	}
}

func (k *olderKeys) add(e *Event, account string, id BizID) {
	k.accounts, k.bizIDs, k.facts = append(k.accounts, account), append(k.bizIDs, string(id)), append(k.facts, e.FactKey)
}

// lostRace is isKeyRace that also takes note: what was not seen in the look-up
// may be a row of an older program.
func (s *Store) lostRace(err error) bool {
	if !database.IsRace(err) {
		return false
	}
	s.older.doubt()
	return true
}

// contentDifferences compares two canonical contents by the fields that both
// declare, and names what differs: `amountFen 12999 before, 100 now`. A field
// that only one of them declares is a change of the rules, not of the event.
func contentDifferences(before, now string) []string {
	if before == now {
		return nil
	}
	var a, b map[string]json.RawMessage
	if json.Unmarshal([]byte(before), &a) != nil || json.Unmarshal([]byte(now), &b) != nil {
		return []string{"the recorded content cannot be compared"}
	}
	var differences []string
	for name, was := range a {
		if is, declared := b[name]; declared && string(was) != string(is) {
			differences = append(differences, fmt.Sprintf("%s %s before, %s now", name, clip(was), clip(is)))
		}
	}
	slices.Sort(differences)
	return differences
}

// clip shortens a value for a message.
func clip(value json.RawMessage) string {
	const most = 60
	runes := []rune(string(value))
	if len(runes) <= most {
		return string(runes)
	}
	return string(runes[:most]) + "…"
}
