package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"pointsledger/desk"
	"pointsledger/desk/overview"
	"pointsledger/desk/privacy"
	"pointsledger/desk/records"
	"pointsledger/desk/wording"
	"pointsledger/internal/advice/steps"
	"pointsledger/internal/command"
	"pointsledger/internal/terminal"
)

// maxEvidenceChars bounds what is kept in the posting.
const maxEvidenceChars = 500

// settleOptions are the flags of `replay settle`.
type settleOptions struct {
	byHand
	evidence string
	against  bool
}

func newSettle(environ []string) *cobra.Command {
	var o settleOptions
	c := &cobra.Command{
		Use:   "settle ID|BIZ_ID|REFERENCE",
		Short: "Take a parked operation for applied, because the vendor says so",
		Long: `settle ends one parked operation as posted, on a person's word: the vendor looked
it up and has applied it. The evidence (who said it, when, their number for it) is
kept in the posting and in ops_actions. Nothing is sent to the vendor, and it can
not be taken back: ask for the dedup key (biz_id) or the reference by name first.

It looks first: at the vendor's last answer to the points call, and, where the
account is set up here, at the member's records. What the vendor refused, or its
records do not show, is settled only with --against-records, and the audit says
so: points that never arrived would count as given.

Only a parked operation whose member is known can be settled. What waits or is
being sent is left alone. Without --yes nothing is changed: it shows what it would
do, and the command that does it.`,
		Example: `  replay settle pa7k2m9qf3tr4v8w5x6y7z2a3b4c --evidence "Zhimai, Ms Wu, ticket 5512"
  replay settle '#7K2M9QF3TR4V8' --evidence "in their export" --reason "asked by Lin" --yes`,
		Args: command.Args(cobra.ExactArgs(1)),
		RunE: runs(environ, &o),
	}
	o.Register(c)
	c.Flags().StringVar(&o.evidence, "evidence", "", "what shows that the vendor applied it; required")
	c.Flags().BoolVar(&o.against, "against-records", false, "settle although the vendor refused it or its records do not show it")
	return c
}

func (o *settleOptions) read(c *cobra.Command, args []string) error {
	if err := o.byHand.read(c, args); err != nil {
		return err
	}
	o.evidence = strings.TrimSpace(o.evidence)
	switch {
	case o.evidence == "" || o.evidence == command.ReasonToFill:
		return command.Usagef("want --evidence \"…\": who at the vendor said that it was applied, and how they know; it is kept in the posting")
	case utf8.RuneCountInString(o.evidence) > maxEvidenceChars:
		return command.Usagef("--evidence: want at most %d characters", maxEvidenceChars)
	}
	return nil
}

// settled is what settle did, or would do.
type settled struct {
	handled
	// Look is what was seen before, and Against what of it speaks against the
	// settlement: with it, --against-records is wanted.
	Look    records.SettleLook `json:"look"`
	Against string             `json:"against"`
	// Command does it; empty when it is done.
	Command string `json:"command"`

	evidence string
}

func (o *settleOptions) call(c *cobra.Command, s *session) (page, error) {
	d, err := o.parked(c, s)
	if err != nil {
		return nil, err
	}
	if d.MemberID == "" {
		so := ", so nobody can have been given its points by it"
		if d.Open.InDoubt {
			so = "; whom it was sent for, if it was, is not known here: ask the vendor"
		}
		return nil, fmt.Errorf("nothing was changed: operation %d has no member yet, only the scanned code %s%s. Name the member first: %s",
			d.ID, privacy.Mobiles(terminal.Clean(d.MemberCode)), so, steps.Command(desk.Step{Do: desk.StepResolve, BizID: d.BizID, InDoubt: d.Open.InDoubt}))
	}
	r := settled{handled: o.handled(d), evidence: o.evidence}
	if r.Look, err = s.records().BeforeSettling(c.Context(), d); err != nil {
		return nil, err
	}
	r.Against = r.Look.Against()
	switch {
	case !o.Yes:
		args := []string{"replay", "settle", string(d.BizID), "--evidence", o.evidence}
		if r.Against != "" {
			args = append(args, "--against-records")
		}
		r.Command = o.Line(args...)
	case r.Against != "" && !o.against:
		return nil, fmt.Errorf("nothing was changed: %s. If the vendor says all the same that it has applied it, add --against-records; it is kept in ops_actions", r.Against)
	default:
		r.Action, err = s.desk.SettleByHand(c.Context(), desk.HandSettlement{Decision: o.who, ID: d.ID, Evidence: o.evidence, Filter: string(d.BizID),
			Against: r.Against, Records: r.Look.Records})
		if err != nil {
			return nil, steps.NotParked(err, d)
		}
	}
	return &r, nil
}

func (r *settled) print(out io.Writer) {
	if r.Action != 0 {
		fmt.Fprintf(out, "Settled operation %d: it is posted, by your word. Nothing was sent.\n", r.Operation)
		terminal.Line(out, "recorded", recordedAs(r.Action, r.who))
		return
	}
	d := r.shown()
	fmt.Fprintf(out, "Would settle operation %d: %s\n", d.ID, terminal.Clip(terminal.Clean(overview.Headline(&d)), terminal.PageWidth-40))
	terminal.Line(out, "now", "parked: "+wording.Cause(d.Open.Cause, d.Open.State))
	if d.Open.FirstSentAt == nil {
		terminal.Line(out, "careful", "as far as the ledger knows it was never sent. Are you sure that it is this one?")
	}
	given(out, "vendor said", "refused: ", r.Look.Refused)
	if r.Look.Frozen {
		terminal.Line(out, "frozen", "the vendor says that the member's account is frozen")
	}
	terminal.Line(out, "records", r.Look.Words)
	if r.Against != "" {
		terminal.Line(out, "careful", "this speaks against it. Settled, points that never arrived count as given; it needs --against-records")
	}
	terminal.Line(out, "member", d.MemberID)
	terminal.Line(out, "dedup key", string(d.BizID)+", reference "+d.Reference)
	terminal.Line(out, "evidence", privacy.Mobiles(r.evidence))
	printForGood(out, r.Command)
}
