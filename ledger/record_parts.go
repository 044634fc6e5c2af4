package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"pointsledger/ledger/database"
)

// A large batch is recorded as two transactions at the same time: one Postgres
// process cannot keep up with the dispatchers. partLeast is the size from which
// it is worth a second commit.
const (
	parts     = 2
	partLeast = 200
)

// part is the share of a batch that one transaction records.
type part struct {
	entries  []Entry
	at       []int // the entries' places in the batch
	how      queueing
	verdicts []Verdict
	err      error
}

// recordParts records a batch: a small one without a look-up, a large one in
// parts. Events of the same fact
// are in the same part and in order, so which of them is the first stays as it
// was published. After an error a part may be recorded all the same; trying
// again finds it.
func (s *Store) recordParts(ctx context.Context, entries []Entry, how *queueing) ([]Verdict, error) {
	if len(entries) == 0 {
		return nil, nil
	}
	if err := s.behind.Check(ctx, s.pool); err != nil {
		return nil, fmt.Errorf("record batch of %d: %w", len(entries), err)
	}
	older, err := s.older.there(ctx, s.pool)
	if err != nil {
		return nil, err
	}
	switch {
	case slices.ContainsFunc(entries, standsApart):
		return s.recordReferring(ctx, entries, how)
	case len(entries) < s.copyLeast && isFew(entries, older) && !how.marksAny(entries):
		return s.recordFew(ctx, entries, how)
	case len(entries) < partLeast:
		return s.record(ctx, entries, how)
	}
	var shares [parts]part
	for i := range entries {
		p := &shares[shareOf(&entries[i])]
		p.entries, p.at = append(p.entries, entries[i]), append(p.at, i)
	}
	var group sync.WaitGroup
	for i := range shares {
		p := &shares[i]
		p.how = queueing{rebuilt: how.rebuilt, leases: how.leases, fresh: how.fresh}
		group.Go(func() { p.verdicts, p.err = s.record(ctx, p.entries, &p.how) })
	}
	group.Wait()
	verdicts := make([]Verdict, len(entries))
	var errs []error
	for i := range shares {
		p := &shares[i]
		how.leased = append(how.leased, p.how.leased...)
		if p.err != nil {
			errs = append(errs, p.err)
			continue
		}
		for j, at := range p.at {
			verdicts[at] = p.verdicts[j]
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return verdicts, nil
}

// shareOf is the part an entry belongs to: each part has a range of the facts, as
// two transactions that insert in the same order would meet at the same pages of
// the index. Events that have several facts, by the key fields of several rule
// sets, are all in one.
func shareOf(e *Entry) int {
	if e.Event == nil || len(e.Event.OtherFacts) > 0 {
		return 0
	}
	return int(e.Event.FactKey[0]) * parts >> 8
}

// fewEntries is the size up to which a batch is recorded without looking its
// keys up first. Most events are new, and at a light load the round trip is what
// the vendor waits for.
const fewEntries = 64

// isFew tells whether recordFew may record the batch: each entry becomes one
// operation, so that it is new as a whole or not at all, and is found by its
// fact and its key alone. older: rows from before fact keys are there.
func isFew(entries []Entry, older bool) bool {
	if len(entries) > fewEntries {
		return false
	}
	for i := range entries {
		e := entries[i].Event
		if e == nil || len(e.Operations) != 1 || !e.Operations[0].HeldUntil.IsZero() || len(e.OtherFacts) > 0 || e.OnlyIfKnown != nil || e.Budget != nil || older && len(e.OlderKeys) > 0 {
			return false
		}
	}
	return true
}

// recordFew is record for a small batch: one statement inserts the operations
// that are new, the first of each fact. The entries whose keys were there are
// recorded as usual after that; an error then leaves the first part recorded.
func (s *Store) recordFew(ctx context.Context, entries []Entry, how *queueing) ([]Verdict, error) {
	write := s.newWrite(how)
	first := make(map[FactKey]int, len(entries))
	for i := range entries {
		fact := entries[i].Event.FactKey
		if _, repeat := first[fact]; !repeat {
			first[fact] = i
			write.add(&entries[i])
		}
	}
	inserted, err := s.insertNew(ctx, &write)
	if err != nil {
		if s.lostRace(err) || database.ContentError(err) != nil {
			return s.record(ctx, entries, how) // nothing was inserted
		}
		s.behind.Note(err)
		return nil, fmt.Errorf("record batch of %d: %w", len(entries), database.Explain(err))
	}
	verdicts := make([]Verdict, len(entries))
	var rest []Entry
	var at []int
	for i := range entries {
		op := &entries[i].Event.Operations[0]
		if inserted[key{op.Account, op.BizID}] && first[entries[i].Event.FactKey] == i {
			verdicts[i] = Verdict{Kind: Accepted}
		} else {
			rest, at = append(rest, entries[i]), append(at, i)
		}
	}
	decided, err := s.record(ctx, rest, how)
	if err != nil {
		return nil, err
	}
	for i := range decided {
		verdicts[at[i]] = decided[i]
	}
	return verdicts, nil
}

// insertNew inserts the operations whose keys do not exist, and says which.
func (s *Store) insertNew(ctx context.Context, w *recordWrite) (map[key]bool, error) {
	sql, parameters := sqlInsertNewOperations, w.arrays
	if len(w.operations) == 1 {
		sql, parameters = sqlInsertNewOperation, w.values
	}
	args, err := parameters()
	if err != nil {
		return nil, err
	}
	inserted, leased, err := w.readRecorded(s.pool.Query(ctx, sql, args...))
	if err != nil {
		return nil, err
	}
	w.how.leased = append(w.how.leased, leased...)
	return inserted, nil
}
