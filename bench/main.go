// Command bench measures the real worker against other ways to do the same
// job: River, a naive poller, and a bare pipeline. See README.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"pointsledger/bench/peers"
	"pointsledger/bench/report"
	"pointsledger/bench/sink"
	"pointsledger/bench/stage"
	"pointsledger/internal/devstack"
)

const usage = `usage: go run . COMMAND [flags]

  quick    backlog, 20 ms vendor, light load: at most 10 minutes
  full     all parts; those that this build has done already are left out
  smoke    a few hundred events once, ours and bare: does it work
  report   the tables and every target, from the results file

go run . quick -h lists the flags.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := command(ctx, os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		err = nil
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

func command(ctx context.Context, args []string) error {
	if len(args) == 0 {
		fmt.Fprint(os.Stderr, usage)
		return errors.New("no command")
	}
	switch name := args[0]; name {
	case stage.ServeSink:
		return sink.Serve(os.Stdout, os.Stdin)
	case stage.ServeNATS:
		return serveNATS()
	case stage.RunPeer:
		return runPeer(ctx, args[1:])
	case "quick", "full", "smoke", "report":
		o, err := parse(name, args[1:])
		if err != nil {
			return err
		}
		if name == "report" {
			return writeReport(o)
		}
		return measure(ctx, name, o)
	}
	fmt.Fprint(os.Stderr, usage)
	return fmt.Errorf("no command %q", args[0])
}

// measure makes the runs and prints the tables of what is there afterwards.
func measure(ctx context.Context, name string, o options) (err error) {
	if o.profile != "" {
		o.workerEnv = append(o.workerEnv, "WORKER_PPROF=1")
	}
	if name == "smoke" {
		folder, err := stage.NewFolder("points-ledger-bench-smoke-")
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, folder.Remove()) }()
		o.results = filepath.Join(folder.Path, "results.jsonl")
		o.only, o.peers = []string{"backlog"}, []string{"ours", "bare"}
		o.reps, o.events = 1, given(o.events, 300)
	}
	d, err := openDriver(ctx, o, os.Stdout)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	if err := d.runParts(ctx, name == "quick", name == "full"); err != nil {
		return err
	}
	if name == "smoke" {
		fmt.Println("It works. A run of this size says nothing of speed: no tables.")
		return nil
	}
	if o.build = d.worker.Build; name != "full" {
		o.session = d.session
	}
	return writeReport(o)
}

// writeReport prints the tables, and writes the charts when asked for.
func writeReport(o options) error {
	all, err := report.Read(o.results)
	if err != nil {
		return err
	}
	t, err := report.Select(all, o.build, o.session)
	if err != nil {
		return err
	}
	fmt.Print(t.Markdown())
	if o.chart == "" {
		return nil
	}
	if err := os.WriteFile(o.chart, []byte(t.SVG()), 0o644); err != nil {
		return fmt.Errorf("write charts: %w", err)
	}
	return nil
}

// serveNATS runs the broker until standard input ends. Its data is temporary.
func serveNATS() error {
	server, err := devstack.StartNATS(devstack.NATSConfig{})
	if err != nil {
		return err
	}
	fmt.Println(server.URL())
	_, _ = io.Copy(io.Discard, os.Stdin) // any end of it is the end
	return server.Stop()
}

// runPeer runs one peer until it is ended.
func runPeer(ctx context.Context, args []string) error {
	var e peers.Environment
	f := flag.NewFlagSet(stage.RunPeer, flag.ContinueOnError)
	kind := f.String("kind", "", "kind of peer")
	f.StringVar(&e.NATS, "nats", "", "NATS server")
	f.StringVar(&e.Stream, "stream", "", "stream")
	f.StringVar(&e.Durable, "durable", "", "durable consumer")
	f.StringVar(&e.Database, "database", "", "database url")
	f.StringVar(&e.URL, "url", "", "vendor's url")
	f.IntVar(&e.AtOnce, "at-once", 1, "calls at once")
	f.DurationVar(&e.Cooldown, "cooldown", 2*time.Millisecond, "River's FetchCooldown")
	if err := f.Parse(args); err != nil {
		return err
	}
	if !slices.Contains([]string{peers.Bare, peers.River, peers.Naive}, *kind) {
		return fmt.Errorf("run peer: no kind %q", *kind)
	}
	ended := make(chan error, 1)
	go func() { ended <- peers.Run(ctx, *kind, e) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		// A peer has no shutdown of its own: its run is over.
		return nil
	}
}
