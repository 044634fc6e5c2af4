package main

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"pointsledger/desk"
	"pointsledger/desk/overview"
	"pointsledger/desk/privacy"
	"pointsledger/desk/wording"
	"pointsledger/internal/command"
	"pointsledger/internal/terminal"
	"pointsledger/ledger"
	"pointsledger/vendorapi"
)

func newShow(environ []string) *cobra.Command {
	var asJSON bool
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
		RunE: func(c *cobra.Command, args []string) error {
			text := strings.TrimPrefix(strings.TrimSpace(args[0]), "#")
			if text == "" {
				return command.Usagef("want an operation's id, biz_id, order number or reference, got nothing")
			}
			s, err := open(c, environ)
			if err != nil {
				return err
			}
			defer s.close()
			return s.show(c, text, asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// shownOperation is an operation with what can be done about it.
type shownOperation struct {
	desk.OperationDetail
	// WaitsFor is what must happen before it goes on; empty when it has ended.
	WaitsFor string `json:"waiting_for"`
	// Request is the call as it would be sent now, secrets masked; nil when it
	// has ended, or its account is not in the configuration.
	Request *vendorapi.Preview `json:"request"`
	// Next is what the operator can do, a command after a line break.
	Next string `json:"next"`
}

func (s *session) show(c *cobra.Command, text string, asJSON bool) error {
	found, more, err := s.desk.Find(c.Context(), text, s.keyMemories())
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return notFound(text)
	}
	gates, err := s.desk.ClosedGates(c.Context())
	if err != nil {
		return err
	}
	now := time.Now()
	shown := make([]shownOperation, len(found))
	for i, d := range found {
		shown[i] = shownOperation{overview.MaskedDetail(d), overview.WaitsFor(&d, gates, now), s.request(&d), nextWords(overview.Next(&d, gates, now, overview.Settings{Verifies: s.verifies(d.Account), Memory: memoryOf(s.keyMemories(), d.Account)}))}
	}
	if asJSON {
		return terminal.JSON(c.OutOrStdout(), struct {
			Operations []shownOperation `json:"operations"`
			More       bool             `json:"more"`
		}{shown, more})
	}
	out := c.OutOrStdout()
	if line := severalWays(text, found, more); line != "" {
		fmt.Fprintf(out, "%s\n\n", line)
	}
	for i := range shown {
		if i > 0 {
			fmt.Fprintln(out)
		}
		shown[i].print(out, now)
	}
	if more {
		fmt.Fprintf(out, "\nMore operations than these %d fit: name one by its id or biz_id.\n", len(shown))
	}
	return nil
}

// severalWays says that a text means more than one thing, and what. Empty when
// it means one.
func severalWays(text string, found []desk.OperationDetail, more bool) string {
	if more {
		return "" // the numbers would be wrong
	}
	counts := map[desk.FoundBy]int{}
	var order []desk.FoundBy
	for _, d := range found {
		if counts[d.FoundBy] == 0 {
			order = append(order, d.FoundBy)
		}
		counts[d.FoundBy]++
	}
	if len(order) < 2 {
		return ""
	}
	parts := make([]string, len(order))
	for i, by := range order {
		switch n := counts[by]; {
		case i == 0:
			parts[i] = fmt.Sprintf("the %s of %s", by, wording.Plural(n, "operation"))
		case n == 1:
			parts[i] = fmt.Sprintf("the %s of another", by)
		default:
			parts[i] = fmt.Sprintf("the %s of %d others", by, n)
		}
	}
	return fmt.Sprintf("%s is %s.", terminal.Clip(terminal.Clean(text), 2*terminal.LabelCells), strings.Join(parts, ", and "))
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

func (o *shownOperation) print(out io.Writer, now time.Time) {
	fmt.Fprintf(out, "Operation %d: %s\n", o.ID, terminal.Clip(terminal.Clean(headline(&o.OperationDetail)), terminal.PageWidth-24))
	terminal.Line(out, "state", o.stateWords(now))
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
	o.printSent(out)
	o.printAttempts(out)
	if p := o.Posting; p != nil {
		fmt.Fprintln(out, "How it ended")
		terminal.Line(out, string(p.Kind), wording.Moment(p.PostedAt)+": "+wording.Evidence(p.Evidence))
		if said := wording.Answer(p.HTTPStatus, p.VendorCode, p.VendorWords); said != "" {
			terminal.Line(out, wordsFrom(p.Evidence), said)
		}
		if p.MemberID != "" {
			terminal.Line(out, "member", p.MemberID)
		}
		if c := p.Correction; c != nil {
			terminal.Line(out, "but applied", wording.Moment(c.CorrectedAt)+": "+wording.Evidence(c.Evidence)+", to member "+c.MemberID)
			if said := wording.Answer(c.HTTPStatus, c.VendorCode, c.VendorWords); said != "" {
				terminal.Line(out, wordsFrom(c.Evidence), said)
			}
		}
	}
	fmt.Fprintln(out, "What you can do")
	terminal.Point(out, o.Next)
}

// wordsFrom says whose words a posting keeps: the vendor's answer to the points
// call, or what it rests on otherwise.
func wordsFrom(evidence ledger.Evidence) string {
	switch evidence {
	case ledger.Answered, ledger.AlreadyApplied:
		return "vendor said"
	}
	return "rests on"
}

// headline is an operation in a few words.
func headline(d *desk.OperationDetail) string {
	verb := "grant"
	if d.Kind == ledger.FreezePoint {
		verb = "freeze"
	}
	return fmt.Sprintf("%s %s at %s for %s", verb, wording.Plural(d.Points, "point"), d.Account, d.BusinessKey)
}

func (o *shownOperation) stateWords(now time.Time) string {
	switch {
	case o.Posting != nil:
		own := 0
		if o.Posting.Kind == ledger.Posted && o.Posting.Evidence != ledger.Manual {
			own = 1 // the attempt that posted is in the posting alone
		}
		return fmt.Sprintf("%s, after %s", o.Posting.Kind, o.attemptWords(o.Posting.Attempts, own))
	case o.Open == nil && o.Points == 0:
		return "nothing to send"
	case o.Open == nil:
		return "lost"
	}
	x := o.Open
	why := ""
	if x.Cause != "" {
		why = fmt.Sprintf(": %s (%s)", wording.Cause(x.Cause, x.State), x.Cause)
	}
	switch x.State {
	case ledger.Sending:
		return "being sent; its lease ends " + wording.Moment(*x.LeaseUntil)
	case ledger.Pending:
		due := "due now"
		if x.NextAt.After(now) {
			due = "due " + wording.Moment(x.NextAt)
		}
		return fmt.Sprintf("waiting, %s, after %s%s", due, o.attemptWords(x.Attempts, 0), why)
	}
	return fmt.Sprintf("parked after %s%s", o.attemptWords(x.Attempts, 0), why)
}

// attemptWords says how many attempts there were. A replay counts anew. more
// are attempts that are not in table attempts.
func (o *shownOperation) attemptWords(n, more int) string {
	replayed := func(a desk.ActDetail) bool { return a.Name == desk.ActReplay }
	if !slices.ContainsFunc(o.Acts, replayed) {
		return wording.Plural(n, "attempt")
	}
	return fmt.Sprintf("%s since the last replay, %s in all", wording.Plural(n, "attempt"), wording.Count(max(n, o.EarlierAttempts+len(o.Attempts)+more)))
}

// printSent says what the call carries. It is the same for every attempt.
func (o *shownOperation) printSent(out io.Writer) {
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
	o.printRequest(out)
}

// printAttempts prints attempts and what people did, in order of time.
func (o *shownOperation) printAttempts(out io.Writer) {
	actions := o.Acts
	var newest time.Time
	if n := len(o.Attempts); n > 0 {
		newest = o.Attempts[n-1].At
	}
	switch {
	case len(actions) > 0:
		fmt.Fprintf(out, "Attempts that did not post, and what people did (times in %s)\n", offset(max(newest.Unix(), actions[0].At.Unix())))
	case len(o.Attempts) > 0:
		fmt.Fprintf(out, "Attempts that did not post (times in %s)\n", offset(newest.Unix()))
	}
	if o.EarlierAttempts > 0 {
		fmt.Fprintf(out, "  (%s not shown)\n", wording.Plural(o.EarlierAttempts, "earlier attempt"))
	}
	for _, a := range o.Attempts {
		for len(actions) > 0 && actions[0].At.Before(a.At) {
			printAction(out, actions[0])
			actions = actions[1:]
		}
		text := strings.ReplaceAll(a.Outcome, "_", " ")
		if call := wording.Call(a.Call); call != "" {
			text = call + ": " + text // its words are not about the points
		}
		if said := wording.Answer(a.HTTPStatus, a.VendorCode, a.VendorWords); said != "" {
			text += ": " + said
		}
		if a.Error != "" {
			text += "; " + inOneZone(a.Error)
		}
		terminal.Line(out, dayAndTime(a.At), fmt.Sprintf("%s (%s ms)", text, wording.Count(a.DurationMs)))
	}
	for _, a := range actions {
		printAction(out, a)
	}
}

// offset is this place's at that time, as moment writes it.
func offset(unix int64) string { return time.Unix(unix, 0).Local().Format("-07:00") }

// stamp is a time inside our own words, which carry the zone they were written in.
var stamp = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)`)

// inOneZone writes the times in a text as the rest of the view writes them.
func inOneZone(text string) string {
	return stamp.ReplaceAllStringFunc(text, func(found string) string {
		at, err := time.Parse(time.RFC3339Nano, found)
		if err != nil {
			return found
		}
		return wording.Moment(at)
	})
}

func dayAndTime(t time.Time) string { return t.Local().Format("01-02 15:04:05") }

// printAction says what a person did. What came of it is told where it is about
// this operation alone.
func printAction(out io.Writer, a desk.ActDetail) {
	terminal.Line(out, dayAndTime(a.At), fmt.Sprintf("%s by %s: %q (action %d)", wording.Act(a.Name), a.Actor, a.Reason, a.ID))
	if a.Name == desk.ActSettle || a.Name == desk.ActResolve {
		terminal.Line(out, "", privacy.Mobiles(a.Result))
	}
}
