package torture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"pointsledger/internal/command"
	"pointsledger/internal/rehearsal"
	"pointsledger/vendorapi/sim"
)

// run is one run of the torture.
type run struct {
	options Options
	out     io.Writer
	began   time.Time
	rig     *rig
	workers *workers
	monitor *monitor
	inject  *injector
	publish *publisher
	plan    *rehearsal.Plan
	acks    *ackWatch
	judge   *judge
	worked  time.Duration
	allSent atomic.Bool
	stalled *StallError
}

// Run tortures real processes and compares the books. The verdict is true
// only when the error is nil. Everything it started has ended when it returns.
func Run(ctx context.Context, o Options, out io.Writer) (_ Verdict, err error) {
	dir, err := os.MkdirTemp("", "points-ledger-torture-")
	if err != nil {
		return Verdict{}, fmt.Errorf("make temporary folder: %w", err)
	}
	r := &run{options: o, out: out, began: time.Now(), rig: &rig{options: o, dir: dir}}
	r.workers = &workers{rig: r.rig}
	verdict := Verdict{}
	ctx, cancel := context.WithCancel(ctx)
	defer func() {
		cancel()
		r.workers.killAll()
		err = errors.Join(err, r.rig.stop())
		if o.Keep || err == nil && !verdict.Agrees() {
			fmt.Fprintf(out, "logs are kept in %s\n", dir)
			return
		}
		err = errors.Join(err, os.RemoveAll(dir))
	}()
	verdict, err = r.run(ctx)
	return verdict, err
}

// say prints a line of progress with the time since the beginning.
func (r *run) say(format string, args ...any) {
	fmt.Fprintf(r.out, "[%6.1f s] %s\n", time.Since(r.began).Seconds(), fmt.Sprintf(format, args...))
}

func (r *run) run(ctx context.Context) (Verdict, error) {
	o := r.options
	r.say("torture: %s events, %d faults, seed %d, dedup %s, reason echoed %t, records %v late, habits that change %t, at most %d workers%s",
		command.Count(o.Events), o.Faults, o.Seed, o.Dedup, o.Echo, o.Lag, o.Habits, o.Workers, sabotaged(o))
	if err := r.rig.build(ctx); err != nil {
		return Verdict{}, err
	}
	r.say("programs built: worker, nats-server")
	if err := r.rig.start(ctx); err != nil {
		return Verdict{}, err
	}
	r.say("Postgres, NATS and the simulator run")
	r.plan = rehearsal.Generate(rehearsal.Options{Events: o.Events, Seed: o.Seed, Kylin: true, Life: true})
	if err := r.rig.giveHistory(ctx, r.plan); err != nil {
		return Verdict{}, err
	}
	r.monitor = newMonitor(r.rig, r.plan.Counts.Operations)
	r.publish = newPublisher(r.rig, r.plan, r.monitor)
	r.acks = &ackWatch{rig: r.rig, publish: r.publish}
	r.inject = &injector{rig: r.rig, workers: r.workers, monitor: r.monitor, acks: r.acks, publish: r.publish, habits: newHabits(r.options), quiet: r.quiet, say: r.say, done: map[Kind]int{}}
	if err := r.workers.set(ctx, o.Workers); err != nil {
		return Verdict{}, err
	}
	if err := r.work(ctx); err != nil {
		return Verdict{}, err
	}
	r.judge = &judge{rig: r.rig, plan: r.plan, confirmed: r.publish.stored, rules: r.inject.rules}
	if err := r.judge.run(ctx); err != nil {
		return Verdict{}, err
	}
	if err := r.judgeWorkers(); err != nil {
		return Verdict{}, err
	}
	verdict := Judge(o.Seed, r.judge.findings)
	if o.Keep || !verdict.Agrees() {
		if err := errors.Join(r.rig.keepMoves(ctx), r.rig.keepBook(ctx)); err != nil {
			return Verdict{}, err
		}
	}
	return verdict, r.print(ctx, verdict)
}

func sabotaged(o Options) string {
	if o.Sabotage == "" {
		return ""
	}
	return ", workers broken on purpose: " + o.Sabotage
}

// work publishes, does harm, and waits until all is quiet.
func (r *run) work(ctx context.Context) error {
	watching, stopWatching := context.WithCancel(ctx)
	group, groupCtx := errgroup.WithContext(ctx)
	var watchers errgroup.Group
	watchers.Go(func() error { r.monitor.run(watching); return nil })
	watchers.Go(func() error { r.acks.run(watching); return nil })
	watchers.Go(func() error { r.showProgress(watching); return nil })
	defer func() { stopWatching(); _ = watchers.Wait() }() // none returns an error
	group.Go(func() error {
		err := r.publish.run(groupCtx)
		r.allSent.Store(err == nil)
		return err
	})
	group.Go(func() error { return r.inject.run(groupCtx, Schedule(r.options)) })
	err := group.Wait()
	if err == nil {
		r.say("all is published, all faults are over")
		// A schedule can leave fewer workers than it began with.
		err = r.workers.set(ctx, 1)
	}
	if err == nil {
		err = r.waitUntilQuiet(ctx)
	}
	if !errors.As(err, &r.stalled) && err != nil {
		return err
	}
	r.worked = time.Since(r.began)
	if r.stalled != nil {
		r.say("%s; %d workers run", r.stalled, r.workers.running())
		r.workers.dumpAll()
	}
	r.workers.stopAll()
	return r.waitForLateCalls(ctx)
}

// quiet: everything is published, recorded, and posted or parked.
func (r *run) quiet() bool {
	s, _ := r.monitor.snapshot()
	return r.allSent.Load() && s.left == 0 && s.open == 0
}

func (r *run) waitUntilQuiet(ctx context.Context) error {
	// Only what is seen from now on counts.
	for seen := 0; seen < 3; {
		pause(ctx, 4*pollEvery)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if r.quiet() {
			seen++
			continue
		}
		seen = 0
		if s, still := r.monitor.snapshot(); still > stallAfter {
			return &StallError{s.String()}
		}
	}
	return nil
}

// holdFor is the longest that the simulator holds a call before it applies
// it, with room to spare: a call that its caller gave up may still do harm.
const holdFor = 5 * time.Second

// waitForLateCalls waits until the vendors' books have stood still for that
// long.
func (r *run) waitForLateCalls(ctx context.Context) error {
	since, last := time.Now(), map[sim.Vendor]sim.Totals{}
	return until(ctx, patience, "the vendors' books to stand still", func(ctx context.Context) bool {
		var now map[sim.Vendor]sim.Totals
		if err := r.rig.control(ctx, http.MethodGet, "/_sim/totals", nil, &now); err != nil {
			return false
		}
		if !reflect.DeepEqual(now, last) {
			since, last = time.Now(), now
		}
		return time.Since(since) > holdFor
	})
}

// judgeWorkers adds what was seen of the processes on the way.
func (r *run) judgeWorkers() error {
	panics, err := r.workers.panics()
	if err != nil {
		return err
	}
	if len(panics) > 0 {
		r.judge.find(WorkerLives, len(panics), "%s", panics[0])
	}
	if hung := r.workers.hung; len(hung) > 0 {
		r.judge.find(WorkerLives, len(hung), "%s did not end within %v of SIGTERM", hung[0], stopPatience)
	}
	if r.acks.early > 0 {
		r.judge.find(RecordedBeforeAck, r.acks.early, "%s", r.acks.first)
	}
	if r.stalled != nil {
		r.judge.find(GetsQuiet, 1, "%s", r.stalled)
	}
	return nil
}

// showProgress prints how far the run is, every few seconds.
func (r *run) showProgress(ctx context.Context) {
	for ctx.Err() == nil {
		pause(ctx, 5*time.Second)
		s, _ := r.monitor.snapshot()
		r.say("%5.1f %% done: %s of %s published, %s recorded, %s posted, %s parked, %s open, %s in doubt", 100*r.monitor.progress(),
			command.Count(r.publish.published.Load()), command.Count(len(r.plan.Messages)), command.Count(s.recorded),
			command.Count(s.posted), command.Count(s.parked), command.Count(s.open), command.Count(s.doubt))
	}
}
