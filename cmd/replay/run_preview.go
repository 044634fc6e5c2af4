package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"pointsledger/desk"
	"pointsledger/desk/carry"
	"pointsledger/desk/records"
	"pointsledger/desk/wording"
	"pointsledger/internal/accounts"
	"pointsledger/internal/advice/steps"
	"pointsledger/internal/command"
	"pointsledger/internal/terminal"
)

// previewReport is what run shows without --yes.
type previewReport struct {
	carry.PutBackPreview
	// Probe is what --probe found in the vendor's records; null without it.
	Probe *records.ProbeReport `json:"probe"`
	// Command carries the plan out; empty when nothing would be put back.
	Command string `json:"command"`
}

// preview says what is left of a plan and what putting it back would do.
func (s *session) preview(c *cobra.Command, o *runOptions, plan desk.Plan) (page, error) {
	var p previewReport
	var err error
	p.PutBackPreview, err = carry.PreviewPutBack(c.Context(), s.desk, plan, o.rate, accounts.ForCarry(s.config))
	if err != nil {
		return nil, err
	}
	if p.Going() {
		p.Command = o.command(plan.Name)
	}
	if p.Plan != nil && o.probe > 0 {
		progress := command.NewProgress(c.ErrOrStderr())
		p.Probe, err = s.records().Probe(c.Context(), *p.Plan, o.probe, func(done, members int) {
			progress.Show("  reading the vendor's records: %s of %s", wording.Count(done), wording.Plural(members, "member"))
		})
		if progress.Done(); err != nil {
			return nil, err
		}
	}
	if p.Probe != nil && p.Probe.Unread.Count > 0 {
		err = &command.PartlyError{Text: fmt.Sprintf("the vendor's records could not be read for %s of the probe", wording.Plural(p.Probe.Unread.Count, "operation"))}
	}
	return &p, err
}

func (p *previewReport) print(out io.Writer) {
	if p.Plan == nil {
		fmt.Fprintln(out, steps.NoneFits("put back"))
		return
	}
	t := p.Total
	p.printHead(out)
	if t.Operations > 0 {
		p.printGroups(out)
		fmt.Fprintln(out)
		terminal.Line(out, "recorded", wording.Moment(t.Oldest)+" to "+wording.Moment(t.Newest))
	}
	for i, n := range []int64{p.LookedUpFirst, p.SentUnasked} {
		if n > 0 {
			terminal.Line(out, "in doubt", wording.Count(n)+": "+wording.Doubt(n, i == 0))
		}
	}
	if p.Probe != nil {
		printFacts(out, p.Probe.Facts(terminalNames))
	}
	for _, stay := range p.Stays {
		terminal.Line(out, "stay parked", fmt.Sprintf("%s: %s", wording.Count(stay.Count), wording.Blocked(stay.Blocked, stay.Account, stay.Memory, terminalNames)))
	}
	if t.CodeTooOld > 0 {
		terminal.Line(out, "old codes", fmt.Sprintf("%s: scanned longer ago than their account allows (code_max_age); what has no member yet parks again.",
			wording.Count(t.CodeTooOld)))
	}
	counted(out, "refunded", t.TakenBack, " of them since: "+wording.Plural(t.TakenPoints, "point")+" to be taken back when they have arrived")
	counted(out, "no longer parked", p.NoLongerParked, " of the plan: skipped")
	if p.PutBackSeconds > 0 {
		terminal.Line(out, "putting back", fmt.Sprintf("%s at --rate %s", wording.About(p.PutBackSeconds), wording.Count(p.Rate)))
	}
	for _, d := range p.Drains {
		if d.Operations == 0 {
			continue
		}
		terminal.Line(out, "sending", d.Words())
		if d.GateClosed != "" {
			terminal.Line(out, "GATE CLOSED", fmt.Sprintf("%s: %s. What is put back waits until it opens (replay status).", d.Account, wording.Gate(d.GateClosed)))
		}
	}
	switch {
	case p.CancelledAt != nil:
		fmt.Fprintf(out, "\n%s cancelled it at %s, so it is not carried out any more.\nThe same filter makes a new plan: replay run …\n", terminal.Clean(p.CancelledBy), wording.Moment(*p.CancelledAt))
	case p.Command == "" && t.Operations > 0:
		fmt.Fprintln(out)
		words, commands := steps.NothingGoes(&t)
		terminal.Paragraph(out, words)
		fmt.Fprintln(out, commands)
	case p.Command == "":
		fmt.Fprintln(out, "Nothing of it is left to put back.")
	default:
		fmt.Fprintf(out, "\nTo put back exactly these:\n  %s\n", p.Command)
	}
}

// printHead says what was found, or what is left of a plan that was begun.
func (p *previewReport) printHead(out io.Writer) {
	fmt.Fprintf(out, "Plan %s: %s. This is a preview: nothing has been changed.\n", p.Name, wording.Plural(p.Size, "parked operation"))
	terminal.Line(out, "chosen by", p.Filter)
	terminal.Line(out, "made", fmt.Sprintf("%s by %s", wording.Moment(p.MadeAt), p.MadeBy))
	if begun := p.Size - p.Left; begun > 0 {
		terminal.Line(out, "done before", countsWords(p.PlanCounts)+"; "+wording.Plural(p.Left, "operation")+" left")
	}
	fmt.Fprintln(out)
}

// countsWords says what became of the operations of a plan of kind run.
func countsWords(c desk.PlanCounts) string {
	return fmt.Sprintf("%s put back, %s skipped, %s refused", wording.Count(c.Done), wording.Count(c.Skipped), wording.Count(c.Refused))
}

func (p *previewReport) printGroups(out io.Writer) {
	row := func(account, cause, call string, c desk.ReplayCount) []string {
		return []string{account, cause, call, wording.Count(c.Operations), wording.Count(c.Members), wording.Count(c.Points),
			wording.Count(c.InDoubt), wording.Count(c.Blocked())}
	}
	var rows [][]string
	for _, g := range p.Groups {
		rows = append(rows, row(g.Account, string(g.Cause), string(g.Kind), g.ReplayCount))
	}
	if len(rows) > 1 {
		rows = append(rows, row("all", "", "", p.Total))
	}
	terminal.Table(out, []terminal.Column{terminal.Left("ACCOUNT"), terminal.Left("CAUSE"), terminal.Left("CALL"), terminal.Right("OPERATIONS"), terminal.Right("MEMBERS"),
		terminal.Right("POINTS"), terminal.Right("OF THEM IN DOUBT"), terminal.Right("STAY PARKED")}, rows)
}
