package database

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// sequence is what numbers the rows of a table. Logical replication and some
// restores copy the rows and not the sequence, which then gives out ids that
// exist. Waiting until a person has set it is all that is safe: each try would
// take further ids, and those in the gaps below the highest may be in somebody's
// hand, or in a person's notes, for an operation that a lost commit held.
type sequence struct {
	table, constraint string
	// sql reads whether the sequence is behind its table, by primary key.
	sql string
}

// sqlOperationsBehind, sqlAttemptsBehind and sqlRejectsBehind tell whether the
// next id of a table may exist already, and its highest id. A sequence that the
// role may not read counts as well. Lock nothing (by primary key); one row always.
const (
	sqlOperationsBehind = `
SELECT CASE WHEN has_sequence_privilege(t.seq, 'USAGE') OR has_sequence_privilege(t.seq, 'SELECT')
            THEN COALESCE(pg_sequence_last_value(t.seq), 0) < t.highest ELSE false END, t.highest
  FROM (SELECT pg_get_serial_sequence('operations', 'id')::regclass AS seq, COALESCE((SELECT max(id) FROM operations), 0) AS highest OFFSET 0) AS t`
	sqlAttemptsBehind = `
SELECT CASE WHEN has_sequence_privilege(t.seq, 'USAGE') OR has_sequence_privilege(t.seq, 'SELECT')
            THEN COALESCE(pg_sequence_last_value(t.seq), 0) < t.highest ELSE false END, t.highest
  FROM (SELECT pg_get_serial_sequence('attempts', 'id')::regclass AS seq, COALESCE((SELECT max(id) FROM attempts), 0) AS highest OFFSET 0) AS t`
	sqlRejectsBehind = `
SELECT CASE WHEN has_sequence_privilege(t.seq, 'USAGE') OR has_sequence_privilege(t.seq, 'SELECT')
            THEN COALESCE(pg_sequence_last_value(t.seq), 0) < t.highest ELSE false END, t.highest
  FROM (SELECT pg_get_serial_sequence('rejects', 'id')::regclass AS seq, COALESCE((SELECT max(id) FROM rejects), 0) AS highest OFFSET 0) AS t`
)

// numbered are those that a worker takes ids from.
var numbered = [...]sequence{
	{"operations", "operations_pkey", sqlOperationsBehind},
	{"attempts", "attempts_pkey", sqlAttemptsBehind},
	{"rejects", "rejects_pkey", sqlRejectsBehind},
}

// advice is the line that mends it.
func (s *sequence) advice() string {
	return fmt.Sprintf("the sequence of %[1]s.id is behind its rows (logical replication and some restores do not copy sequences): SELECT setval(pg_get_serial_sequence('%[1]s', 'id'), (SELECT max(id) FROM %[1]s))", s.table)
}

// sequenceOf is the sequence that a refused id came from, nil for any other error.
func sequenceOf(pg *pgconn.PgError) *sequence {
	if pg.Code != codeUniqueViolation {
		return nil
	}
	for i := range numbered {
		if numbered[i].constraint == pg.ConstraintName {
			return &numbered[i]
		}
	}
	return nil
}

// Sequences keeps whether a sequence was seen behind its table. The zero value has
// seen nothing. Safe for concurrent use.
type Sequences struct {
	looked, seen atomic.Bool
	// highest is the highest operation id that is known to be committed. An id
	// that is given out later is above it.
	highest atomic.Int64
}

// Note keeps that a statement was refused because of a sequence.
func (b *Sequences) Note(err error) {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && sequenceOf(pg) != nil {
		b.seen.Store(true)
	}
}

// Took keeps an operation id that a committed statement took, which began when
// above was the highest: a lower one says that the sequence went back.
func (b *Sequences) Took(id, above int64) {
	if id <= above {
		b.seen.Store(true)
		return
	}
	b.Committed(id)
}

// Committed keeps the highest id.
func (b *Sequences) Committed(id int64) {
	for {
		before := b.highest.Load()
		if id <= before || b.highest.CompareAndSwap(before, id) {
			return
		}
	}
}

// Highest is the highest operation id that is known to be committed.
func (b *Sequences) Highest() int64 { return b.highest.Load() }

// Exhausted notes that no operation's id can be taken, and is the error.
func (b *Sequences) Exhausted() error {
	b.seen.Store(true)
	return &FaultError{Err: ErrSequenceBehind, Do: numbered[0].advice()}
}

// Check looks at the sequences once, and again after one was seen behind: then it
// refuses to take ids until all are ahead of their tables.
func (b *Sequences) Check(ctx context.Context, pool *pgxpool.Pool) error {
	if b.looked.Load() && !b.seen.Load() {
		return nil
	}
	lines, err := b.Behind(ctx, pool)
	if err != nil {
		return err
	}
	if len(lines) > 0 {
		return &FaultError{Err: ErrSequenceBehind, Do: strings.Join(lines, "; ")}
	}
	return nil
}

// Behind looks at every sequence that a worker takes ids from, and says
// what is to be done about those that are behind; nothing is well. After it has
// found one Check refuses until they are set.
func (b *Sequences) Behind(ctx context.Context, pool *pgxpool.Pool) (lines []string, err error) {
	for i := range numbered {
		var behind bool
		var highest int64
		if err := pool.QueryRow(ctx, numbered[i].sql).Scan(&behind, &highest); err != nil {
			return nil, fmt.Errorf("look at the sequence of %s: %w", numbered[i].table, Explain(err))
		}
		if behind {
			lines = append(lines, numbered[i].advice())
		} else if i == 0 {
			b.highest.Store(highest) // lower than before in a database that was restored
		}
	}
	b.looked.Store(true)
	b.seen.Store(len(lines) > 0)
	return lines, nil
}
