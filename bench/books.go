package main

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"pointsledger/bench/peers"
)

// books are the statements that look at a kind's tables. newest is the id
// before the first row of a run; made counts the rows since then, their
// distinct keys, and those that are done; open is 1 as long as a row is open
// for one of the targets.
type books struct{ newest, made, open string }

// booksOf knows each kind. The worker's key is unique by a constraint as well;
// counting it again does not rest on that.
func booksOf(kind string) (books, error) {
	switch kind {
	case peers.Worker:
		return books{
			newest: `SELECT COALESCE(max(id), 0) FROM operations`,
			made: `SELECT count(*), count(DISTINCT target || '/' || biz_id),
				(SELECT count(*) FROM postings WHERE operation_id > $1 AND kind = 'posted') FROM operations WHERE id > $1`,
			open: `SELECT count(*) FROM (SELECT FROM outbox WHERE target = ANY ($1) LIMIT 1) AS one`,
		}, nil
	case peers.Bare:
		return books{
			newest: `SELECT COALESCE(max(id), 0) FROM bare_operations`,
			made: `SELECT count(*), count(DISTINCT key),
				(SELECT count(*) FROM bare_postings WHERE operation_id > $1) FROM bare_operations WHERE id > $1`,
			open: `SELECT count(*) FROM (SELECT FROM bare_outbox WHERE $1::text[] IS NOT NULL LIMIT 1) AS one`,
		}, nil
	case peers.Naive:
		return books{
			newest: `SELECT COALESCE(max(id), 0) FROM naive_outbox`,
			made:   `SELECT count(*), count(DISTINCT key), count(done_at) FROM naive_outbox WHERE id > $1`,
			open:   `SELECT count(*) FROM (SELECT FROM naive_outbox WHERE done_at IS NULL AND $1::text[] IS NOT NULL LIMIT 1) AS one`,
		}, nil
	case peers.River:
		return books{
			newest: `SELECT COALESCE(max(id), 0) FROM river_job`,
			made:   `SELECT count(*), count(DISTINCT args ->> 'key'), count(*) FILTER (WHERE state = 'completed') FROM river_job WHERE id > $1`,
			open: `SELECT count(*) FROM (SELECT FROM river_job
				WHERE state IN ('available', 'running', 'pending', 'retryable', 'scheduled') AND $1::text[] IS NOT NULL LIMIT 1) AS one`,
		}, nil
	}
	return books{}, fmt.Errorf("look at tables: no kind %q", kind)
}

func number(ctx context.Context, pool *pgxpool.Pool, sql string, args ...any) (int64, error) {
	var n int64
	if err := pool.QueryRow(ctx, sql, args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("look at tables: %w", err)
	}
	return n, nil
}
