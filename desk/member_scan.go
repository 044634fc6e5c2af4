package desk

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// memberScanPart is how many ids one statement of a scan looks through: a
// fraction of a second, so that it can be stopped.
const memberScanPart = 250_000

// overlapped is how much later than an operation with a higher id another may
// say that it was recorded: transactions that overlap take their time when they
// begin.
const overlapped = 10 * time.Minute

// scanMember looks through ended operations for those that were recorded with a
// scanned code, newest first, and notes in found how far it came.
func (d *Desk) scanMember(ctx context.Context, q MemberQuery, found *MemberOperations) (ids []int64, err error) {
	var first, last int64
	if err := d.pool.QueryRow(ctx, sqlOperationIDs).Scan(&first, &last); err != nil {
		return nil, fmt.Errorf("read operation ids: %w", err)
	}
	if last == 0 {
		return nil, nil // the ledger is empty
	}
	from := first
	if !q.ScanSince.IsZero() {
		if from, err = d.firstRecorded(ctx, q.ScanSince.Add(-overlapped), first, last); err != nil {
			return nil, err
		}
	}
	if q.ScanMost > 0 {
		from = max(from, last-q.ScanMost+1)
	}
	for to := last; to >= from; to -= memberScanPart {
		part := max(from, to-memberScanPart+1)
		for _, look := range []struct{ sql, value string }{{sqlMemberPosted, q.MemberID}, {sqlMemberCoded, q.Code}} {
			if look.value == "" {
				continue
			}
			hits, err := d.memberIDs(ctx, look.sql, q.Account, look.value, part, to)
			if err != nil {
				return nil, err
			}
			ids = append(ids, hits...)
		}
		if q.Progress != nil {
			q.Progress(last - part + 1)
		}
	}
	if from > last {
		found.ScanEnded = true
		return ids, nil
	}
	found.ScanEnded = from > first
	_, found.ScannedFrom, err = d.recordedFrom(ctx, from)
	return ids, err
}

// firstRecorded is the first id that was recorded at a time or later, between
// two ids; last + 1 when there is none. It halves what is left at each step.
func (d *Desk) firstRecorded(ctx context.Context, since time.Time, first, last int64) (int64, error) {
	low, high := first, last+1
	for low < high {
		middle := low + (high-low)/2
		id, at, err := d.recordedFrom(ctx, middle)
		switch {
		case err != nil:
			return 0, err
		case at.IsZero() || !at.Before(since):
			high = middle
		default:
			low = id + 1
		}
	}
	return low, nil
}

// recordedFrom is the first operation from an id on, and when it was recorded;
// the zero time when there is none.
func (d *Desk) recordedFrom(ctx context.Context, id int64) (found int64, at time.Time, err error) {
	err = d.pool.QueryRow(ctx, sqlRecordedFrom, id).Scan(&found, &at)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return 0, time.Time{}, fmt.Errorf("read operation: %w", err)
	}
	return found, at, nil
}
