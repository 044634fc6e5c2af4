package republished

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"pointsledger/ledger"
)

// resolvedByWorker is who resolved a reject that a worker closed.
const resolvedByWorker = "worker"

// knownRejects finds open rejects whose fact was accepted after they were
// rejected: it was published again, put right (operations_business_key_idx,
// rejects_pkey). A conflict is never among them: its fact was in the ledger
// before, with other content, and what is owed a person decides. Nor is a reject
// whose fact was accepted before it: it may have been meant as a correction.
const knownRejects = `
SELECT r.id, min(o.id) AS operation
  FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::uuid[]) AS hint (id, source, type, business_key, fact_key)
  JOIN rejects r ON r.id = hint.id AND r.resolved_at IS NULL AND r.reason_code <> 'conflict'
  JOIN operations o ON o.business_key = hint.business_key AND o.event_source = hint.source AND o.event_type = hint.type
   AND o.recorded_at > r.rejected_at AND o.fact_key = hint.fact_key
 GROUP BY r.id`

// sqlCountKnownRejects counts them and changes nothing.
const sqlCountKnownRejects = `SELECT count(*) FROM (` + knownRejects + `) AS known`

// sqlCloseKnownRejects resolves them. It locks each in order of id, after
// everybody who resolves rejects in batches; no row means that nothing was
// published again.
const sqlCloseKnownRejects = `
WITH known AS (` + knownRejects + `
), locked AS (
    SELECT r.id, k.operation FROM known k JOIN rejects r ON r.id = k.id WHERE r.resolved_at IS NULL ORDER BY r.id FOR UPDATE OF r SKIP LOCKED
)
UPDATE rejects r
   SET resolved_at = now(), resolved_by = $6, resolution = 'in the ledger by now: operation ' || l.operation || ', published again'
  FROM locked l
 WHERE r.id = l.id AND r.resolved_at IS NULL`

// maxHints bounds what one look at open rejects holds in memory: the
// hints of the newest, some 200 bytes each.
const maxHints = 10_000

// Book reads rejects ([ledger.Store]).
type Book interface {
	EachReject(ctx context.Context, ids []ledger.RejectID, each func([]ledger.Reject) error) error
}

// Closer closes open rejects whose fact is in the ledger by now. It is not
// safe for concurrent use; several, in several workers, are.
type Closer struct {
	pool *pgxpool.Pool
	book Book
	fact func(*ledger.Reject) (ledger.FactHint, bool)
	// hints are of open rejects up to the id read.
	hints map[ledger.RejectID]ledger.FactHint
	read  ledger.RejectID
	// operation was the newest at the last look.
	operation int64
}

// NewCloser makes one; fact reads what a reject is about.
func NewCloser(pool *pgxpool.Pool, book Book, fact func(*ledger.Reject) (ledger.FactHint, bool)) *Closer {
	return &Closer{pool: pool, book: book, fact: fact, hints: map[ledger.RejectID]ledger.FactHint{}}
}

// sqlNewestOpenRejects lists open rejects behind an id, the newest first
// (rejects_open_idx or rejects_pkey); sqlNewestOperation reads operations_pkey.
const (
	sqlNewestOpenRejects = `SELECT id FROM rejects WHERE resolved_at IS NULL AND reason_code <> 'conflict' AND id > $1 ORDER BY id DESC LIMIT $2`
	sqlNewestOperation   = `SELECT COALESCE(max(id), 0) FROM operations`
)

// Close closes what is known by now, and says how many rejects that were. Each
// reject's bytes are read once; while nothing was recorded nothing is looked up.
func (k *Closer) Close(ctx context.Context) (closed int64, err error) {
	if err := k.learn(ctx); err != nil {
		return 0, fmt.Errorf("close known rejects: %w", err)
	}
	var newest int64
	if err := k.pool.QueryRow(ctx, sqlNewestOperation).Scan(&newest); err != nil {
		return 0, fmt.Errorf("close known rejects: %w", err)
	}
	if len(k.hints) == 0 || newest == k.operation {
		return 0, nil
	}
	tag, err := k.pool.Exec(ctx, sqlCloseKnownRejects, append(hintArgs(k.hints), resolvedByWorker)...)
	if err != nil {
		return 0, fmt.Errorf("close known rejects: %w", err)
	}
	k.operation = newest
	if len(k.hints) >= maxHints { // forget what was resolved meanwhile
		clear(k.hints)
		k.read, k.operation = 0, 0
	}
	return tag.RowsAffected(), nil
}

// learn reads the open rejects that came since.
func (k *Closer) learn(ctx context.Context) error {
	rows, err := k.pool.Query(ctx, sqlNewestOpenRejects, int64(k.read), maxHints)
	if err != nil {
		return err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[ledger.RejectID])
	if err != nil || len(ids) == 0 {
		return err
	}
	rising := make([]ledger.RejectID, len(ids))
	for i, id := range ids {
		rising[len(ids)-1-i] = id
	}
	err = k.book.EachReject(ctx, rising, func(batch []ledger.Reject) error {
		for i := range batch {
			if hint, ok := k.fact(&batch[i]); ok {
				k.hints[batch[i].ID] = hint
			}
		}
		return nil
	})
	if err == nil {
		k.read, k.operation = ids[0], 0 // what came since is looked up at once
	}
	return err
}

// hintArgs are the parameters of the statements. A key that no text of Postgres can hold,
// as one with a NUL, is no operation's; asked for, it would fail for all others, too.
func hintArgs(hints map[ledger.RejectID]ledger.FactHint) []any {
	var ids []int64
	var sources, types, keys []string
	var facts [][16]byte
	for id, hint := range hints {
		if ledger.Storable(hint.BusinessKey) != hint.BusinessKey {
			continue
		}
		ids, sources = append(ids, int64(id)), append(sources, hint.Source)
		types, keys = append(types, hint.Type), append(keys, hint.BusinessKey)
		facts = append(facts, hint.Fact)
	}
	return []any{ids, sources, types, keys, facts}
}

// Count says of how many of these open rejects the fact is in the
// ledger by now. It reads their bytes in batches and changes nothing.
func Count(ctx context.Context, pool *pgxpool.Pool, book Book, ids []ledger.RejectID, fact func(*ledger.Reject) (ledger.FactHint, bool)) (known int64, err error) {
	err = book.EachReject(ctx, ids, func(batch []ledger.Reject) error {
		hints := map[ledger.RejectID]ledger.FactHint{}
		for i := range batch {
			if hint, ok := fact(&batch[i]); ok {
				hints[batch[i].ID] = hint
			}
		}
		var n int64
		err := pool.QueryRow(ctx, sqlCountKnownRejects, hintArgs(hints)...).Scan(&n)
		known += n
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("count rejects whose fact is known: %w", err)
	}
	return known, nil
}
