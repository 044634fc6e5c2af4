package torture

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"pointsledger/internal/sabotage"
)

// Options says what to run. The schedule and the traffic are a function of
// Events, Faults, Seed, Workers, Habits and Sabotage alone.
type Options struct {
	// Events is how many messages are published, 100 to 1,000,000.
	Events int
	// Faults is how many faults are injected while they are worked off.
	Faults int
	Seed   uint64
	// Dedup is what Zhimai does with a key it knows: success, code or off.
	// Kylin always honours keys: its page promises it.
	Dedup string
	// Echo: Zhimai's records show the reason that was sent.
	Echo bool
	// Lag is how late Zhimai's records show what was applied, 0 to an hour.
	Lag time.Duration
	// Habits: midway Zhimai's records change their zone, reach back less, and show
	// no reasons any more.
	Habits bool
	// Workers is the most worker processes at a time, 1 to 3.
	Workers int
	// Keep keeps the folder with the logs, whatever the verdict. That of a run
	// that does not agree is kept anyway.
	Keep bool
	// Sabotage names the promise that the workers break, empty for none.
	Sabotage string
}

// Sabotages lists the promises that a sabotage build of the worker can break.
func Sabotages() []string {
	return []string{sabotage.PostBeforeSend, sabotage.AckBeforeCommit, sabotage.NewKeyOnRetry, sabotage.NoLeaseCheck, sabotage.BlindResend,
		sabotage.AbsenceWithoutControl, sabotage.FirstReferenceWins, sabotage.NoWitness, sabotage.TakeBackDoesNotWait}
}

// Validate names every bad field at once.
func (o Options) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if o.Events < 100 || o.Events > 1_000_000 {
		bad("--events: want 100 to 1,000,000, got %d", o.Events)
	}
	if o.Faults < 0 || o.Faults > 10_000 {
		bad("--faults: want 0 to 10,000, got %d", o.Faults)
	}
	if !slices.Contains([]string{"success", "code", "off"}, o.Dedup) {
		bad("--dedup: want success, code or off, got %q", o.Dedup)
	}
	if o.Workers < 1 || o.Workers > maxWorkers {
		bad("--workers: want 1 to %d, got %d", maxWorkers, o.Workers)
	}
	if o.Lag < 0 || o.Lag > time.Hour {
		bad("--lag: want 0 to 1h, got %v", o.Lag)
	}
	if o.Sabotage != "" && !slices.Contains(Sabotages(), o.Sabotage) {
		bad("--sabotage: want one of %q, got %q", Sabotages(), o.Sabotage)
	}
	if o.Sabotage == sabotage.NoLeaseCheck && o.Workers < 2 {
		bad("--sabotage %s: want --workers 2 or more, or nobody else takes the lease", o.Sabotage)
	}
	forgetting := []string{sabotage.BlindResend, sabotage.AbsenceWithoutControl, sabotage.FirstReferenceWins, sabotage.NoWitness}
	if slices.Contains(forgetting, o.Sabotage) && o.Dedup != "off" {
		bad("--sabotage %s: want --dedup off, or the vendor hides what it does", o.Sabotage)
	}
	return errors.Join(errs...)
}
