package ledger

import (
	"context"
	"fmt"
)

// fewEntries is the size up to which a batch is recorded without looking its
// keys up first. Most events are new, and at a light load the round trip is what
// the vendor waits for.
const fewEntries = 64

// isFew tells whether recordFew may record the batch: each entry becomes one
// operation, so that it is new as a whole or not at all.
func isFew(entries []Entry) bool {
	if len(entries) > fewEntries {
		return false
	}
	for i := range entries {
		if entries[i].Event == nil || len(entries[i].Event.Operations) != 1 {
			return false
		}
	}
	return true
}

// recordFew is record for a small batch: one statement inserts the operations
// that are new, the first of each key. The entries whose keys were there are
// recorded as usual after that; an error then leaves the first part recorded.
func (s *Store) recordFew(ctx context.Context, entries []Entry, how *queueing) ([]Verdict, error) {
	write := recordWrite{how: how}
	first := make(map[key]int, len(entries))
	for i := range entries {
		op := &entries[i].Event.Operations[0]
		if _, repeat := first[key{op.Target, op.BizID}]; !repeat {
			first[key{op.Target, op.BizID}] = i
			write.operations = append(write.operations, newOperation{op, &entries[i]})
		}
	}
	inserted, err := s.insertNew(ctx, &write)
	if err != nil {
		if isKeyRace(err) || contentError(err) != nil {
			return s.record(ctx, entries, how) // nothing was inserted
		}
		return nil, fmt.Errorf("record batch of %d: %w", len(entries), err)
	}
	verdicts := make([]Verdict, len(entries))
	var rest []Entry
	var at []int
	for i := range entries {
		op := &entries[i].Event.Operations[0]
		if k := (key{op.Target, op.BizID}); inserted[k] && first[k] == i {
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
	args, err := operationArgs(w.operations)
	if err != nil {
		return nil, err
	}
	inserted, leased, err := w.readRecorded(s.pool.Query(ctx, sqlInsertNewOperations, append(args, w.how.args()...)...))
	if err != nil {
		return nil, err
	}
	w.how.leased = append(w.how.leased, leased...)
	return inserted, nil
}
