package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/spf13/cobra"

	"pointsledger/continuity"
	"pointsledger/desk/privacy"
	"pointsledger/desk/wording"
	"pointsledger/internal/broker"
	"pointsledger/internal/command"
	"pointsledger/internal/config"
	"pointsledger/internal/terminal"
	"pointsledger/ledger"
	"pointsledger/ledger/rulefiles"
	"pointsledger/reconcile/seal"
)

type verifyOptions struct {
	command.Decide
	quick, cover bool
	kinds        []string
	actor        string
}

func newVerify(environ []string) *cobra.Command {
	var o verifyOptions
	c := &cobra.Command{
		Use:   "verify",
		Short: "Whether the ledger is what it was: edited, removed and inserted rows, by name",
		Long: `verify works the seal out again: a hash over every operation, posting, correction and
act, chained by the workers in the background and kept outside the database as well. It
names what was edited, removed or inserted later.

It also maps every operation once more from its own event by the rules that are
registered, compares its instants, looks whether its postings tell of it, and compares
with the stream as far as that reaches. Each check is a line; what could not be checked
is said (without a broker: the head outside, and the stream). It writes nothing.

A row that came late and is right, or commits that were lost, can be covered by an
act, which needs the worker's rights; they stay shown. So can another finding that was
looked into (--kind), but for what was edited or removed.

Exit code 3 when something does not hold; 0 says nothing of what could not be checked
("complete" in --json).`,
		Example: "  reconcile verify\n  reconcile verify --json\n  reconcile verify --quick\n  reconcile verify --cover --reason \"restored from Monday's backup, orders compared\" --yes",
		Args:    command.Args(cobra.NoArgs),
		RunE:    runs(environ, &o),
	}
	c.Flags().BoolVar(&o.quick, "quick", false, "only that the seal itself is what it was: no row of the ledger is read")
	c.Flags().BoolVar(&o.cover, "cover", false, "cover late rows and lost commits that are named; without --yes it shows which")
	c.Flags().StringSliceVar(&o.kinds, "kind", nil, "with --cover: these kinds of findings, not late rows and lost commits: "+strings.Join(seal.CoverableKinds(), ", "))
	o.Register(c)
	return c
}

func (o *verifyOptions) read(c *cobra.Command, _ []string) (err error) {
	for _, kind := range o.kinds {
		if !slices.Contains(seal.CoverableKinds(), kind) {
			return command.Usagef("--kind: want %s, got %q", strings.Join(seal.CoverableKinds(), ", "), kind)
		}
	}
	switch {
	case o.quick && o.cover:
		return command.Usagef("--quick and --cover: what is covered must have been looked at whole; leave one of the two out")
	case !o.cover && (o.Yes || len(o.kinds) > 0 || c.Flag("reason").Changed || c.Flag("operator").Changed):
		return command.Usagef("--kind, --yes, --reason and --operator go with --cover")
	}
	o.actor, err = o.Check(c)
	return err
}

func (o *verifyOptions) call(c *cobra.Command, s *session) (page, error) {
	v := &seal.Verifier{Pool: s.pool, Rules: config.RulesOf}
	end := s.addBroker(c, v)
	defer end()
	shown := command.NewProgress(c.ErrOrStderr())
	v.Progress = func(check string, done int64) { shown.Show("%s: %s", check, wording.Count(done)) }
	defer shown.Done()
	verify := v.Verify
	if o.quick {
		verify = v.Quick
	}
	result, err := verify(c.Context())
	if err != nil {
		return nil, err
	}
	found := &verifyPage{Result: result, covering: o.cover, kinds: o.kinds, line: o.Line(o.args()...)}
	defer found.mask()
	if !o.cover || !o.Yes {
		return found, found.verdict()
	}
	if found.CoveredBy, err = seal.Cover(c.Context(), s.pool, o.actor, o.Reason, result.Coverable(o.kinds...)); err != nil {
		return nil, err
	}
	if found.Result, err = v.Verify(c.Context()); err != nil {
		return nil, err
	}
	return found, found.verdict()
}

// addBroker gives a verifier what is outside the database, or says why it has none. Of a
// folder that embedded servers have left (--data) the broker is started as well.
func (s *session) addBroker(c *cobra.Command, v *seal.Verifier) (end func()) {
	stop := func() {}
	if dir, _ := c.Flags().GetString("data"); dir != "" {
		url, stopServer, err := openKeptBroker(dir)
		if err != nil {
			v.NoOutside, v.NoStream = err.Error(), err.Error()
			return stop
		}
		s.config.NATS.URL, stop = config.NATSURL(url), stopServer
	}
	conn, err := broker.Dial(s.config, "points-ledger reconcile")
	if err != nil {
		v.NoOutside, v.NoStream = err.Error(), err.Error()
		return stop
	}
	end = func() { conn.Close(); stop() }
	js, err := jetstream.New(conn)
	if err != nil {
		v.NoOutside, v.NoStream = err.Error(), err.Error()
		return end
	}
	v.Outside = continuity.NewSealHeads(js, s.config.NATS.Stream, true)
	by := s.config.Rules
	if use, ok, err := rulefiles.New(s.pool).LastMapping(c.Context()); err == nil && ok {
		if by, err = config.RulesOf([]byte(use.Text)); err != nil {
			v.NoStream = fmt.Sprintf("this program cannot read the rule file %s: %v", use.Version, err)
			return end
		}
	}
	// An account that is off here may have been on at the workers.
	by = by.WithAccountsOn(func(string) bool { return true })
	v.Stream = continuity.NewStreamReader(js, ledger.New(s.pool), by, s.config.NATS.Stream, s.config.NATS.Durable)
	return end
}

type verifyPage struct {
	seal.Result
	// CoveredBy is the act that covered findings in this run; 0: none.
	CoveredBy int64 `json:"covered_by_act"`

	covering bool
	kinds    []string
	line     string
}

// mask hides mobile numbers in what was found: orders and members of events may hold one.
func (p *verifyPage) mask() {
	hide := func(f *seal.Finding) { f.What, f.BusinessKey = privacy.Mobiles(f.What), privacy.Mobiles(f.BusinessKey) }
	for i := range p.Findings {
		hide(&p.Findings[i])
	}
	for i := range p.Covered {
		hide(&p.Covered[i].Finding)
	}
}

// args are the command that covers what was found.
func (o *verifyOptions) args() []string {
	args := []string{"reconcile", "verify", "--cover"}
	if len(o.kinds) > 0 {
		args = append(args, "--kind", strings.Join(o.kinds, ","))
	}
	return args
}

// verdict is what the command ends with, once the page is printed.
func (p *verifyPage) verdict() error {
	if p.OK {
		return nil
	}
	return &command.PartlyError{Text: "the ledger is not what it was, or contradicts itself: docs/runbook.md, \"Verify names something\", says what to do"}
}

func (p *verifyPage) print(out io.Writer) {
	words := "The ledger is what it was."
	switch {
	case !p.OK:
		words = "Something does not hold."
	case !p.Complete:
		words = "Nothing was found. Not everything could be checked."
	}
	terminal.Paragraph(out, fmt.Sprintf("%s Ledger %s, as of %s", words, p.LedgerID, wording.Moment(p.At)))
	terminal.Line(out, "sealed", headWords(p.Head))
	terminal.Line(out, "outside", headWords(p.Outside))
	if p.Unsealed > 0 {
		terminal.Line(out, "not sealed", wording.Plural(p.Unsealed, "row")+", younger than the newest batch: recomputed alone")
	}
	fmt.Fprintln(out)
	var rows [][]string
	for _, c := range p.Checks {
		state := "holds"
		switch {
		case c.Found > 0:
			state = wording.Count(c.Found) + " found"
		case c.Unchecked != "" && c.Checked == 0:
			state = "not checked"
		case c.Unchecked != "":
			state = "in part"
		}
		rows = append(rows, []string{c.Name, state, wording.Count(c.Checked) + " " + c.Unit, c.What})
	}
	terminal.Table(out, []terminal.Column{terminal.Left("CHECK"), terminal.Left("RESULT"), terminal.Right("CHECKED"), terminal.Left("WHAT")}, rows)
	for _, c := range p.Checks {
		if c.Unchecked != "" {
			terminal.Point(out, c.Name+" not checked: "+terminal.Clean(c.Unchecked))
		}
		if c.Note != "" {
			terminal.Point(out, c.Name+": "+terminal.Clean(c.Note))
		}
	}
	p.printFindings(out)
}

// findingsShown bounds what is printed; --json has up to 1,000 of each check.
const findingsShown = 50

func (p *verifyPage) printFindings(out io.Writer) {
	if len(p.Findings) > 0 {
		fmt.Fprintln(out, "\nFound:")
	}
	for i, f := range p.Findings {
		if i == findingsShown {
			fmt.Fprintf(out, "… and %d more: --json has them\n", len(p.Findings)-i)
			break
		}
		key := ""
		if f.BusinessKey != "" {
			key = " (" + f.BusinessKey + ")"
		}
		terminal.Point(out, f.Kind+": "+terminal.Clean(f.What+key))
	}
	if len(p.Covered) > 0 {
		fmt.Fprintln(out, "\nCovered by people:")
	}
	for _, f := range p.Covered {
		terminal.Point(out, terminal.Clean(fmt.Sprintf("%s, covered by %s at %s (act %d): %s", f.What, f.Actor, f.At.Format(time.RFC3339), f.Act, f.Reason)))
	}
	n := len(p.Coverable(p.kinds...))
	switch {
	case p.CoveredBy != 0:
		fmt.Fprintf(out, "\nAct %d covers what could be covered.\n", p.CoveredBy)
	case p.covering && n == 0:
		fmt.Fprintln(out, "\nNothing of that can be covered.")
	case n > 0:
		fmt.Fprintf(out, "\n%s can be covered, once they are looked into:\n  %s\n", wording.Plural(int64(n), "finding"), p.line)
	}
}

// headWords names a batch.
func headWords(h seal.Head) string {
	if h.Number == 0 {
		return "nothing"
	}
	return fmt.Sprintf("batch %d of %s, %s", h.Number, wording.Moment(h.SealedAt), h.Hash)
}

// verifyRefused words what a person can do about an error of verify.
func verifyRefused(err error) error {
	switch {
	case errors.Is(err, seal.ErrMayNotCover):
		return command.Usagef("--cover: this database user may not act on the ledger (the finance role may not): ask operations to run it with the worker's DATABASE_URL")
	case errors.Is(err, seal.ErrNothingToCover):
		return command.Usagef("--cover: nothing that was found can be covered; run it without --yes to see what was")
	}
	return err
}
