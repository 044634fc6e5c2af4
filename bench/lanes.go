package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"pointsledger/bench/peers"
	"pointsledger/bench/report"
	"pointsledger/bench/sink"
	"pointsledger/bench/stage"
)

const (
	// laneRate is what the vendor allows, and laneLive how many live events a
	// second there are beside the backlog.
	laneRate, laneLive = 10, 5
	laneBacklog        = 20_000
	laneTime           = 5 * time.Minute
	// lanePatience is how long the last live events may take.
	lanePatience = 15 * time.Second
)

// lanes: live events while a backlog of the bulk lane drains at 10 calls a second.
// It ends after a while, not with the backlog, which takes half an hour: what is
// left is not counted. The rate of the good events is that of the bulk lane.
func (d *driver) lanes(ctx context.Context) error {
	if !d.wanted("ours") {
		return nil
	}
	backlog, took := given(d.options.events, laneBacklog), min(d.options.sustain, laneTime)
	s := spec{part: "lanes", name: "live beside bulk", peer: d.peerNamed("ours"), rep: 1, rate: laneLive,
		events: backlog + int(took.Seconds()*laneLive), behaviour: sink.Behaviour{DelayMS: delayMS},
		settings: stage.Settings{Rate: laneRate, BulkReviews: true}}
	r, err := d.tryLanes(ctx, s, backlog)
	if err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	r.Session, r.Build, r.At, r.Part = d.session, d.worker.Build, time.Now().UTC(), s.part
	r.Case, r.Peer, r.Rep, r.Events = s.name, s.peer.Name, s.rep, s.events
	r.Workers, r.AtOnce, r.DelayMS, r.Rate = 1, s.peer.AtOnce, s.behaviour.DelayMS, s.rate
	d.say("%-26s %-13s %.0f s: live %d/s p50 %.0f p99 %.0f max %.0f ms, bulk %.2f/s, calls in all %.2f/s", s.name, s.peer.Name, r.Seconds, s.rate,
		r.P50MS, r.P99MS, r.MaxMS, r.GoodPerSecond, r.PerSecond)
	return report.Append(d.options.results, r)
}

func (d *driver) tryLanes(ctx context.Context, s spec, backlog int) (r report.Record, err error) {
	c := &course{driver: d, spec: s}
	if c.books, err = booksOf(s.peer.Kind); err != nil {
		return r, err
	}
	if c.database, err = d.stage.MakeDatabase(ctx, s.peer.Kind); err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, d.stage.DropDatabase(context.WithoutCancel(ctx), c.database)) }()
	defer func() {
		for _, p := range c.processes {
			p.Stop()
		}
	}()
	if err := c.prepare(ctx); err != nil {
		return r, err
	}
	if err := c.publishReviews(ctx, backlog); err != nil {
		return r, err
	}
	err = c.until(ctx, grace, "the backlog to be recorded", func(ctx context.Context) (bool, error) {
		n, err := number(ctx, c.database.Pool, `SELECT count(*) FROM operations WHERE id > $1`, c.newest)
		return n == int64(backlog), err
	})
	if err != nil {
		return r, errors.Join(err, c.lastWords())
	}
	began := time.Now()
	if err := c.publishLive(ctx, began, backlog); err != nil {
		return r, errors.Join(err, c.lastWords())
	}
	took := time.Since(began)
	return r, c.finishLanes(ctx, &r, began, took, backlog)
}

// publishReviews stores the backlog: events of a type that the rules send in bulk.
func (c *course) publishReviews(ctx context.Context, n int) error {
	futures := make([]jetstream.PubAckFuture, n)
	for i := range n {
		var err error
		raw := peers.Review(c.run, i, c.member+int64(i), time.Now())
		if futures[i], err = c.stage.JS.PublishAsync(peers.ReviewSubject, raw, jetstream.WithStallWait(storePatience)); err != nil {
			return fmt.Errorf("publish: %w", err)
		}
	}
	return c.stored(ctx, futures)
}

// publishLive publishes the events behind the backlog evenly, and keeps the moment
// of each.
func (c *course) publishLive(ctx context.Context, began time.Time, backlog int) error {
	c.published = make([]int64, c.events)
	gap := time.Second / time.Duration(c.rate)
	ticker := time.NewTicker(gap)
	defer ticker.Stop()
	var futures []jetstream.PubAckFuture
	for i := backlog; i < c.events; i++ {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
		now := time.Now()
		c.published[i] = now.UnixNano()
		future, err := c.stage.JS.PublishAsync(peers.Subject, c.event(i, now), jetstream.WithStallWait(storePatience))
		if err != nil {
			return fmt.Errorf("publish: %w", err)
		}
		futures = append(futures, future)
	}
	return c.stored(ctx, futures)
}

// finishLanes reads what arrived, and checks that every live event did, that nothing
// came twice, and that there was a backlog to the end.
func (c *course) finishLanes(ctx context.Context, r *report.Record, began time.Time, took time.Duration, backlog int) error {
	var arrived []int64
	end := began.Add(took).UnixNano()
	err := c.until(ctx, lanePatience, "the last live events to arrive", func(ctx context.Context) (bool, error) {
		var err error
		if arrived, err = c.stage.Sink.Arrivals(ctx, "zhimai"); err != nil {
			return false, err
		}
		for _, at := range arrived[backlog:] {
			if at == 0 {
				return false, nil
			}
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	if r.Sink, err = c.stage.Sink.Stats(ctx); err != nil {
		return err
	}
	bulk, waits, live := 0, 0, make([]float64, 0, len(arrived)-backlog)
	for i, at := range arrived {
		switch {
		case i >= backlog:
			live = append(live, float64(at-c.published[i])/1e6)
		case at == 0:
			waits++
		case at >= began.UnixNano() && at <= end:
			bulk++
		}
	}
	switch {
	case waits == 0:
		return errors.New("check: the backlog had drained: nothing was shown")
	case r.Sink.Zhimai.AppliedAgain != 0 || r.Sink.Stray != 0:
		return fmt.Errorf("check: %d calls came again, %d that nobody expected", r.Sink.Zhimai.AppliedAgain, r.Sink.Stray)
	}
	r.Seconds, r.GoodPerSecond = took.Seconds(), float64(bulk)/took.Seconds()
	r.PerSecond = float64(bulk+len(live)) / took.Seconds()
	r.P50MS, r.P99MS, r.MaxMS = quantiles(live)
	return nil
}
