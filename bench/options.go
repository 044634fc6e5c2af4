package main

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"time"

	"pointsledger/bench/peers"
)

// options are the flags of quick, full, smoke and report.
type options struct {
	// root is the repository whose worker is built; worker is a program to take
	// instead.
	root, worker string
	// workerEnv is further environment of the worker.
	workerEnv []string
	results   string
	chart     string
	// only and peers pick parts and peers; empty is all.
	only, peers []string
	// reps, events, atOnce, 0 is what the part says.
	reps, events, atOnce int
	// grown is how many finished operations a grown table holds.
	grown int
	// sustain is how long the sustained load lasts, at rate events a second.
	sustain time.Duration
	rate    int
	// faultTimeout and faultAtOnce are the worker's where the vendor is faulty.
	faultTimeout time.Duration
	faultAtOnce  int
	profile      string
	profileTime  time.Duration
	// build picks the results of the report; empty is the newest.
	build string
	// session limits the tables to one session; it is no flag.
	session string
	// changed tells that a flag was given that makes a part less than whole, or
	// other than its targets mean.
	changed bool
}

// parse reads the flags after a command.
func parse(command string, args []string) (options, error) {
	var o options
	f := flag.NewFlagSet("bench "+command, flag.ContinueOnError)
	f.StringVar(&o.root, "root", "..", "repository whose worker is built")
	f.StringVar(&o.worker, "worker", "", "worker program to test instead of building one")
	list := func(into *[]string, name, usage string) {
		f.Func(name, usage, func(text string) error {
			*into = append(*into, strings.Split(text, ",")...)
			return nil
		})
	}
	f.Func("worker-env", "further environment of the worker, NAME=value; may stand more than once", func(text string) error {
		o.workerEnv = append(o.workerEnv, text)
		return nil
	})
	f.StringVar(&o.results, "results", "results.jsonl", "file to which each run is appended")
	f.StringVar(&o.chart, "chart", "", "write the charts to this SVG file")
	list(&o.only, "only", "parts to run, with commas between: "+strings.Join(partNames(), ", "))
	list(&o.peers, "peers", "peers to run, with commas between")
	f.IntVar(&o.reps, "reps", 0, "repetitions (default: 3, light load 5)")
	f.IntVar(&o.events, "events", 0, "events of a backlog (default 20000)")
	f.IntVar(&o.atOnce, "at-once", 128, "calls at once of ours and of the bare pipeline")
	f.IntVar(&o.grown, "grown", 10_000_000, "finished operations in a grown table")
	f.DurationVar(&o.sustain, "sustain", 10*time.Minute, "how long the sustained load lasts")
	f.IntVar(&o.rate, "rate", 1000, "events a second of the sustained load")
	f.DurationVar(&o.faultTimeout, "fault-timeout", time.Second, "the worker's timeout where the vendor is faulty")
	f.IntVar(&o.faultAtOnce, "fault-at-once", 512, "the worker's calls at once where the vendor is faulty")
	f.StringVar(&o.profile, "profile", "", "write a CPU profile of our worker's first backlog run to this file (the worker gets WORKER_PPROF=1)")
	f.DurationVar(&o.profileTime, "profile-time", 2*time.Second, "how long the profile runs, from GO")
	f.StringVar(&o.build, "build", "", "report: the build to report (default: the newest)")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	for _, name := range o.only {
		if !slices.Contains(partNames(), name) {
			return o, fmt.Errorf("--only: no part %q; there are %s", name, strings.Join(partNames(), ", "))
		}
	}
	for _, name := range o.peers {
		if !slices.ContainsFunc(peers.All(o.atOnce), func(p peers.Peer) bool { return p.Name == name }) {
			return o, fmt.Errorf("--peers: no peer %q; see README.md", name)
		}
	}
	f.Visit(func(one *flag.Flag) {
		o.changed = o.changed || !slices.Contains([]string{"root", "worker", "results", "chart", "only", "build"}, one.Name)
	})
	switch {
	case f.NArg() > 0:
		return o, fmt.Errorf("unexpected %q", f.Arg(0))
	case o.reps < 0 || o.events < 0 || o.grown < 1 || o.rate < 1 || o.sustain < time.Second:
		return o, errors.New("--reps, --events, --grown, --rate, --sustain: want positive values")
	case o.atOnce < 1 || o.atOnce > 1024 || o.faultAtOnce < 1 || o.faultAtOnce > 1024:
		return o, errors.New("--at-once, --fault-at-once: want 1 to 1024")
	}
	return o, nil
}

// given is a flag's value, or what is meant when it is not given.
func given(value, otherwise int) int {
	if value > 0 {
		return value
	}
	return otherwise
}
