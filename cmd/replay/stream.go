package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/spf13/cobra"

	"pointsledger/continuity"
	"pointsledger/desk/wording"
	"pointsledger/internal/command"
	"pointsledger/internal/config"
	"pointsledger/ledger"
)

// streamOptions are the flags of `replay stream`.
type streamOptions struct {
	since, file, plan, reason, operator string
	// off are accounts that the operator says were off at the workers.
	off       []string
	from, to  uint64
	expect    int64
	yes, json bool
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
	c.Flags().StringVar(&o.reason, "reason", "", "why; required with --yes, and kept")
	c.Flags().StringVar(&o.operator, "operator", "", "who; the user of this machine unless given")
	c.Flags().BoolVar(&o.yes, "yes", false, "add it")
	c.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return c
}

func (o *streamOptions) check(c *cobra.Command) error {
	given := func(name string) bool { return c.Flag(name).Changed }
	for _, name := range []string{"since", "config", "plan"} {
		if given(name) && strings.TrimSpace(c.Flag(name).Value.String()) == "" {
			return command.Usagef("--%s is empty", name)
		}
	}
	o.reason, o.operator = strings.TrimSpace(o.reason), strings.TrimSpace(o.operator)
	if _, err := command.Operator(o.operator, given("operator")); err != nil {
		return err
	}
	part := given("since") || given("from-seq") || given("to-seq")
	switch {
	case given("plan") && (part || given("expect")):
		return command.Usagef("--plan says which part of the stream it is about: leave out --since, --from-seq, --to-seq and --expect")
	case given("plan"):
	case given("since") == given("from-seq"):
		return command.Usagef("want --since or --from-seq: where to begin. --from-seq 1 is all that the stream has")
	case given("from-seq") && o.from == 0 || given("to-seq") && o.to == 0:
		return command.Usagef("--from-seq and --to-seq: want sequences of the stream, 1 or more")
	case given("to-seq") && o.to < o.from:
		return command.Usagef("--to-seq %d is before --from-seq %d", o.to, o.from)
	case given("expect") && o.expect < 0:
		return command.Usagef("--expect: want a number of operations, got %d", o.expect)
	}
	switch {
	case o.yes && (o.reason == "" || o.reason == reasonToFill):
		return command.Usagef("--yes needs --reason \"…\": why, for whoever asks later; it is kept in ops_actions")
	case utf8.RuneCountInString(o.reason) > maxReasonChars:
		return command.Usagef("--reason: want at most %s characters", wording.Count(maxReasonChars))
	}
	return nil
}

// streamSession is a session with the broker and the rules.
type streamSession struct {
	*session
	pool    *pgxpool.Pool
	conn    *nats.Conn
	rules   streamRules
	rebuild *continuity.Rebuilder
}

// rebuildConnections: the lock holds one, a batch uses one, and one is to spare.
const rebuildConnections = 3

func openStream(c *cobra.Command, environ []string, o *streamOptions) (_ *streamSession, err error) {
	s := &streamSession{}
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
	if s.conn, err = command.DialNATS(s.config, "points-ledger replay"); err != nil {
		return nil, err
	}
	js, err := jetstream.New(s.conn)
	if err != nil {
		return nil, fmt.Errorf("open jetstream: %w", err)
	}
	if s.pool, err = ledger.OpenWorkerPool(c.Context(), s.config.DatabaseURL.Reveal(), rebuildConnections); err != nil {
		return nil, err
	}
	s.rebuild, err = continuity.NewRebuilder(continuity.RebuildDeps{JetStream: js, Pool: s.pool, Store: ledger.New(s.pool), Rules: s.rules.Rules.WithAccountsOn(func(account string) bool { return slices.Contains(s.rules.On, account) })},
		continuity.RebuildConfig{Stream: s.config.NATS.Stream, Durable: s.config.NATS.Durable, Rest: config.RestAfterLoss(s.config.Vendors)})
	return s, err
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
	if err := o.check(c); err != nil {
		return err
	}
	s, err := openStream(c, environ, o)
	if err != nil {
		return err
	}
	defer s.end()
	if o.plan == "" {
		return s.preview(c, o)
	}
	plan, err := s.readStreamPlan(c, o)
	if err != nil {
		return err
	}
	if o.yes {
		return s.add(c, o, plan)
	}
	o.from, o.to = plan.details.From, plan.details.To
	return s.preview(c, o)
}

// state asks the broker, and says what to do where there is nothing to ask for.
func (s *streamSession) state(ctx context.Context) (continuity.StreamState, error) {
	state, err := s.rebuild.State(ctx)
	if errors.Is(err, continuity.ErrNoStream) {
		return state, fmt.Errorf("there is no stream %s at %s: set NATS_URL and NATS_STREAM as the workers have them", s.config.NATS.Stream, s.config.NATS.URL)
	}
	return state, err
}

// part is which part of the stream is meant.
func (s *streamSession) part(ctx context.Context, o *streamOptions, state continuity.StreamState) (from, to uint64, err error) {
	if from = o.from; o.since != "" {
		since, err := command.PointInTime("since", o.since, time.Now())
		if err != nil {
			return 0, 0, err
		}
		if from, err = s.rebuild.SeqSince(ctx, since); err != nil {
			return 0, 0, err
		}
		if from == 0 {
			from = state.Last + 1
		}
	}
	durable := s.config.NATS.Durable
	switch to = o.to; {
	case !state.ConsumerFound && to == 0:
		return 0, 0, fmt.Errorf("there is no consumer %s on stream %s, so nothing tells what workers have recorded: set NATS_DURABLE as the workers have it. "+
			"If it was deleted, name the last event to add with --to-seq (the stream's last one is %d): events behind it will be taken for new ones",
			durable, s.config.NATS.Stream, state.Last)
	case !state.ConsumerFound && to > state.Last:
		return 0, 0, command.Usagef("--to-seq %d: the stream's last event is %d", to, state.Last)
	case state.ConsumerFound && to > state.Delivered:
		return 0, 0, command.Usagef("--to-seq %d: workers have read up to %d, and later events they record as usual; adding them here would only park them", to, state.Delivered)
	case state.ConsumerFound && to == 0:
		to = state.Delivered
	}
	return from, to, nil
}

// command is the line that carries a plan out.
func (o *streamOptions) command(plan string) string {
	args := []string{"replay", "stream", "--plan", plan}
	if o.file != "" {
		args = append(args, "--config", o.file)
	}
	if len(o.off) > 0 {
		args = append(args, "--off", strings.Join(o.off, ","))
	}
	if o.operator != "" {
		args = append(args, "--operator", o.operator)
	}
	reason := o.reason
	if reason == "" {
		reason = reasonToFill
	}
	return shell(append(args, "--reason", reason, "--yes")...)
}

// filterText is the part as plans and ops_actions have it.
func (s *streamSession) filterText(from, to uint64) string {
	return shell("--from-seq", strconv.FormatUint(from, 10), "--to-seq", strconv.FormatUint(to, 10)) + " of stream " + s.config.NATS.Stream
}
