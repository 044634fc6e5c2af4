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

// spec is one run: a peer and what it meets.
type spec struct {
	part, name string
	peer       peers.Peer
	rep        int
	events     int
	// workers is the processes on one durable; 0 is 1.
	workers int
	// rate above 0 publishes so many events in a second while the peer works;
	// 0 is a backlog that waits.
	rate int
	// every is the time between two samples, 0 takes none.
	every time.Duration
	// behaviour without its members and number of events.
	behaviour sink.Behaviour
	settings  stage.Settings
	// kylin: each event is also a call at the second vendor; kylinDown: which
	// takes none.
	kylin, kylinDown bool
	// grown is the finished operations in the database before the run.
	grown int
	// database is used and kept; nil is a fresh one, dropped after the run.
	database *stage.Database
}

// How long the driver waits at each point.
const (
	startPatience = time.Minute
	// slowest is the rate in events a second below which a run is given up, and
	// grace what is added for the start, for doubt and for its verification.
	slowest = 40
	grace   = 90 * time.Second
	// warmUp is how many events each peer does before its clock starts: its
	// connections are open, its statements prepared, and the account has been
	// confirmed once.
	warmUp = 200
	// pausedFor is longer than any backlog takes to publish.
	pausedFor   = time.Hour
	ackPatience = 10 * time.Second
)

// course is a run that is under way.
type course struct {
	*driver
	spec
	books     books
	database  *stage.Database
	processes []*stage.Process
	consumer  jetstream.Consumer
	run       string
	member    int64 // of the first event
	newest    int64
	published []int64
	samples   []report.Sample
	// warm: the events to warm up are done.
	warm bool
}

// do makes one run and checks it. A run that fails its check is an error.
func (d *driver) do(ctx context.Context, s spec) (report.Record, error) {
	r, err := d.try(ctx, s)
	if err != nil {
		return r, fmt.Errorf("%s, %s, repetition %d: %w", s.name, s.peer.Name, s.rep, err)
	}
	r.Session, r.Build, r.At, r.Part = d.session, d.worker.Build, time.Now().UTC(), s.part
	r.Case, r.Peer, r.Rep, r.Events, r.Grown = s.name, s.peer.Name, s.rep, s.events, s.grown
	r.Workers, r.AtOnce, r.DelayMS, r.Rate = max(1, s.workers), s.peer.AtOnce, s.behaviour.DelayMS, s.rate
	latency := ""
	if s.rate > 0 {
		latency = fmt.Sprintf("  p50 %.1f p99 %.1f ms", r.P50MS, r.P99MS)
	}
	d.say("%-26s %-13s rep %d %8.0f/s %6.2f s  CPU worker %.2f postgres %.2f nats %.2f sink %.2f s  %3.0f MiB%s",
		s.name, s.peer.Name, s.rep, r.PerSecond, r.Seconds, r.CPU.Worker, r.CPU.Postgres, r.CPU.NATS, r.CPU.Sink, r.PeakMiB, latency)
	return r, report.Append(d.options.results, r)
}

func (d *driver) try(ctx context.Context, s spec) (r report.Record, err error) {
	c := &course{driver: d, spec: s, database: s.database}
	if c.books, err = booksOf(s.peer.Kind); err != nil {
		return r, err
	}
	if c.database == nil {
		if c.database, err = d.stage.MakeDatabase(ctx, s.peer.Kind); err != nil {
			return r, err
		}
		defer func() { err = errors.Join(err, d.stage.DropDatabase(context.WithoutCancel(ctx), c.database)) }()
	}
	defer func() {
		for _, p := range c.processes {
			p.Stop()
		}
	}()
	if err := c.prepare(ctx); err != nil {
		return r, err
	}
	before, err := d.stage.CPU(c.processes)
	if err != nil {
		return r, err
	}
	profile := d.startProfile(ctx, c.processes[0], s.peer)
	var began time.Time
	if s.rate > 0 {
		began = time.Now()
		err = c.publishPaced(ctx, began)
	} else {
		began, err = c.endPause(ctx)
	}
	if err == nil {
		err = c.waitUntilDone(ctx, int64(s.events))
	}
	if err != nil {
		return r, errors.Join(err, c.lastWords())
	}
	took := time.Since(began)
	after, err := d.stage.CPU(c.processes)
	if err != nil {
		return r, err
	}
	r.Seconds, r.PerSecond, r.CPU, r.Samples = took.Seconds(), float64(s.events)/took.Seconds(), after.Minus(before), c.samples
	profile()
	return r, c.finish(ctx, &r, began)
}

// prepare brings a run to the point where only GO is missing: everything
// runs, and the backlog waits behind a paused consumer.
func (c *course) prepare(ctx context.Context) error {
	c.runs++
	c.run = fmt.Sprintf("%s-%d", c.session, c.runs)
	if err := c.stage.NewStream(ctx); err != nil {
		return err
	}
	if err := c.expect(ctx, sink.Behaviour{}, warmUp); err != nil {
		return err
	}
	if err := c.startProcesses(ctx); err != nil {
		return errors.Join(err, c.lastWords())
	}
	if err := c.publish(ctx, warmUp); err != nil {
		return err
	}
	if err := c.waitUntilDone(ctx, warmUp); err != nil {
		return errors.Join(fmt.Errorf("warm up: %w", err), c.lastWords())
	}
	if err := c.waitUntilAcked(ctx); err != nil {
		return fmt.Errorf("warm up: %w", err)
	}
	c.warm = true
	var err error
	if c.newest, err = number(ctx, c.database.Pool, c.books.newest); err != nil {
		return err
	}
	if c.rate == 0 {
		if _, err := c.stage.JS.PauseConsumer(ctx, stage.Stream, stage.Durable, time.Now().Add(pausedFor)); err != nil {
			return fmt.Errorf("pause consumer: %w", err)
		}
	}
	if err := c.expect(ctx, c.behaviour, c.events); err != nil {
		return err
	}
	if c.rate == 0 {
		if err := c.publish(ctx, c.events); err != nil {
			return err
		}
	}
	return c.stage.Checkpoint(ctx)
}

// pauseMore is the time from the call that ends a pause to its end. The broker
// wakes the requests that wait when a pause runs out, not when it is lifted.
const pauseMore = 100 * time.Millisecond

// endPause lets the pause run out, and returns when it has.
func (c *course) endPause(ctx context.Context) (began time.Time, err error) {
	began = time.Now().Add(pauseMore)
	if _, err := c.stage.JS.PauseConsumer(ctx, stage.Stream, stage.Durable, began); err != nil {
		return began, fmt.Errorf("end pause: %w", err)
	}
	timer := time.NewTimer(time.Until(began))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return began, ctx.Err()
}

// expect tells the sink what comes next: events of members that nobody had.
func (c *course) expect(ctx context.Context, b sink.Behaviour, events int) error {
	c.member = c.nextMember
	c.nextMember += int64(events)
	b.FirstMember, b.Events = c.member, events
	return c.stage.Sink.Behave(ctx, b)
}

func (c *course) startProcesses(ctx context.Context) error {
	for n := range max(1, c.workers) {
		var p *stage.Process
		var err error
		if c.peer.Kind == peers.Worker {
			settings := c.settings
			settings.AtOnce = c.peer.AtOnce
			settings.Extra = append(settings.Extra, c.options.workerEnv...)
			if c.kylin {
				settings.Kylin = c.stage.Sink.KylinURL()
			}
			if c.kylinDown {
				if settings.Kylin, err = stage.ClosedURL(); err != nil {
					return err
				}
			}
			p, err = c.stage.WorkerProcess(n, c.database, settings)
		} else {
			p, err = c.stage.PeerProcess(c.peer, c.database)
		}
		if err != nil {
			return err
		}
		c.processes = append(c.processes, p)
	}
	return c.until(ctx, startPatience, "the durable to be read", func(ctx context.Context) (bool, error) {
		var err error
		if c.consumer, err = c.stage.JS.Consumer(ctx, stage.Stream, stage.Durable); errors.Is(err, jetstream.ErrConsumerNotFound) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("look for consumer: %w", err)
		}
		return c.consumer.CachedInfo().NumWaiting >= len(c.processes), nil
	})
}

// waitUntilDone waits until the sink has seen every event and no row is open.
func (c *course) waitUntilDone(ctx context.Context, events int64) error {
	patience := grace + time.Duration(events)*time.Second/slowest
	goal := sink.Goal{Zhimai: events}
	if c.secondAnswers() {
		goal.Kylin = events
	}
	err := c.until(ctx, patience, "the sink to see every event", func(ctx context.Context) (bool, error) {
		return c.stage.Sink.Reached(ctx, goal)
	})
	if err != nil {
		return err
	}
	return c.until(ctx, patience, "every row to be done", func(ctx context.Context) (bool, error) {
		open, err := number(ctx, c.database.Pool, c.books.open, c.targets())
		return open == 0, err
	})
}

// secondAnswers tells whether each event now ends with two calls. Events to
// warm up have none at the second vendor.
func (c *course) secondAnswers() bool {
	return c.kylin && c.warm && !c.kylinDown && !c.behaviour.KylinHangs
}

// targets are the accounts that must come to an end.
func (c *course) targets() []string {
	if c.kylin && !c.secondAnswers() {
		return []string{"zhimai"}
	}
	return []string{"zhimai", "kylin"}
}

func (c *course) waitUntilAcked(ctx context.Context) error {
	return c.until(ctx, ackPatience, "every event to be acknowledged", func(ctx context.Context) (bool, error) {
		info, err := c.consumer.Info(ctx)
		if err != nil {
			return false, fmt.Errorf("look at consumer: %w", err)
		}
		return info.NumPending == 0 && info.NumAckPending == 0, nil
	})
}

// pollEvery is how often a condition is looked at; the clock of a run is as
// exact as this.
const pollEvery = 5 * time.Millisecond

// until waits for a condition while all processes live.
func (c *course) until(ctx context.Context, most time.Duration, what string, ok func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, most, fmt.Errorf("waited %v for %s", most, what))
	defer cancel()
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		done, err := ok(ctx)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			return err
		case done:
			return nil
		}
		for _, p := range c.processes {
			if p.Ended() {
				return errors.New("the process under test has ended")
			}
		}
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
}

// lastWords is what the processes have said, as an error.
func (c *course) lastWords() error {
	var all error
	for _, p := range c.processes {
		all = errors.Join(all, errors.New(p.LastWords()))
	}
	return all
}
