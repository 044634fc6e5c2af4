package main

import (
	"context"
	"time"

	"pointsledger/bench/sink"
	"pointsledger/bench/stage"
)

const (
	// The vendor's faults that the target names.
	failPercent, timeoutPercent = 5, 2
	// verifyAfter is short because the sink shows its records at once.
	verifyAfter = 500 * time.Millisecond
)

// faulty: 5 % of the events fail with status 500 and 2 % are answered after
// the worker's timeout, each on its first call, half of them applied all the
// same. The worker looks doubt up in the member's records (in_doubt: verify,
// the default). A call that hangs holds one of the calls at once: both runs
// have so many that the hanging ones fit in (rate × 2 % × timeout).
func (d *driver) faulty(ctx context.Context) error {
	ours := d.peerNamed("ours")
	ours.AtOnce = d.options.faultAtOnce
	healthy := spec{part: "faulty", name: "faultless vendor", peer: ours, events: given(d.options.events, 2*backlogEvents),
		behaviour: sink.Behaviour{DelayMS: delayMS},
		settings:  stage.Settings{Timeout: d.options.faultTimeout, VerifyAfter: verifyAfter}}
	faulty := healthy
	faulty.name = "faulty vendor"
	faulty.behaviour.FailPercent, faulty.behaviour.TimeoutPercent = failPercent, timeoutPercent
	faulty.behaviour.TimeoutMS = int(2 * d.options.faultTimeout / time.Millisecond)
	return d.interleave(ctx, backlogReps, []spec{healthy, faulty})
}

// oneDown: each event is a call at both vendors; the second one answers,
// refuses connections, or takes calls and never answers. Alone is without
// calls for it.
func (d *driver) oneDown(ctx context.Context) error {
	ours := d.peerNamed("ours")
	ours.AtOnce = 64 // the worker's default
	base := spec{part: "down", peer: ours, events: given(d.options.events, backlogEvents), behaviour: sink.Behaviour{DelayMS: delayMS}}
	alone, both, refused, hanging := base, base, base, base
	alone.name = "one vendor alone"
	both.name, both.kylin = "both vendors well", true
	refused.name, refused.kylin, refused.kylinDown = "other vendor refuses", true, true
	hanging.name, hanging.kylin, hanging.behaviour.KylinHangs = "other vendor hangs", true, true
	return d.interleave(ctx, backlogReps, []spec{alone, both, refused, hanging})
}

// sustained: many events a second for minutes.
func (d *driver) sustained(ctx context.Context) error {
	return d.interleave(ctx, 1, []spec{{part: "sustained", name: "sustained", peer: d.peerNamed("ours"), rate: d.options.rate,
		events: int(d.options.sustain.Seconds() * float64(d.options.rate)), every: d.options.sustain / 60,
		behaviour: sink.Behaviour{DelayMS: delayMS}}})
}
