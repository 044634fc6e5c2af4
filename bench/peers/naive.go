package peers

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go/jetstream"
)

// naiveSchema is the usual outbox: rows stay and change their state.
const naiveSchema = `
CREATE TABLE naive_outbox (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key     text NOT NULL UNIQUE,
    body    bytea NOT NULL,
    done_at timestamptz
);
CREATE INDEX naive_outbox_open_idx ON naive_outbox (id) WHERE done_at IS NULL`

// The naive poller's constants, which are what it is limited by.
const (
	naiveTick = 100 * time.Millisecond
	naiveRows = 100
)

// runNaive inserts one message in one transaction; a poller takes up to 100
// rows every 100 ms and posts them one after another.
func runNaive(ctx context.Context, e Environment) error {
	pool, err := openPool(ctx, e.Database, 4)
	if err != nil {
		return err
	}
	poster := newPoster(e.URL, 1)
	go func() {
		for range time.Tick(naiveTick) {
			if err := naivePoll(ctx, pool, poster); err != nil {
				report("poll", err)
			}
		}
	}()
	consumer, err := e.open(ctx)
	if err != nil {
		return err
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(1))
	if err != nil {
		return fmt.Errorf("pull messages: %w", err)
	}
	for {
		m, err := messages.Next()
		if err != nil {
			return fmt.Errorf("next message: %w", err)
		}
		r, err := decode(m.Data())
		if err != nil {
			return err
		}
		if _, err := pool.Exec(ctx, `INSERT INTO naive_outbox (key, body) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING`, r.key, r.body); err != nil {
			return fmt.Errorf("insert: %w", err)
		}
		if err := m.Ack(); err != nil {
			return fmt.Errorf("acknowledge: %w", err)
		}
	}
}

// naivePoll holds its rows locked while it calls.
func naivePoll(ctx context.Context, pool *pgxpool.Pool, poster *poster) error {
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		found, err := tx.Query(ctx, `SELECT id, body FROM naive_outbox WHERE done_at IS NULL ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED`, naiveRows)
		if err != nil {
			return fmt.Errorf("select: %w", err)
		}
		rows, err := pgx.CollectRows(found, func(line pgx.CollectableRow) (r row, err error) {
			err = line.Scan(&r.id, &r.body)
			return r, err
		})
		if err != nil {
			return fmt.Errorf("read rows: %w", err)
		}
		for _, r := range rows {
			if err := poster.post(ctx, r.body); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, `UPDATE naive_outbox SET done_at = now() WHERE id = $1`, r.id); err != nil {
				return fmt.Errorf("mark as done: %w", err)
			}
		}
		return nil
	})
}
