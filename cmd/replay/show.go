package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"pointsledger/desk/overview"
	"pointsledger/desk/wording"
	"pointsledger/internal/accounts"
	"pointsledger/internal/command"
	"pointsledger/internal/terminal"
	"pointsledger/ledger"
	"pointsledger/vendorapi"
)

func newShow(environ []string) *cobra.Command {
	c := &cobra.Command{
		Use:   "show ID|BIZ_ID|ORDER|REFERENCE",
		Short: "Everything about one operation, in plain words",
		Long: `show takes an operation's id, its dedup key (biz_id), the order number, or the
reference at the end of the text that the member sees (with or without #), and
tells the event, the rules, what was sent, every attempt that did not post, who
put it back, how it ended or what it waits for, and what you can do. An order
number can stand for several operations: all are shown, and before those that
have the number as their id. It changes nothing.`,
		Example: "  replay show SO-1001\n  replay show '#7K2M9QF3TR4V8'\n  replay show 4711 --json",
		Args:    command.Args(cobra.ExactArgs(1)),
		RunE:    runs(environ, &showTask{}),
	}
	c.Flags().Bool("json", false, "print JSON")
	return c
}

type showTask struct{ text string }

func (t *showTask) read(_ *cobra.Command, args []string) error {
	if t.text = operationText(args[0]); t.text == "" {
		return command.Usagef("want an operation's id, biz_id, order number or reference, got nothing")
	}
	return nil
}

// operationText is how a person names an operation; a reference may stand with #.
func operationText(arg string) string { return strings.TrimPrefix(strings.TrimSpace(arg), "#") }

func (t *showTask) call(c *cobra.Command, s *session) (page, error) {
	found, err := overview.Find(c.Context(), s.desk, t.text, accounts.Configured{Config: s.config}, terminalNames)
	switch {
	case err != nil:
		return nil, err
	case len(found.Operations) == 0:
		return nil, notFound(t.text)
	}
	for i := range found.Operations {
		found.Operations[i].Next = nextWords(found.Operations[i].Advice)
	}
	return &showPage{found, t.text}, nil
}

type showPage struct {
	overview.Found
	text string
}

func (found *showPage) print(out io.Writer) {
	if ways := found.SeveralWays(); ways != "" {
		fmt.Fprintf(out, "%s is %s.\n\n", terminal.Clip(terminal.Clean(found.text), 2*terminal.LabelCells), ways)
	}
	for i := range found.Operations {
		if i > 0 {
			fmt.Fprintln(out)
		}
		printOperation(out, &found.Operations[i], found.At)
	}
	if found.More {
		fmt.Fprintf(out, "\nMore operations than these %d fit: name one by its id or biz_id.\n", len(found.Operations))
	}
}

// referenceChars is the length of a reference (ledger.ReferenceOf).
const referenceChars = 13

func notFound(text string) error {
	hint := "The event may have been rejected (`replay status` counts those), may not have arrived yet, or the number is another one: an order number must be whole"
	if len(text) == referenceChars && !ledger.ValidReference(text) {
		hint += ". If it is meant as a reference, it holds a typing error: its check character does not fit"
	}
	return fmt.Errorf("no operation has the id, biz_id, order number or reference %q. %s", terminal.Clean(text), hint)
}

// nextWords are an advice as a terminal says it, commands after a line break.
func nextWords(a overview.Advice) string {
	switch {
	case a.AtAccount:
		return a.Words + ":\nreplay status"
	case len(a.Steps) == 0:
		return a.Words
	}
	see := "putting it back"
	if len(a.Steps) > 1 {
		see = "each"
	}
	return a.Words + ". See what " + see + " would do:\n" + strings.Join(commandsOf(a.Steps), "\n")
}

func printOperation(out io.Writer, o *overview.Operation, now time.Time) {
	fmt.Fprintf(out, "Operation %d: %s\n", o.ID, terminal.Clip(terminal.Clean(overview.Headline(&o.OperationDetail)), terminal.PageWidth-24))
	terminal.Line(out, "state", o.State(now))
	if o.WaitsFor != "" {
		terminal.Line(out, "waits for", o.WaitsFor)
	}
	if x := o.Open; x != nil && x.InDoubt {
		terminal.Line(out, "in doubt", "yes: the vendor may have applied it, and there is no proof; first sent "+wording.Moment(*x.FirstSentAt))
	}
	fmt.Fprintln(out, "What happened")
	terminal.Line(out, "event", fmt.Sprintf("%s, id %s, from %s", o.EventType, o.EventID, o.EventSource))
	terminal.Line(out, "time", fmt.Sprintf("%s; at the broker %s", wording.Moment(o.EventTime), wording.Moment(o.BrokerTime)))
	terminal.Line(out, "message", fmt.Sprintf("%s, stream sequence %d", o.EventSubject, o.StreamSeq))
	terminal.Line(out, "order", o.BusinessKey)
	terminal.Line(out, "business date", o.BusinessDate)
	if o.ShopCode != "" {
		terminal.Line(out, "shop", o.ShopCode)
	}
	if o.AmountFen != nil {
		terminal.Line(out, "amount", wording.Count(*o.AmountFen)+" fen")
	}
	terminal.Line(out, "content", o.Content)
	rules := "version " + o.MappingVersion
	if o.MappingFirstUsed != nil {
		rules += ", first used " + wording.Moment(*o.MappingFirstUsed)
	}
	terminal.Line(out, "rules", rules)
	terminal.Line(out, "recorded", wording.Moment(o.RecordedAt))
	printSent(out, o)
	printHistory(out, o)
	if p := o.Posting; p != nil {
		fmt.Fprintln(out, "How it ended")
		terminal.Line(out, string(p.Kind), wording.Moment(p.PostedAt)+": "+wording.Evidence(p.Evidence))
		if said := wording.Answer(p.HTTPStatus, p.VendorCode, p.VendorWords); said != "" {
			terminal.Line(out, overview.WordsFrom(p.Evidence), said)
		}
		if p.MemberID != "" {
			terminal.Line(out, "member", p.MemberID)
		}
		if c := p.Correction; c != nil {
			terminal.Line(out, "but applied", wording.Moment(c.CorrectedAt)+": "+wording.Evidence(c.Evidence)+", to member "+c.MemberID)
			if said := wording.Answer(c.HTTPStatus, c.VendorCode, c.VendorWords); said != "" {
				terminal.Line(out, overview.WordsFrom(c.Evidence), said)
			}
		}
	}
	fmt.Fprintln(out, "What you can do")
	terminal.Point(out, o.Next)
}

// printSent says what the call carries. It is the same for every attempt.
func printSent(out io.Writer, o *overview.Operation) {
	if o.Points == 0 {
		return
	}
	fmt.Fprintln(out, "What is sent")
	call := "user.points-add (Zhimai)"
	if o.Kind == ledger.FreezePoint {
		call = "freezePoint (Kylin)"
	}
	terminal.Line(out, "call", call+" at account "+o.Account)
	member := o.MemberID
	switch {
	case o.MemberID == "":
		member = "not known yet: scanned code " + o.MemberCode
	case o.MemberCode != "":
		member += ", from scanned code " + o.MemberCode
	}
	terminal.Line(out, "member", member)
	terminal.Line(out, "points", wording.Count(o.Points))
	if o.SourceType != 0 {
		terminal.Line(out, "codes", fmt.Sprintf("sourceType %d, pointsChannel %d", o.SourceType, o.PointsChannel))
	}
	terminal.Line(out, "reason", o.Reason)
	terminal.Line(out, "dedup key", string(o.BizID))
	terminal.Line(out, "reference", o.Reference)
	printRequest(out, o.Request)
}

// printHistory prints attempts and what people did.
func printHistory(out io.Writer, o *overview.Operation) {
	history := o.History()
	did, newest := "", time.Time{}
	if n := len(o.Attempts); n > 0 {
		newest = o.Attempts[n-1].At
	}
	if len(o.Acts) > 0 {
		did = ", and what people did"
		if o.Acts[0].At.After(newest) {
			newest = o.Acts[0].At
		}
	}
	if len(history) > 0 {
		fmt.Fprintf(out, "Attempts that did not post%s (times in %s)\n", did, newest.Local().Format("-07:00"))
	}
	if o.EarlierAttempts > 0 {
		fmt.Fprintf(out, "  (%s not shown)\n", wording.Plural(o.EarlierAttempts, "earlier attempt"))
	}
	for _, h := range history {
		terminal.Line(out, dayAndTime(h.At), h.Words)
		if h.Result != "" {
			terminal.Line(out, "", h.Result)
		}
	}
}

func dayAndTime(t time.Time) string { return t.Local().Format("01-02 15:04:05") }

// printRequest prints the call, the body without blanks.
func printRequest(out io.Writer, r *vendorapi.Preview) {
	if r == nil {
		return
	}
	terminal.Line(out, "request now", r.Method+" "+r.URL)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		if name != "Content-Type" {
			terminal.Line(out, "", name+": "+strings.Join(r.Header[name], ", "))
		}
	}
	var body bytes.Buffer
	if json.Compact(&body, r.Body) != nil {
		body.Write(r.Body)
	}
	terminal.Line(out, "", body.String())
}
