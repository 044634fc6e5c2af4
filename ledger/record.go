package ledger

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"pointsledger/ledger/budgets"
	"pointsledger/ledger/database"
)

// Entry is one message to record: exactly one of Event and Rejection is set.
type Entry struct {
	Message   Message
	Event     *Event
	Rejection *Rejection
	// Mask hides passwords in the payload of a message that becomes a reject; nil
	// keeps it as it came.
	Mask func(payload []byte) []byte
	// Source, ID and Type are what a rejected message said of itself, as far
	// as it could be read.
	Source, ID, Type string
	// RulesVersion is that of the rule file by which it was rejected; operations
	// have theirs. Empty is not known.
	RulesVersion string
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

// Record writes a batch, a large one in two transactions at a time, and says
// what became of each entry, in order. After an error nothing of the batch may
// be acknowledged. ErrRulesEnded is one that other rules alone can mend.
//
// A batch that the database refuses for its content is split until the bad
// entry is alone; that one becomes a reject, and costs only itself. A database
// at fault makes no rejects: the error is a *FaultError that says what to do, or
// the connection's.
func (s *Store) Record(ctx context.Context, entries []Entry) ([]Verdict, error) {
	verdicts, err := s.recordParts(ctx, entries, &queueing{})
	return verdicts, rulesEnded(err)
}

// record is Record; how says what becomes of the operations' outbox rows.
func (s *Store) record(ctx context.Context, entries []Entry, how *queueing) ([]Verdict, error) {
	if slices.ContainsFunc(entries, standsApart) {
		return s.recordReferring(ctx, entries, how)
	}
	return s.recordBy(ctx, entries, how, s.recordOnce)
}

// recordBy is record, by what writes a batch in one transaction.
func (s *Store) recordBy(ctx context.Context, entries []Entry, how *queueing,
	once func(context.Context, []Entry, *queueing) ([]Verdict, error)) ([]Verdict, error) {
	if len(entries) == 0 {
		return nil, nil
	}
	var err error
	for range maxRecordTries {
		var verdicts []Verdict
		if verdicts, err = once(ctx, entries, how); err == nil {
			return verdicts, nil
		}
		if !s.lostRace(err) {
			break
		}
	}
	s.behind.Note(err)
	refused := database.ContentError(err)
	if refused == nil {
		return nil, fmt.Errorf("record batch of %d: %w", len(entries), database.Explain(err))
	}
	if len(entries) == 1 {
		if entries[0].Event == nil {
			return nil, fmt.Errorf("record reject of stream sequence %d: %w", entries[0].Message.Seq, database.Explain(err))
		}
		if err := s.isSoundAccepted(ctx); err != nil {
			return nil, err
		}
		e := entries[0]
		e.Source, e.ID, e.Type = e.Event.Source, e.Event.ID, e.Event.Type
		e.RulesVersion, e.Event = e.rulesVersion(), nil
		e.Rejection = refusal(refused)
		return s.record(ctx, []Entry{e}, how)
	}
	half := len(entries) / 2
	first, err := s.recordBy(ctx, entries[:half], how, once)
	if err != nil {
		return nil, err
	}
	second, err := s.recordBy(ctx, entries[half:], how, once)
	if err != nil {
		return nil, err
	}
	return append(first, second...), nil
}

// recordOnce looks the facts up, decides, and writes in one transaction.
func (s *Store) recordOnce(ctx context.Context, entries []Entry, how *queueing) ([]Verdict, error) {
	known, err := s.lookUp(ctx, entries)
	if err != nil {
		return nil, err
	}
	verdicts := make([]Verdict, len(entries))
	write := s.newWrite(how)
	for i := range entries {
		e := &entries[i]
		verdicts[i] = decide(e, known)
		switch verdicts[i].Kind {
		case Accepted:
			known.add(e)
			write.add(e)
		case Rejected:
			write.rejects = append(write.rejects, newReject{e, verdicts[i].Rejection})
		}
	}
	if write.budgets, err = budgets.Charge(ctx, s.pool, write.grants()); err != nil {
		return nil, err
	}
	leased, err := s.write(ctx, &write)
	if err != nil {
		return nil, err
	}
	how.leased = append(how.leased, leased...)
	return verdicts, nil
}

func (s *Store) newWrite(how *queueing) recordWrite {
	return recordWrite{how: how, behind: s.behind, above: s.behind.Highest()}
}

// decide says what an entry is, given all facts known so far.
func decide(e *Entry, known knownFacts) Verdict {
	if e.Rejection != nil {
		return Verdict{Kind: Rejected, Rejection: e.Rejection}
	}
	if verdict, found := known.decide(e, e.Event.FactKey); found {
		return verdict
	}
	for _, other := range e.Event.OtherFacts {
		if verdict, found := known.decide(e, other); found {
			return verdict
		}
	}
	if e.Event.OnlyIfKnown != nil {
		return Verdict{Kind: Rejected, Rejection: e.Event.OnlyIfKnown}
	}
	return Verdict{Kind: Accepted}
}

// conflict names both events and what they disagree on.
func conflict(event *Event, before knownFact, differences []string) *Rejection {
	return Rejectf(Conflict,
		"%s %s was recorded before with other content: event %q (stream sequence %d) against this event %q: %s. "+
			"Nothing was changed; publish a correction under a key of its own",
		event.Type, event.businessKey(), before.id, before.seq, event.ID, strings.Join(differences, "; "))
}

// newOperation is an operation with the entry it came from, and its number
// among that entry's operations.
type newOperation struct {
	*Operation
	entry *Entry
	leg   int
	date  time.Time // the business date
}

// key identifies an operation for ever.
type key = OperationKey

// sortByFact puts operations into the one order in which every transaction
// inserts facts, so that two of them cannot wait for each other. It is the same
// under rule sets that name different accounts.
func sortByFact(operations []newOperation) {
	slices.SortFunc(operations, func(a, b newOperation) int {
		x, y := &a.entry.Event.FactKey, &b.entry.Event.FactKey
		if c := bytes.Compare(x[:], y[:]); c != 0 {
			return c
		}
		return a.leg - b.leg
	})
}
