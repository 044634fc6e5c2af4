package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/spf13/cobra"

	"pointsledger/continuity"
	"pointsledger/desk"
	"pointsledger/desk/rebuild"
	"pointsledger/internal/advice/steps"
	"pointsledger/internal/broker"
	"pointsledger/internal/command"
	"pointsledger/internal/config"
	"pointsledger/internal/terminal"
	"pointsledger/ledger"
	"pointsledger/ledger/database"
)

// streamOptions are the flags of `replay stream`.
type streamOptions struct {
	command.Decide
	since, file, plan string
	// off are accounts that the operator says were off at the workers.
	off      []string
	from, to uint64
	expect   int64
}

func newStream(environ []string) *cobra.Command {
	var o streamOptions
	c := &cobra.Command{
		Use:   "stream",
		Short: "Read the stream again, and add what the ledger lacks: rebuilds a lost database",
		Long: `stream reads a part of the stream again, through a consumer of its own that
acknowledges nothing, and shows what the ledger lacks. It stores that as a plan
and prints the command that adds it. The workers may run meanwhile.

What is added may have been sent before: it is parked and in doubt, cause
rebuilt, first sent at the broker's time. Only replay run releases it; then it is
looked up at the vendor first, or goes with the same dedup key while the vendor
remembers that. What is there already is left alone, so the command may be
stopped at any point and run again. The stream does not hold people's decisions.

Events are mapped by the rules that the workers registered last, at the broker's
time of each event; by --config, or WORKER_CONFIG, in a ledger that has none. It
reads no further than the workers did: later events they record as usual.

A lost database:
  worker migrate up                      in the new, empty database
  replay stream --from-seq 1             what would be added (adds nothing)
  replay stream --plan P-7K2M --reason "database lost" --yes
  replay run --cause rebuilt             what would be sent again
Workers that wait for the ledger go on by themselves once all is added.`,
		Example: `  replay stream --from-seq 1
  replay stream --since 24h --json
  replay stream --plan P-7K2M --reason "restored from the backup of Monday" --yes`,
		Args: command.Args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return runStream(c, environ, &o) },
	}
	c.Flags().StringVar(&o.since, "since", "", "from what the broker stored then on: RFC 3339, or an age such as 24h, 7d")
	c.Flags().Uint64Var(&o.from, "from-seq", 0, "from this sequence of the stream; 1 is all that is left")
	c.Flags().Uint64Var(&o.to, "to-seq", 0, "up to this one; else as far as workers have read")
	c.Flags().StringVar(&o.file, "config", "", "rule file: for a new ledger, or with further rule sets")
	c.Flags().StringSliceVar(&o.off, "off", nil, "an account that the workers had off: its events were rejects")
	c.Flags().StringVar(&o.plan, "plan", "", "the plan to carry out")
	c.Flags().Int64Var(&o.expect, "expect", 0, "without a plan: how many operations must be found to be added")
	o.Register(c)
	c.Flag("yes").Usage = "add it"
	return c
}

func (o *streamOptions) check(c *cobra.Command) (who desk.Decision, err error) {
	given := func(name string) bool { return c.Flag(name).Changed }
	for _, name := range []string{"since", "config", "plan"} {
		if given(name) && strings.TrimSpace(c.Flag(name).Value.String()) == "" {
			return who, command.Usagef("--%s is empty", name)
		}
	}
	if _, err := command.Operator(o.Operator, given("operator")); err != nil {
		return who, err
	}
	part := given("since") || given("from-seq") || given("to-seq")
	switch {
	case given("plan") && (part || given("expect")):
		return who, command.Usagef("--plan says which part of the stream it is about: leave out --since, --from-seq, --to-seq and --expect")
	case given("plan"):
	case given("since") == given("from-seq"):
		return who, command.Usagef("want --since or --from-seq: where to begin. --from-seq 1 is all that the stream has")
	case given("from-seq") && o.from == 0 || given("to-seq") && o.to == 0:
		return who, command.Usagef("--from-seq and --to-seq: want sequences of the stream, 1 or more")
	case given("to-seq") && o.to < o.from:
		return who, command.Usagef("--to-seq %d is before --from-seq %d", o.to, o.from)
	case given("expect") && o.expect < 0:
		return who, command.Usagef("--expect: want a number of operations, got %d", o.expect)
	}
	return decided(&o.Decide, c)
}

// order is what the flags ask to look at.
func (o *streamOptions) order(c *cobra.Command, who desk.Decision, stream string) (rebuild.Order, error) {
	order := rebuild.Order{From: o.from, To: o.to, AtOnce: o.Yes, Actor: who.Actor, FilterText: "--from-seq {from} --to-seq {to} of stream " + stream}
	if c.Flag("expect").Changed {
		order.Expected = &o.expect
	}
	var err error
	if o.since != "" {
		order.Since, err = command.PointInTime("since", o.since, time.Now())
	}
	return order, err
}

// streamSession is a session with the broker, and a room to rebuild the ledger in.
type streamSession struct {
	*session
	pool  *pgxpool.Pool
	conn  *nats.Conn
	rules rebuild.Rules
	room  *rebuild.Room
	watch streamWatch
}

// rebuildConnections: the lock holds one, a batch uses one, and one is to spare.
const rebuildConnections = 3

func openStream(c *cobra.Command, environ []string, o *streamOptions) (_ *streamSession, err error) {
	s := &streamSession{watch: streamWatch{c: c, json: o.JSON}}
	if s.session, err = open(c, environ); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.end()
		}
	}()
	if s.rules, err = s.streamRules(c.Context(), environ, o.file, o.off); err != nil {
		return nil, err
	}
	s.watch.rulesFrom = streamRulesFrom(&s.rules)
	if s.conn, err = broker.Dial(s.config, "points-ledger replay"); err != nil {
		return nil, err
	}
	js, err := jetstream.New(s.conn)
	if err != nil {
		return nil, fmt.Errorf("open jetstream: %w", err)
	}
	if s.pool, err = database.OpenWorkerPool(c.Context(), s.config.DatabaseURL.Reveal(), rebuildConnections); err != nil {
		return nil, err
	}
	stream, err := continuity.NewRebuilder(continuity.RebuildDeps{JetStream: js, Pool: s.pool, Store: ledger.New(s.pool), Rules: s.rules.Mapping()},
		continuity.RebuildConfig{Stream: s.config.NATS.Stream, Durable: s.config.NATS.Durable, Rest: config.RestAfterLoss(s.config.Accounts)})
	if err != nil {
		return nil, err
	}
	s.room = rebuild.New(rebuild.Deps{Desk: s.desk, Files: s.files, Stream: stream, Watch: &s.watch, Words: &s.watch}, s.config.NATS.Stream, s.rules)
	return s, nil
}

func (s *streamSession) end() {
	if s.conn != nil {
		s.conn.Close()
	}
	if s.pool != nil {
		s.pool.Close()
	}
	s.close()
}

func runStream(c *cobra.Command, environ []string, o *streamOptions) error {
	who, err := o.check(c)
	if err != nil {
		return err
	}
	s, err := openStream(c, environ, o)
	if err != nil {
		return err
	}
	defer s.end()
	order, err := o.order(c, who, s.config.NATS.Stream)
	if err != nil {
		return err
	}
	if o.plan != "" {
		if order.Plan, err = s.room.ReadPlan(c.Context(), o.plan); err != nil {
			return steps.StreamPlan(o.plan, s.watch.rulesFrom, err)
		}
	}
	if o.plan != "" && o.Yes {
		return s.add(c, o, order.Plan, who)
	}
	report, err := s.room.Preview(c.Context(), order)
	s.watch.done()
	if err != nil {
		return s.previewWords(err)
	}
	if plan := report.Chosen(); o.Yes && plan != nil {
		if !o.JSON {
			printSurvey(c.OutOrStdout(), report, "")
		}
		return s.add(c, o, plan, who)
	}
	return o.show(c, report)
}

// add carries a plan out.
func (s *streamSession) add(c *cobra.Command, o *streamOptions, plan *rebuild.Plan, who desk.Decision) error {
	s.watch.begin()
	done, err := s.room.Add(c.Context(), plan, who)
	s.watch.done()
	switch {
	case err != nil:
		return o.addWords(plan, done, err)
	case o.JSON:
		err = terminal.JSON(c.OutOrStdout(), done)
	default:
		printAdded(c.OutOrStdout(), done, plan.Details.Stream, who)
	}
	if err == nil && done.Unfinished {
		return &command.PartlyError{Text: fmt.Sprintf("events of stream %s are still missing, so workers go on waiting: `replay stream --from-seq 1` adds the rest", plan.Details.Stream)}
	}
	return err
}

// command is the line that carries a plan out.
func (o *streamOptions) command(plan string) string {
	return o.Decide.Line(append([]string{"replay", "stream", "--plan", plan}, o.likeHere()...)...)
}

// likeHere are the flags that choose rules and accounts as they are chosen here.
func (o *streamOptions) likeHere() (args []string) {
	if o.file != "" {
		args = append(args, "--config", o.file)
	}
	if len(o.off) > 0 {
		args = append(args, "--off", strings.Join(o.off, ","))
	}
	return args
}

// planAnew says how to look at the part of a cancelled plan again.
func (o *streamOptions) planAnew(d *rebuild.Details) string {
	args := []string{"replay", "stream", "--from-seq", strconv.FormatUint(d.From, 10)}
	if d.To >= d.From {
		args = append(args, "--to-seq", strconv.FormatUint(d.To, 10))
	}
	return "To see what this part lacks, and make another plan of it:\n  " + command.Shell(append(args, o.likeHere()...)...)
}
