package ledger

import (
	"context"
	"errors"
	"fmt"
	"sync"
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
	if err := s.checkSequences(ctx); err != nil {
		return nil, fmt.Errorf("record batch of %d: %w", len(entries), err)
	}
	older, err := s.older.there(ctx, s.pool)
	if err != nil {
		return nil, err
	}
	switch {
	case len(entries) < s.copyLeast && isFew(entries, older):
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
		p.how = queueing{rebuilt: how.rebuilt, leases: how.leases}
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

// shareOf is the part an entry belongs to. Events that have several facts, by
// the key fields of several rule sets, are all in one.
func shareOf(e *Entry) int {
	if e.Event == nil || len(e.Event.OtherFacts) > 0 {
		return 0
	}
	return int(e.Event.FactKey[0] % parts)
}
