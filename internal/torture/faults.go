package torture

import (
	"context"
	"fmt"
	"sync"
	"syscall"
	"time"

	"pointsledger/vendorapi/sim"
)

// injector does the harm of a schedule. Most faults end before the next one
// begins; a paused worker and a vendor that is away go on beside others.
type injector struct {
	rig     *rig
	workers *workers
	monitor *monitor
	acks    *ackWatch
	publish *publisher
	habits  *habits
	// rules are the rule sets that were added so far.
	rules []newRules
	// quiet says that no progress is to be expected any more.
	quiet func() bool
	say   func(format string, args ...any)

	// vendors is held while a fault changes the simulator.
	vendors sync.Mutex
	group   sync.WaitGroup
	mu      sync.Mutex
	done    map[Kind]int
	failed  error
}

// run injects all faults in order, each when the progress has come to it.
func (in *injector) run(ctx context.Context, faults []Fault) error {
	defer in.group.Wait()
	for i, f := range faults {
		if err := in.waitForProgress(ctx, f.At); err != nil {
			return err
		}
		in.say("fault %3d of %d at %5.1f %%: %s", i+1, len(faults), 100*in.monitor.progress(), f.Kind)
		if err := in.inject(ctx, f); err != nil {
			return fmt.Errorf("inject %s: %w", f.Kind, err)
		}
	}
	in.group.Wait()
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.failed
}

// waitForProgress waits until so much is done, or until there is no more to do.
func (in *injector) waitForProgress(ctx context.Context, at float64) error {
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for in.monitor.progress() < at && !in.quiet() {
		if s, still := in.monitor.snapshot(); still > stallAfter {
			return &StallError{s.String()}
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		}
	}
	return nil
}

func (in *injector) inject(ctx context.Context, f Fault) error {
	in.mu.Lock()
	in.done[f.Kind]++
	in.mu.Unlock()
	switch f.Kind {
	case KillWorker, StopWorker, RemoveWorker, PauseWorker:
		return in.harmWorker(ctx, f)
	case AddWorker:
		if err := in.workers.add(ctx); err != nil {
			return err
		}
	case RestartPostgres:
		if err := in.rig.postgres.Restart(ctx); err != nil {
			return err
		}
	case KillNATS:
		in.rig.nats.Stop(stopPatience, syscall.SIGKILL)
		if err := in.rig.startNATS(ctx); err != nil {
			return err
		}
	case CutVendors:
		in.rig.toVendors.cut(f.Lasts, f.LostReplies, func(d time.Duration) { pause(ctx, d) })
	case CutPostgres:
		in.rig.toPostgres.cut(f.Lasts, f.LostReplies, func(d time.Duration) { pause(ctx, d) })
	case CutNATS:
		in.rig.toNATS.cut(f.Lasts, f.LostReplies, func(d time.Duration) { pause(ctx, d) })
	case RollBackDisk:
		if err := in.rollBackDisk(ctx, f); err != nil {
			return err
		}
	case RollBackQuiet:
		if err := in.rollBackQuiet(ctx); err != nil {
			return err
		}
	case DeleteDurable:
		if err := in.deleteDurable(ctx); err != nil {
			return err
		}
	case StaleRules:
		if err := in.staleRules(ctx, f); err != nil {
			return err
		}
	case StepClock:
		if err := in.stepClock(ctx); err != nil {
			return err
		}
	case OutageZhimai, OutageKylin, OutageBoth, WrongKey, HideReasons, ShortHistory, EmptyRecords, StaleRecords, LateRecords, OtherZone:
		if !f.ForGood {
			return in.harmVendor(ctx, f)
		}
		if err := in.changeHabits(ctx, f.Kind); err != nil {
			return err
		}
	default:
		return fmt.Errorf("no such fault")
	}
	in.monitor.over(f.Kind)
	return nil
}

func (in *injector) harmWorker(ctx context.Context, f Fault) error {
	at, err := in.workers.take(ctx, f.Pick)
	if err != nil {
		return err
	}
	if f.Kind == PauseWorker || f.Kind == KillWorker {
		in.waitUntilHolding(ctx, in.workers.name(at))
	}
	switch f.Kind {
	case KillWorker:
		in.workers.kill(at)
	case StopWorker:
		in.workers.stop(at, true)
	case RemoveWorker:
		in.workers.stop(at, false)
	case PauseWorker:
		in.workers.freeze(at, true)
		in.group.Go(func() {
			pause(ctx, f.Lasts)
			in.workers.freeze(at, false)
			in.monitor.over(f.Kind)
			in.workers.giveBack(at)
		})
		return nil
	}
	in.workers.giveBack(at)
	in.monitor.over(f.Kind)
	return nil
}

// holdingPatience bounds the wait for a worker to hold rows; one that holds
// none is harmed all the same.
const holdingPatience = 2 * time.Second

// waitUntilHolding waits until the worker has rows under way: only then does
// its end or its sleep hurt.
func (in *injector) waitUntilHolding(ctx context.Context, name string) {
	_ = until(ctx, holdingPatience, "rows under way", func(ctx context.Context) bool {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		var holding bool
		err := in.rig.pool.QueryRow(ctx, sqlHolds, name).Scan(&holding)
		return err == nil && holding
	})
}

// harmVendor changes the simulator and takes the change back later.
func (in *injector) harmVendor(ctx context.Context, f Fault) error {
	outage := string(sim.OutageClose)
	if f.Refuse {
		outage = string(sim.Outage503)
	}
	harm, heal := map[string]any{}, map[string]any{}
	vendor := func(name string) {
		harm[name], heal[name] = map[string]any{"outage": outage}, map[string]any{"outage": string(sim.OutageOff)}
	}
	switch f.Kind {
	case OutageZhimai:
		vendor("zhimai")
	case OutageKylin:
		vendor("kylin")
	case OutageBoth:
		vendor("zhimai")
		vendor("kylin")
	case WrongKey:
		harm["zhimai"], heal["zhimai"] = map[string]any{"open_key": "another-key"}, map[string]any{"open_key": sim.DefaultOpenKey}
	default:
		harm["zhimai"] = harmOf(f.Kind)
	}
	in.vendors.Lock()
	if changes := harmOf(f.Kind); changes != nil {
		heal["zhimai"] = in.habits.before(changes)
	}
	if err := in.rig.setVendors(ctx, harm); err != nil {
		in.vendors.Unlock()
		return err
	}
	in.group.Go(func() {
		defer in.vendors.Unlock()
		pause(ctx, f.Lasts)
		if err := in.rig.setVendors(ctx, heal); err != nil {
			in.mu.Lock()
			in.failed = err
			in.mu.Unlock()
		}
		in.monitor.over(f.Kind)
	})
	return nil
}
