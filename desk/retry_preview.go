package desk

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"time"

	"pointsledger/ledger"
)

// Remap maps a stored message again. ignored: the rules in use want no record
// of it; the entry is then empty.
type Remap func(ledger.Message) (entry ledger.Entry, ignored bool)

// RetryPreview is what mapping rejects again would come to.
type RetryPreview struct {
	// With is by the rules that would be used.
	With RetryTally
	// Other is by the rules to compare with, nil when there are none.
	Other *RetryTally
	// PointsDiffer counts events that both accept, with other points or at other
	// accounts, or about another share of an earlier one; KeysDiffer those that get other fact keys: a re-sent event would
	// count beside them. Example is one of either, 0 when there is none.
	PointsDiffer, KeysDiffer int64
	Example                  ledger.RejectID
}

// PreviewRetry says what RetryRejects would do with open rejects, and changes
// nothing. other is nil, or the rules to compare with; refunded as in RejectRetry. Memory: one batch, and
// 32 bytes (with Go's map some 80) for each operation that would be new.
func (d *Desk) PreviewRetry(ctx context.Context, ids []ledger.RejectID, with, other Remap, refunded bool, progress func(done, found int)) (RetryPreview, error) {
	rebuilt, err := d.rebuiltAt(ctx)
	if err != nil {
		return RetryPreview{}, err
	}
	a := retryForecast{desk: d, refunded: refunded, remap: with, rebuilt: rebuilt, seen: map[ledger.FactKey]uint64{}}
	b := retryForecast{desk: d, refunded: refunded, remap: other, rebuilt: rebuilt, seen: map[ledger.FactKey]uint64{}}
	p := RetryPreview{}
	done := 0
	err = d.book.EachReject(ctx, ids, func(batch []ledger.Reject) error {
		first, err := a.judge(ctx, batch)
		if err != nil {
			return err
		}
		if other != nil {
			second, err := b.judge(ctx, batch)
			if err != nil {
				return err
			}
			p.compare(batch, first, second)
		}
		done += len(batch)
		if progress != nil {
			progress(done, len(ids))
		}
		return nil
	})
	if err != nil {
		return RetryPreview{}, err
	}
	a.tally.Found = int64(len(ids))
	a.tally.sort()
	p.With = a.tally
	if other != nil {
		b.tally.Found = int64(len(ids))
		b.tally.sort()
		p.Other = &b.tally
	}
	return p, nil
}

// compare counts what two sets of rules make differently of events that both
// accept.
func (p *RetryPreview) compare(batch []ledger.Reject, a, b []*ledger.Event) {
	for i := range batch {
		if a[i] == nil || b[i] == nil {
			continue
		}
		switch {
		case a[i].FactKey != b[i].FactKey:
			p.KeysDiffer++
		case !maps.Equal(pointsByKey(a[i]), pointsByKey(b[i])) || !sameReferral(a[i].Refers, b[i].Refers):
			p.PointsDiffer++
		default:
			continue
		}
		if p.Example == 0 {
			p.Example = batch[i].ID
		}
	}
}

func pointsByKey(e *ledger.Event) map[ledger.OperationKey]ledger.Points {
	points := make(map[ledger.OperationKey]ledger.Points, len(e.Operations))
	for i := range e.Operations {
		points[ledger.OperationKey{Account: e.Operations[i].Account, BizID: e.Operations[i].BizID}] = e.Operations[i].Points
	}
	return points
}

// sameReferral tells whether two rules take back, or make spent, the same.
func sameReferral(a, b *ledger.Referral) bool {
	if a == nil || b == nil {
		return a == b
	}
	sameShare := (a.ShareFen == nil) == (b.ShareFen == nil) && (a.ShareFen == nil || *a.ShareFen == *b.ShareFen)
	return sameShare && a.Consumes == b.Consumes && slices.Equal(a.Origins, b.Origins)
}

// businessKey is what a person searches the event by.
func businessKey(e *ledger.Event) string {
	switch {
	case e.Refers != nil:
		return e.Refers.BusinessKey
	case e.Declares != nil:
		return e.Declares.Text()
	}
	return e.Operations[0].BusinessKey
}

func contentPrint(content string) uint64 {
	sum := sha256.Sum256([]byte(content))
	return binary.BigEndian.Uint64(sum[:])
}

// retryForecast is a preview by one set of rules.
type retryForecast struct {
	desk  *Desk
	remap Remap
	tally RetryTally
	// refunded: what was refunded or cancelled since would be accepted as well.
	refunded bool
	// rebuilt is when the ledger was rebuilt, zero for never.
	rebuilt time.Time
	// seen holds the facts that earlier rejects would take, with a print of
	// their content.
	seen map[ledger.FactKey]uint64
}

// judge says what a batch would come to. It returns the events that would be
// accepted, nil in place of the others.
func (f *retryForecast) judge(ctx context.Context, batch []ledger.Reject) ([]*ledger.Event, error) {
	accepted := make([]*ledger.Event, len(batch))
	inDoubt, others := remapAll(batch, f.remap, f.rebuilt, &f.tally)
	if err := f.desk.leaveWaiting(ctx, inDoubt, others); err != nil {
		return nil, err
	}
	var items []retried
	var entries []ledger.Entry
	for _, x := range append(inDoubt, others...) {
		if x.ignored {
			f.tally.Ignored++
			continue
		}
		items, entries = append(items, x), append(entries, x.entry)
	}
	verdicts, err := f.desk.book.Judge(ctx, entries)
	if err != nil {
		return nil, err
	}
	var refunded map[ledger.FactKey]bool
	if !f.refunded {
		if refunded, err = f.desk.refundedSince(ctx, items); err != nil {
			return nil, err
		}
	}
	for i, verdict := range verdicts {
		x := &items[i]
		if verdict.Kind == ledger.Accepted && !x.inDoubt && x.isRefunded(refunded) {
			f.tally.Refunded++
			continue
		}
		if verdict.Kind == ledger.Accepted {
			verdict = f.decideSeen(x.entry.Event)
		}
		switch verdict.Kind {
		case ledger.Accepted:
			f.tally.accept(x.entry.Event, x.inDoubt)
			accepted[x.at] = x.entry.Event
		case ledger.Duplicate:
			f.tally.Duplicates++
		case ledger.Rejected:
			f.tally.fail(x.reject.ID, verdict.Rejection)
		}
	}
	return accepted, nil
}

// decideSeen is decide for what earlier rejects of the preview would have
// recorded.
func (f *retryForecast) decideSeen(e *ledger.Event) ledger.Verdict {
	content := contentPrint(e.Content)
	for _, fact := range append([]ledger.FactKey{e.FactKey}, e.OtherFacts...) {
		before, found := f.seen[fact]
		switch {
		case !found:
		case e.RepeatIsDuplicate || before == content:
			return ledger.Verdict{Kind: ledger.Duplicate}
		default:
			return ledger.Verdict{Kind: ledger.Rejected, Rejection: ledger.Rejectf(ledger.Conflict,
				"%s %s: an earlier reject of this retry has the same key with other content, and would be accepted", e.Type, businessKey(e))}
		}
	}
	f.seen[e.FactKey] = content
	return ledger.Verdict{Kind: ledger.Accepted}
}

// retried is a reject with what became of it by other rules.
type retried struct {
	// at is its place in the batch.
	at      int
	reject  *ledger.Reject
	entry   ledger.Entry
	ignored bool
	// inDoubt: the ledger was rebuilt since, so the event may have been
	// retried, and granted, before the loss.
	inDoubt bool
}

// remapAll maps the open rejects of a batch again: first those from before the
// ledger was rebuilt (zero: never), as they are the older ones in the stream,
// too. The others are counted as skipped. A conflict is not mapped again: by
// other rules it might get another key, and count beside what it conflicts with.
func remapAll(batch []ledger.Reject, remap Remap, rebuilt time.Time, tally *RetryTally) (inDoubt, others []retried) {
	for i := range batch {
		r := &batch[i]
		if r.ResolvedAt != nil {
			tally.Skipped++
			continue
		}
		tally.saw(r.Message.BrokerTime)
		x := retried{at: i, reject: r, inDoubt: r.Message.BrokerTime.Before(rebuilt)}
		if r.Code == ledger.Conflict {
			x.entry = ledger.Entry{Message: r.Message, Rejection: &ledger.Rejection{Code: ledger.Conflict, Reason: r.Reason}}
		} else {
			x.entry, x.ignored = remap(r.Message)
		}
		if x.inDoubt {
			inDoubt = append(inDoubt, x)
		} else {
			others = append(others, x)
		}
	}
	return inDoubt, others
}

// sqlRebuiltAt is when somebody last began to add events of the stream (replay
// stream), or a worker did because commits may be lost; NULL means never. It
// reads all of ops_actions: people's acts are few.
const sqlRebuiltAt = `SELECT max(at) FROM ops_actions WHERE action IN ($1, $2)`

// rebuiltAt is when the ledger was last rebuilt or mended; zero means never. A reject from
// before that may be one that was retried in the ledger that is lost: neither the
// stream nor this ledger knows.
func (d *Desk) rebuiltAt(ctx context.Context) (at time.Time, err error) {
	var last *time.Time
	if err := d.pool.QueryRow(ctx, sqlRebuiltAt, ActStream, ledger.ActRecover).Scan(&last); err != nil {
		return at, fmt.Errorf("read when the ledger was rebuilt: %w", err)
	}
	if last != nil {
		at = *last
	}
	return at, nil
}
