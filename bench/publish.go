package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"pointsledger/bench/peers"
	"pointsledger/bench/report"
)

// storePatience is how long the broker may take for what is still on its way.
const storePatience = 2 * time.Minute

// publish stores n events as fast as the broker takes them.
func (c *course) publish(ctx context.Context, n int) error {
	futures := make([]jetstream.PubAckFuture, n)
	for i := range n {
		raw := c.event(i, time.Now())
		var err error
		if futures[i], err = c.stage.JS.PublishAsync(peers.Subject, raw, jetstream.WithStallWait(storePatience)); err != nil {
			return fmt.Errorf("publish: %w", err)
		}
	}
	return c.stored(ctx, futures)
}

// event is number i of those to warm up, or of the run.
func (c *course) event(i int, at time.Time) []byte {
	if !c.warm {
		return peers.Event(c.run+"-warm", i, c.member+int64(i), false, at)
	}
	return peers.Event(c.run, i, c.member+int64(i), c.kylin, at)
}

// stored waits for the broker's answers.
func (c *course) stored(ctx context.Context, futures []jetstream.PubAckFuture) error {
	timer := time.NewTimer(storePatience)
	defer timer.Stop()
	for _, f := range futures {
		select {
		case <-f.Ok():
		case err := <-f.Err():
			return fmt.Errorf("publish: %w", err)
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
			return errors.New("publish: the broker does not answer")
		}
	}
	return nil
}

// publishPaced publishes the run's events evenly, keeps the moment of each,
// and takes samples meanwhile.
func (c *course) publishPaced(ctx context.Context, began time.Time) error {
	c.published = make([]int64, c.events)
	gap := time.Second / time.Duration(c.rate)
	timer := time.NewTimer(0)
	defer timer.Stop()
	<-timer.C
	look := c.newSampler(began)
	futures := make([]jetstream.PubAckFuture, 0, c.events)
	for i := range c.events {
		timer.Reset(time.Until(began.Add(time.Duration(i) * gap)))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		}
		now := time.Now()
		c.published[i] = now.UnixNano()
		future, err := c.stage.JS.PublishAsync(peers.Subject, c.event(i, now), jetstream.WithStallWait(storePatience))
		if err != nil {
			return fmt.Errorf("publish: %w", err)
		}
		futures = append(futures, future)
		if c.every > 0 && time.Since(began) >= time.Duration(len(c.samples)+1)*c.every {
			if err := look(ctx, int64(i+1)); err != nil {
				return err
			}
		}
	}
	return c.stored(ctx, futures)
}

// newSampler takes samples; it is called between two events, so it must be
// quick.
func (c *course) newSampler(began time.Time) func(ctx context.Context, published int64) error {
	last, lastErr := c.stage.CPU(c.processes)
	return func(ctx context.Context, published int64) error {
		if lastErr != nil {
			return lastErr
		}
		s := report.Sample{Second: time.Since(began).Seconds()}
		seen, err := c.stage.Sink.Stats(ctx)
		if err != nil {
			return err
		}
		s.Waiting = published - seen.Zhimai.Distinct
		if s.MiB, _, err = c.processes[0].Memory(); err != nil {
			return err
		}
		err = c.database.Pool.QueryRow(ctx, `SELECT pg_total_relation_size('outbox') / 1024,
			COALESCE((SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'outbox'), 0)`).Scan(&s.OutboxKiB, &s.OutboxDead)
		if err != nil {
			return fmt.Errorf("look at outbox: %w", err)
		}
		now, err := c.stage.CPU(c.processes)
		if err != nil {
			return err
		}
		s.CPU, last = now.Minus(last), now
		c.samples = append(c.samples, s)
		return nil
	}
}
