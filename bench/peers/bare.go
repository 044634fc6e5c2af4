package peers

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// bareSchema is the smallest form of the ledger's three tables.
const bareSchema = `
CREATE TABLE bare_operations (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key         text NOT NULL UNIQUE,
    body        bytea NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE bare_outbox (
    operation_id bigint PRIMARY KEY,
    lease_until  timestamptz NOT NULL
);
CREATE INDEX bare_outbox_lease_idx ON bare_outbox (lease_until);
CREATE TABLE bare_postings (
    operation_id bigint PRIMARY KEY,
    posted_at    timestamptz NOT NULL DEFAULT now()
)`

const (
	// bareRecord writes new operations and their outbox rows, leased. Keys that
	// are there already come back as no rows.
	bareRecord = `
WITH o AS (
    INSERT INTO bare_operations (key, body) SELECT k, b FROM unnest($1::text[], $2::bytea[]) AS t (k, b)
    ON CONFLICT (key) DO NOTHING RETURNING id, key
), x AS (
    INSERT INTO bare_outbox (operation_id, lease_until) SELECT id, now() + interval '60 s' FROM o
)
SELECT id, key FROM o`

	// bareSweep takes over rows whose lease has expired, as a process that
	// crashed leaves them.
	bareSweep = `
WITH due AS (
    SELECT operation_id FROM bare_outbox WHERE lease_until <= now() ORDER BY lease_until LIMIT 1000 FOR UPDATE SKIP LOCKED
), x AS (
    UPDATE bare_outbox SET lease_until = now() + interval '60 s' FROM due WHERE bare_outbox.operation_id = due.operation_id
    RETURNING bare_outbox.operation_id
)
SELECT o.id, o.key, o.body FROM x JOIN bare_operations AS o ON o.id = x.operation_id`

	// bareSettle moves rows from the outbox to the postings.
	bareSettle = `
WITH gone AS (DELETE FROM bare_outbox WHERE operation_id = ANY ($1) RETURNING operation_id)
INSERT INTO bare_postings (operation_id) SELECT operation_id FROM gone`
)

// What the bare pipeline settles at once, at most, and how long it gathers.
const (
	settleMost   = 2000
	settleGather = 5 * time.Millisecond
)

// sweepEvery is the time between two looks for expired leases.
const sweepEvery = time.Second

// bare is the pipeline with nothing on it: rows are recorded and handed on in
// memory, posted, and settled in batches. A call that fails leaves its row to
// the sweep, a minute later.
type bare struct {
	pool   *pgxpool.Pool
	poster *poster
	work   chan row
	done   chan int64
}

func runBare(ctx context.Context, e Environment) error {
	pool, err := openPool(ctx, e.Database, 8)
	if err != nil {
		return err
	}
	b := &bare{pool: pool, poster: newPoster(e.URL, e.AtOnce), work: make(chan row, 4*batchSize), done: make(chan int64, 4*settleMost)}
	for range e.AtOnce {
		go b.send(ctx)
	}
	go b.settle(ctx)
	go b.sweep(ctx)
	consumer, err := e.open(ctx)
	if err != nil {
		return err
	}
	return take(consumer, func(rows []row) error { return b.record(ctx, rows) })
}

func (b *bare) record(ctx context.Context, rows []row) error {
	keys, bodies, byKey := make([]string, len(rows)), make([][]byte, len(rows)), make(map[string][]byte, len(rows))
	for i, r := range rows {
		keys[i], bodies[i], byKey[r.key] = r.key, r.body, r.body
	}
	found, err := b.pool.Query(ctx, bareRecord, keys, bodies)
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	defer found.Close()
	fresh := make([]row, 0, len(rows))
	for found.Next() {
		var r row
		if err := found.Scan(&r.id, &r.key); err != nil {
			return fmt.Errorf("read recorded: %w", err)
		}
		r.body = byKey[r.key]
		fresh = append(fresh, r)
	}
	if err := found.Err(); err != nil {
		return fmt.Errorf("record: %w", err)
	}
	for _, r := range fresh {
		b.work <- r
	}
	return nil
}

func (b *bare) sweep(ctx context.Context) {
	for range time.Tick(sweepEvery) {
		found, err := b.pool.Query(ctx, bareSweep)
		if err != nil {
			report("sweep", err)
			continue
		}
		rows, err := pgx.CollectRows(found, func(line pgx.CollectableRow) (r row, err error) {
			err = line.Scan(&r.id, &r.key, &r.body)
			return r, err
		})
		if err != nil {
			report("sweep", err)
		}
		for _, r := range rows {
			b.work <- r
		}
	}
}

func (b *bare) send(ctx context.Context) {
	for r := range b.work {
		if err := b.poster.post(ctx, r.body); err != nil {
			report("post", err)
			continue
		}
		b.done <- r.id
	}
}

func (b *bare) settle(ctx context.Context) {
	for {
		ids := []int64{<-b.done}
		time.Sleep(settleGather)
		for more := true; more && len(ids) < settleMost; {
			select {
			case id := <-b.done:
				ids = append(ids, id)
			default:
				more = false
			}
		}
		if _, err := b.pool.Exec(ctx, bareSettle, ids); err != nil {
			report("settle", err)
		}
	}
}
