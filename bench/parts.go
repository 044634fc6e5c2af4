package main

import (
	"context"
	"slices"
	"time"

	"pointsledger/bench/peers"
	"pointsledger/bench/sink"
)

// part is one group of runs whose figures are compared.
type part struct {
	name  string
	quick bool
	run   func(d *driver, ctx context.Context) error
}

// parts in the order in which they run.
func parts() []part {
	return []part{
		{"backlog", true, (*driver).backlog},
		{"delay", true, (*driver).delay},
		{"many", true, (*driver).many},
		{"light", true, (*driver).light},
		{"two", false, (*driver).twoWorkers},
		{"faulty", false, (*driver).faulty},
		{"down", false, (*driver).oneDown},
		{"grown", false, (*driver).grown},
		{"sustained", false, (*driver).sustained},
		{"lanes", false, (*driver).lanes},
	}
}

func partNames() (names []string) {
	for _, p := range parts() {
		names = append(names, p.name)
	}
	return names
}

// What most backlogs hold, and how often they are worked off.
const (
	backlogEvents = 20_000
	// delayEvents is more, so that start and end weigh less against the ceiling.
	delayEvents = 40_000
	backlogReps = 3
	lightReps   = 5
	lightRate   = 200
	lightTime   = 8 * time.Second
	// naiveEvents is less: a thousand a second by its constants.
	naiveEvents = 2000
	delayMS     = 20
)

// peerNamed finds a peer by name, with the calls at once of the options.
func (d *driver) peerNamed(name string) peers.Peer {
	all := peers.All(d.options.atOnce)
	return all[slices.IndexFunc(all, func(p peers.Peer) bool { return p.Name == name })]
}

// wanted tells whether a peer was not excluded by --peers.
func (d *driver) wanted(name string) bool {
	return len(d.options.peers) == 0 || slices.Contains(d.options.peers, name)
}

// interleave runs all specs once for each repetition. Each repetition begins
// with another one, so that no peer always follows the same.
func (d *driver) interleave(ctx context.Context, reps int, specs []spec) error {
	for rep := range given(d.options.reps, reps) {
		for i := range specs {
			s := specs[(i+rep)%len(specs)]
			if !d.wanted(s.peer.Name) {
				continue
			}
			s.rep = rep + 1
			if _, err := d.do(ctx, s); err != nil {
				return err
			}
		}
	}
	return nil
}

// backlog: waiting events, a vendor that answers at once.
func (d *driver) backlog(ctx context.Context) error {
	var specs []spec
	for _, name := range []string{"ours", "bare", "river-best", "naive"} {
		s := spec{part: "backlog", name: "backlog, 0 ms", peer: d.peerNamed(name), events: given(d.options.events, backlogEvents)}
		if name == "naive" {
			s.events = min(s.events, naiveEvents)
		}
		specs = append(specs, s)
	}
	return d.interleave(ctx, backlogReps, specs)
}

// delay: waiting events, a vendor that takes 20 ms.
func (d *driver) delay(ctx context.Context) error {
	var specs []spec
	for _, name := range []string{"ours", "bare", "river-500"} {
		specs = append(specs, spec{part: "delay", name: "backlog, 20 ms", peer: d.peerNamed(name),
			events: given(d.options.events, delayEvents), behaviour: sink.Behaviour{DelayMS: delayMS}})
	}
	return d.interleave(ctx, backlogReps, specs)
}

// manyAtOnce is River's best number of workers for a vendor that takes its time.
const manyAtOnce = 500

// many: the same vendor with as many calls at once as River has.
func (d *driver) many(ctx context.Context) error {
	var specs []spec
	for _, name := range []string{"ours", "bare", "river-500"} {
		peer := d.peerNamed(name)
		peer.AtOnce = manyAtOnce
		specs = append(specs, spec{part: "many", name: "backlog, 20 ms, 500 at once", peer: peer,
			events: given(d.options.events, delayEvents), behaviour: sink.Behaviour{DelayMS: delayMS}})
	}
	return d.interleave(ctx, backlogReps, specs)
}

// light: 200 events a second while the peer works.
func (d *driver) light(ctx context.Context) error {
	var specs []spec
	for _, name := range []string{"ours", "bare", "river-latency"} {
		specs = append(specs, spec{part: "light", name: "light load", peer: d.peerNamed(name), rate: lightRate,
			events: given(d.options.events, lightRate*int(lightTime/time.Second))})
	}
	return d.interleave(ctx, lightReps, specs)
}

// twoWorkers: one and two worker processes on one durable consumer, where the
// calls at once are the limit and where the machine is.
func (d *driver) twoWorkers(ctx context.Context) error {
	ours := d.peerNamed("ours")
	ours.AtOnce = 64
	var specs []spec
	for _, ms := range []int{delayMS, 0} {
		for workers := 1; workers <= 2; workers++ {
			name := map[int]string{1: "one worker, ", 2: "two workers, "}[workers] + (time.Duration(ms) * time.Millisecond).String()
			specs = append(specs, spec{part: "two", name: name, peer: ours, workers: workers,
				events: given(d.options.events, backlogEvents), behaviour: sink.Behaviour{DelayMS: ms}})
		}
	}
	return d.interleave(ctx, backlogReps, specs)
}
