package runs

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"pointsledger/evidence"
)

// halfDay is how far a record may be from its noon whose day alone is known.
const halfDay = 12 * time.Hour

var recordColumns = []string{"run_id", "account", "member_id", "points", "text", "reference", "at", "date_only"}

// sqlLoaded notes that all records of a file are loaded.
const sqlLoaded = `UPDATE reconcile_runs SET state = 'comparing', holds_from = $2, holds_until = $3 WHERE id = $1 AND state = 'reading'`

// sqlListed reads whom a file run is about; no rows means all.
const sqlListed = `SELECT member_id FROM reconcile_members WHERE run_id = $1`

// load copies the records of the file, all or none. Those that are far from the window
// are not kept.
func (run *running) load(ctx context.Context) error {
	rows, err := run.pool.Query(ctx, sqlListed, run.id)
	if err != nil {
		return fmt.Errorf("read the members of run %d: %w", run.id, err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("read the members of run %d: %w", run.id, err)
	}
	listed := map[string]bool{}
	for _, name := range names {
		listed[name] = true
	}
	next, stop := iter.Pull2(run.file.Records)
	defer stop()
	l := &loading{run: run, next: next, listed: listed}
	return pgx.BeginTxFunc(ctx, run.pool, readWrite, func(tx pgx.Tx) error {
		if _, err := tx.CopyFrom(ctx, pgx.Identifier{"reconcile_records"}, recordColumns, l); err != nil {
			if l.err != nil {
				return l.err
			}
			return fmt.Errorf("load records: %w", err)
		}
		if l.rows == 0 {
			return ErrEmptyFile
		}
		from, until := l.days()
		if _, err := tx.Exec(ctx, sqlLoaded, run.id, from, until); err != nil {
			return fmt.Errorf("end loading: %w", err)
		}
		return nil
	})
}

// loading is a pgx.CopyFromSource of a file's records.
type loading struct {
	run            *running
	next           func() (Record, error, bool)
	listed         map[string]bool
	row            []any
	err            error
	rows           int64
	oldest, newest time.Time
}

// Next implements pgx.CopyFromSource.
func (l *loading) Next() bool {
	for {
		record, err, some := l.next()
		if !some || err != nil {
			l.err = err
			return false
		}
		if l.rows++; l.rows%10_000 == 0 {
			l.run.tell(Progress{Phase: Loading, Done: l.rows})
		}
		if l.oldest.IsZero() || record.At.Before(l.oldest) {
			l.oldest = record.At
		}
		if record.At.After(l.newest) {
			l.newest = record.At
		}
		if record.DateOnly {
			record.At = record.At.Add(halfDay)
		}
		far := record.At.Before(l.run.reachBack.Add(-l.run.pad)) || !record.At.Before(l.run.until.Add(2*l.run.pad))
		if far || len(l.listed) > 0 && !l.listed[record.MemberID] {
			continue
		}
		l.row = append(l.row[:0], l.run.id, l.run.names[0], storable(record.MemberID), record.Points, storable(record.Text), reference(record.Text), record.At, record.DateOnly)
		return true
	}
}

// Values implements pgx.CopyFromSource.
func (l *loading) Values() ([]any, error) { return l.row, nil }

// Err implements pgx.CopyFromSource.
func (l *loading) Err() error { return l.err }

// days are from when to when the file has records, by whole days; nil when it has none.
func (l *loading) days() (from, until *time.Time) {
	if l.oldest.IsZero() {
		return nil, nil
	}
	day := func(at time.Time, days int) *time.Time {
		year, month, d := at.In(l.run.zone).Date()
		begins := time.Date(year, month, d+days, 0, 0, 0, 0, l.run.zone)
		return &begins
	}
	return day(l.oldest, 0), day(l.newest, 1)
}

// reference is what stands at the end of a text, nil for none.
func reference(text string) *string {
	if found := evidence.ReferenceAtEnd(text); found != "" {
		return &found
	}
	return nil
}

// storable is a text without what Postgres does not take.
func storable(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\ufffd"), "\x00", "")
}
