package peers

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Environment is what a peer works with.
type Environment struct {
	NATS, Stream, Durable string
	Database              string
	// URL takes the calls.
	URL string
	// AtOnce is how many calls a peer that can choose makes at once.
	AtOnce int
	// Cooldown is River's pause between two fetches.
	Cooldown time.Duration
}

// Of one batch: the most messages, and what is asked of the broker ahead.
const (
	batchSize = 1000
	ahead     = 2 * batchSize
	// ackWait is longer than any batch takes, also on a loaded machine.
	ackWait = time.Minute
	// maxAckPending is that of the worker's consumer.
	maxAckPending = 20_000
)

func openPool(ctx context.Context, database string, connections int32) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(database)
	if err != nil {
		return nil, fmt.Errorf("read database url: %w", err)
	}
	config.MaxConns = connections
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open pool: %w", err)
	}
	return pool, nil
}

// open makes the durable consumer, with explicit acknowledgement.
func (e Environment) open(ctx context.Context) (jetstream.Consumer, error) {
	conn, err := nats.Connect(e.NATS)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS: %w", err)
	}
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, fmt.Errorf("open jetstream: %w", err)
	}
	consumer, err := js.CreateConsumer(ctx, e.Stream, jetstream.ConsumerConfig{
		Durable: e.Durable, AckPolicy: jetstream.AckExplicitPolicy, AckWait: ackWait, MaxAckPending: maxAckPending, MaxDeliver: -1,
	})
	if err != nil {
		return nil, fmt.Errorf("make consumer: %w", err)
	}
	return consumer, nil
}

// take reads messages in batches of whatever has arrived, and acknowledges
// each message after write has returned without error: the rows are committed.
// write gets a slice of its own. A write that fails ends it: such a run counts
// for nothing.
func take(consumer jetstream.Consumer, write func([]row) error) error {
	messages, err := consumer.Messages(jetstream.PullMaxMessages(ahead))
	if err != nil {
		return fmt.Errorf("pull messages: %w", err)
	}
	defer messages.Stop()
	arrived := make(chan jetstream.Msg, ahead)
	failed := make(chan error, 1)
	go func() {
		for {
			m, err := messages.Next()
			if err != nil {
				failed <- fmt.Errorf("next message: %w", err)
				return
			}
			arrived <- m
		}
	}()
	batch := make([]jetstream.Msg, 0, batchSize)
	for {
		select {
		case err := <-failed:
			return err
		case m := <-arrived:
			batch = append(batch[:0], m)
		}
		batch = gather(batch, arrived)
		rows := make([]row, len(batch))
		for i, m := range batch {
			if rows[i], err = decode(m.Data()); err != nil {
				return err
			}
		}
		if err := write(rows); err != nil {
			return fmt.Errorf("write batch: %w", err)
		}
		for _, m := range batch {
			if err := m.Ack(); err != nil {
				return fmt.Errorf("acknowledge: %w", err)
			}
		}
	}
}

// gather adds what else is there, without waiting.
func gather(batch []jetstream.Msg, arrived <-chan jetstream.Msg) []jetstream.Msg {
	for len(batch) < batchSize {
		select {
		case m := <-arrived:
			batch = append(batch, m)
		default:
			return batch
		}
	}
	return batch
}

// report says what went wrong with one row or one loop; the row stays open, so
// the run fails its check.
func report(what string, err error) { log.Printf("%s: %v", what, err) }
