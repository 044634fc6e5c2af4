package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"pointsledger/dispatch"
	"pointsledger/internal/command"
	"pointsledger/internal/config"
	"pointsledger/internal/rehearsal"
	"pointsledger/migrations"
	"pointsledger/vendorapi/sim"
)

// demoOptions are the flags of `worker demo`.
type demoOptions struct {
	events int
	seed   uint64
	faults string
	json   bool
	log    bool
	keep   string
}

func newDemo() *cobra.Command {
	var o demoOptions
	c := &cobra.Command{
		Use:   "demo",
		Short: "Show all of it on this machine: events in, points at the vendor, books compared",
		Long: `demo starts its own NATS and Postgres and a simulator of both vendors, publishes
events with duplicates and garbage among them, lets a worker do its job, and
compares three books under every key: what was published, what the ledger says,
what the vendors applied. At the end it reads each member's records and reconciles
them with what was posted, as finance does. Orders are refunded, cancelled and completed; grants for
orders are held for two seconds; and one shop, the mall, has a vendor of its own,
described in the configuration, which can take points back. Nothing is left behind,
but for the servers' data with --keep: reconcile --data opens it.

Exit code 0 only if the books agree, 3 if they do not.`,
		Args: command.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runDemo(c, o) },
	}
	c.Flags().IntVar(&o.events, "events", 2000, "how many messages to publish, 1 to 1,000,000")
	c.Flags().Uint64Var(&o.seed, "seed", 1, "seed of the events and of the faults")
	c.Flags().StringVar(&o.faults, "faults", "none", "how badly the vendors behave: none, light or heavy")
	c.Flags().BoolVar(&o.json, "json", false, "print one JSON object as the last line")
	c.Flags().StringVar(&o.keep, "keep", "", "a new folder in which the servers' data is kept")
	c.Flags().BoolVar(&o.log, "log", false, "also show the worker's own log, on standard error")
	return c
}

func runDemo(c *cobra.Command, o demoOptions) error {
	if o.events < 1 || o.events > 1_000_000 {
		return command.Usagef("--events: want 1 to 1,000,000, got %d", o.events)
	}
	faults, err := sim.FaultsPreset(o.faults)
	if err != nil {
		return command.Usagef("--faults: want none, light or heavy, got %q", o.faults)
	}
	if o.keep != "" {
		if _, err := os.Stat(o.keep); !errors.Is(err, os.ErrNotExist) {
			return command.Usagef("--keep %s: want a folder that is not there yet", o.keep)
		}
	}
	d := &demo{options: o, faults: faults, out: c.OutOrStdout(), log: zap.NewNop()}
	if o.json {
		d.out = io.Discard
	}
	if o.log {
		d.log = newLogger(os.Stderr, "info")
	}
	defer d.stop()
	result, err := d.run(c.Context())
	if err != nil {
		return err
	}
	if o.json {
		if err := result.printJSON(c.OutOrStdout()); err != nil {
			return err
		}
	} else {
		result.print(c.OutOrStdout())
		if result.kept != nil {
			result.kept.print(c.OutOrStdout())
		}
	}
	if !result.agrees() {
		return command.ErrDisagree
	}
	return nil
}

// demo is one run of the demo.
type demo struct {
	options demoOptions
	faults  sim.Faults
	out     io.Writer
	log     *zap.Logger

	plan      *rehearsal.Plan
	stack     *stack
	simulator *sim.Simulator
	stopSim   func() error
	config    *config.Config
	service   *service
}

// The demo's impatience: a hung call is given up after two seconds instead of
// ten, and waits between attempts stay short, so that a run ends in a minute.
const (
	demoTimeout = 2 * time.Second
	demoLease   = 10 * time.Second
	// The simulator's records show an effect at once.
	demoVerifyAfter = 500 * time.Millisecond
	demoQuietAfter  = 2 * time.Second
	demoSampleEvery = 2 * time.Second
	// Its clock is ours, its records tell whole seconds.
	demoClockSkew = 2 * time.Second
	// demoStall ends a demo in which nothing has moved for so long.
	demoStall = 90 * time.Second
)

func demoSchedule() dispatch.Schedule {
	return dispatch.Schedule{100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond, time.Second}
}

// run does the whole demo and returns what came of it.
func (d *demo) run(ctx context.Context) (result *demoResult, err error) {
	result = &demoResult{options: d.options}
	fmt.Fprintf(d.out, "points-ledger demo: %s, seed %d, vendor faults: %s\n\n",
		counted(d.options.events, "event"), d.options.seed, d.options.faults)
	if err := result.phase("servers started", "NATS, Postgres with its schema, the simulator", func() error { return d.start(ctx) }); err != nil {
		return nil, err
	}
	fmt.Fprintf(d.out, "  NATS JetStream, Postgres and the vendor simulator are up (%.1f s)\n", result.phases[0].took.Seconds())

	d.plan = rehearsal.Generate(rehearsal.Options{Events: d.options.events, Seed: d.options.seed, Kylin: true, Life: true})
	serviceCtx, stopService := context.WithCancel(ctx)
	defer stopService()
	stopped := make(chan error, 1)
	go func() { stopped <- d.service.run(serviceCtx) }()

	began := time.Now()
	if err := result.phase("published", "each stored by the broker; the worker is at work meanwhile", func() error { return d.publish(ctx) }); err != nil {
		return nil, err
	}
	if err := result.phase("worked off", "what was left, until the last vendor answer was settled", func() error { return d.waitUntilQuiet(ctx, stopped) }); err != nil {
		return nil, err
	}
	result.elapsed = time.Since(began)
	stopService()
	if err := <-stopped; err != nil {
		return nil, err
	}
	if err := result.phase("books compared", "every key, in all three books", func() error { return d.compare(ctx, result) }); err != nil {
		return nil, err
	}
	if err := result.phase("reconciled", "every member's records, read from the vendors when they are well", func() error { return d.reconcile(ctx, began, result) }); err != nil {
		return nil, err
	}
	if d.options.keep != "" {
		err = d.keep(ctx, result)
	}
	return result, err
}

// start brings up the servers, the schema, the simulator and the worker.
func (d *demo) start(ctx context.Context) (err error) {
	if d.stack, err = startStack(ctx, stackConfig{dir: d.options.keep}, d.log); err != nil {
		return err
	}
	if err := migrations.Up(ctx, d.stack.databaseURL); err != nil {
		return err
	}
	d.simulator, err = sim.New(sim.Config{Seed: d.options.seed, TakesBack: true,
		Zhimai:  sim.ZhimaiConfig{Faults: d.faults, Records: sim.RecordsConfig{EchoReason: true}},
		Kylin:   sim.KylinConfig{Faults: d.faults},
		Members: sim.MembersConfig{FrozenSuffix: "000"}})
	if err != nil {
		return fmt.Errorf("make simulator: %w", err)
	}
	url, stop, err := d.simulator.Start("")
	if err != nil {
		return fmt.Errorf("start simulator: %w", err)
	}
	d.stopSim = stop
	file, err := rehearsal.Config(string(config.DefaultFile()), url)
	if err != nil {
		return err
	}
	// The demo does not read the caller's environment: it must not reach a
	// real vendor or database.
	d.config, err = config.Load([]string{
		"NATS_URL=" + d.stack.natsURL, "DATABASE_URL=" + d.stack.databaseURL, "WORKER_HTTP_ADDR=127.0.0.1:0",
		"ZHIMAI_URL=" + url + "/api/v2", "ZHIMAI_OPEN_ID=" + sim.DefaultOpenID,
		"ZHIMAI_GRANT_CODE=" + sim.DefaultGrantCode, "ZHIMAI_OPEN_KEY=" + sim.DefaultOpenKey, "KYLIN_URL=" + url,
		"ZHIMAI_RATE=0", // the simulator takes what comes
		"WORKER_CONFIG=demo.yaml",
	}, func(string) ([]byte, error) { return []byte(file), nil })
	if err != nil {
		return err
	}
	for i := range d.config.Accounts {
		v := &d.config.Accounts[i]
		v.ConnectTimeout, v.Timeout, v.Lease, v.Schedule = demoTimeout, demoTimeout, demoLease, demoSchedule()
		v.VerifyAfter, v.QuietAfter, v.ClockSkew = demoVerifyAfter, demoQuietAfter, demoClockSkew
		v.SampleEvery = demoSampleEvery
		v.KeysHonoured = true // as the simulator does
	}
	d.service, err = newService(ctx, d.config, d.log)
	return err
}

// publish sends the plan's messages in order, many in flight.
func (d *demo) publish(ctx context.Context) error {
	conn, err := nats.Connect(d.stack.natsURL, nats.Name("demo publisher"))
	if err != nil {
		return fmt.Errorf("connect to NATS: %w", err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn, jetstream.WithPublishAsyncMaxPending(publishWindow))
	if err != nil {
		return fmt.Errorf("open jetstream: %w", err)
	}
	if err := waitForStream(ctx, js, d.config.NATS.Stream); err != nil {
		return err
	}
	progress := command.NewProgress(d.out)
	defer progress.Done()
	var sent []jetstream.PubAckFuture
	for i, m := range d.plan.Messages {
		future, err := js.PublishMsgAsync(&nats.Msg{Subject: m.Subject, Header: m.Header, Data: m.Payload}, jetstream.WithStallWait(publishStall))
		if err != nil {
			return fmt.Errorf("publish message %d: %w", i+1, err)
		}
		sent = append(sent, future)
		progress.Show("  publishing %s of %s", command.Count(i+1), command.Count(len(d.plan.Messages)))
	}
	select {
	case <-js.PublishAsyncComplete():
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Minute):
		return errors.New("publish: the broker has not answered for a minute")
	}
	for i, future := range sent {
		select {
		case err := <-future.Err():
			return fmt.Errorf("publish message %d: %w", i+1, err)
		default:
		}
	}
	return nil
}

// waitForStream waits until the worker has created the stream.
func waitForStream(ctx context.Context, js jetstream.JetStream, name string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		if _, err := js.Stream(ctx, name); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for stream %s: %w", name, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// waitUntilQuiet waits until every event is recorded and acknowledged and
// every operation is posted or parked.
func (d *demo) waitUntilQuiet(ctx context.Context, stopped <-chan error) error {
	js, err := jetstream.New(d.service.nats)
	if err != nil {
		return fmt.Errorf("open jetstream: %w", err)
	}
	progress := command.NewProgress(d.out)
	defer progress.Done()
	moved, last := time.Now(), ""
	for {
		left, open, err := d.remaining(ctx, js)
		if err != nil {
			return err
		}
		if left == 0 && open.underWay == 0 && open.early == 0 {
			return nil
		}
		now := fmt.Sprint(left, open)
		if now != last {
			moved, last = time.Now(), now
		}
		if time.Since(moved) > demoStall {
			return fmt.Errorf("nothing has moved for %v: %d events and %d operations are left; run again with --log", demoStall, left, open.underWay)
		}
		progress.Show("  working: %s events to record, %s operations to send, %s in doubt, %s parked", command.Count(left),
			command.Count(open.underWay), command.Count(open.inDoubt), command.Count(open.parked))
		select {
		case err := <-stopped:
			return fmt.Errorf("the worker stopped early: %w", err)
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// openCount is what is open at all accounts together: under way (pending or
// being sent) or parked, what waits for something parked among these, and how many of
// both are in doubt. Early are events whose order has not come.
type openCount struct{ underWay, parked, inDoubt, early int64 }

// sqlDemoOpen counts the open rows, and what waits for its order.
const sqlDemoOpen = `
SELECT count(*) FILTER (WHERE x.state <> 'parked' AND o.state IS DISTINCT FROM 'parked'),
       count(*) FILTER (WHERE x.state = 'parked' OR o.state = 'parked'), count(*) FILTER (WHERE x.in_doubt), (SELECT count(*) FROM waiting)
  FROM outbox x
  LEFT JOIN outbox o ON o.operation_id = x.waits_for`

// remaining counts the events without an acknowledgement, and the open rows of
// all accounts together.
func (d *demo) remaining(ctx context.Context, js jetstream.JetStream) (events int, open openCount, err error) {
	consumer, err := js.Consumer(ctx, d.config.NATS.Stream, d.config.NATS.Durable)
	if err != nil {
		return 0, open, fmt.Errorf("read consumer: %w", err)
	}
	stream, err := js.Stream(ctx, d.config.NATS.Stream)
	if err != nil {
		return 0, open, fmt.Errorf("read stream: %w", err)
	}
	info := consumer.CachedInfo()
	events = int(info.NumPending) + info.NumAckPending
	if events == 0 && info.AckFloor.Stream < stream.CachedInfo().State.LastSeq {
		events = 1 // a consumer that was just made has not counted yet
	}
	if err := d.service.pool.QueryRow(ctx, sqlDemoOpen).Scan(&open.underWay, &open.parked, &open.inDoubt, &open.early); err != nil {
		return 0, open, fmt.Errorf("count open operations: %w", err)
	}
	return events, open, nil
}

// stop ends everything the demo started, in reverse.
func (d *demo) stop() {
	if d.service != nil {
		d.service.close()
	}
	if d.stopSim != nil {
		_ = d.stopSim()
	}
	if d.stack != nil {
		d.stack.stop()
	}
}
