package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"pointsledger/desk/wording"
	"pointsledger/internal/advice/steps"
	"pointsledger/internal/command"
	"pointsledger/internal/terminal"
	"pointsledger/reconcile/books"
	"pointsledger/reconcile/match"
	comparison "pointsledger/reconcile/runs"
)

type itemsOptions struct {
	asks comparison.ItemsAsked
	kind string
}

func newItems(environ []string) *cobra.Command {
	var o itemsOptions
	c := &cobra.Command{
		Use:   "items RUN",
		Short: "What differs in a comparison: what was seen, and what to do about it",
		Long: `items lists what differs in a comparison, each with what was seen, how it stands, and
a command that shows what can be done. Nothing is done by itself.

` + kindHelp(),
		Example: "  reconcile items 12\n  reconcile items 12 --kind only_in_ledger --unexplained\n  reconcile items 12 --kind in_transit --json",
		Args:    command.Args(command.OneArg("the number of a run")),
	}
	c.RunE = func(c *cobra.Command, args []string) error { return o.run(c, environ, args) }
	c.Flags().StringVar(&o.kind, "kind", "", "only this kind; the last four are no differences")
	c.Flags().BoolVar(&o.asks.Unexplained, "unexplained", false, "only what nobody has explained")
	c.Flags().BoolVar(&o.asks.Unmasked, "unmasked", false, "leave mobile numbers in member ids; needs the role "+books.MembersRole)
	c.Flags().Bool("json", false, "print one JSON object a line, an item each")
	return c
}

// listedKinds are all that can be asked for.
func listedKinds() []match.Kind {
	return append(match.Kinds(), match.InTransit, comparison.KindNotOurs, comparison.KindWithoutRecords, comparison.KindNotRead)
}

func kindHelp() string {
	var text strings.Builder
	for _, kind := range listedKinds() {
		fmt.Fprintf(&text, "  %-20s %s\n", kind, kindWords[kind])
	}
	return text.String()
}

// run lists items as they are read: there may be a million.
func (o *itemsOptions) run(c *cobra.Command, environ, args []string) (err error) {
	if o.asks.Run, err = runNumber(args[0]); err != nil {
		return err
	}
	if err := command.NoneEmpty(c, "kind"); err != nil {
		return err
	}
	if o.asks.Kind = match.Kind(o.kind); o.kind != "" && !slices.Contains(listedKinds(), o.asks.Kind) {
		return command.Usagef("--kind: got %q, want one of:\n%s", terminal.Clean(o.kind), kindHelp())
	}
	s, err := open(c, environ)
	if err != nil {
		return err
	}
	defer s.close()
	if o.asks.Unmasked {
		if err := books.MaySeeMembers(c.Context(), s.pool); err != nil {
			return refused(err)
		}
	}
	out, n := c.OutOrStdout(), 0
	asJSON, _ := c.Flags().GetBool("json")
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	err = comparison.New(s.pool, nil).Items(c.Context(), o.asks, func(v *comparison.ItemView) error {
		n++
		if v.Step == "" { // nothing is to be done about it
			return o.show(out, encoder, asJSON, v)
		}
		v.Proposal = steps.Proposal(v.Step, steps.ItemFacts{Item: v.Item.String(), Operation: v.OperationID, BizID: v.BizID, Reference: v.Reference, MemberID: v.MemberID,
			LedgerPoints: v.LedgerPoints, VendorPoints: v.VendorPoints})
		return o.show(out, encoder, asJSON, v)
	})
	switch {
	case errors.Is(err, comparison.ErrNoRun):
		return fmt.Errorf("run %d: %w; `reconcile runs` lists them", o.asks.Run, err)
	case errors.Is(err, comparison.ErrNotDone):
		return fmt.Errorf("run %d: %w; `reconcile show %d` says how to go on", o.asks.Run, err, o.asks.Run)
	case err == nil && n == 0 && !asJSON:
		fmt.Fprintln(out, "There is none.")
	}
	return err
}

func (o *itemsOptions) show(out io.Writer, encoder *json.Encoder, asJSON bool, v *comparison.ItemView) error {
	if asJSON {
		return encoder.Encode(v)
	}
	printItem(out, v)
	return nil
}

func printItem(out io.Writer, v *comparison.ItemView) {
	head := fmt.Sprintf("%s %s, account %s, member %s: ledger %s, vendor %s", v.Item, v.Kind, terminal.Clean(v.Account), terminal.Clean(v.MemberID),
		wording.Count(v.LedgerPoints), wording.Count(v.VendorPoints))
	if v.OpenPoints != 0 {
		head += ", to be moved " + wording.Count(v.OpenPoints)
	}
	terminal.Paragraph(out, strings.TrimSpace(head))
	if v.BusinessKey != "" {
		terminal.Line(out, "order", fmt.Sprintf("%s, operation %d, bizId %s, reference %s", terminal.Clean(v.BusinessKey), v.OperationID, v.BizID, v.Reference))
	}
	terminal.Line(out, "seen", terminal.Clean(v.Evidence))
	if v.ExplainedAt != nil {
		terminal.Line(out, "explained", fmt.Sprintf("by %s, %s: %s", terminal.Clean(v.ExplainedBy), wording.Moment(*v.ExplainedAt), terminal.Clean(v.ExplainedWhy)))
	} else if v.Proposal != "" {
		terminal.Line(out, "to do", terminal.Clean(v.Proposal))
	}
	if v.Owner != "" {
		terminal.Line(out, "owner", terminal.Clean(v.Owner))
	}
	if v.Note != "" {
		terminal.Line(out, "note", terminal.Clean(v.Note))
	}
	fmt.Fprintln(out)
}

// remarkOptions are those of note and explain.
type remarkOptions struct {
	item                           comparison.ItemID
	owner, note, why, operator, by string
	withdraw, explains             bool
	hasOwner, hasNote              bool
}

func newNote(environ []string) *cobra.Command {
	var o remarkOptions
	c := &cobra.Command{
		Use:   "note ITEM",
		Short: "Set who looks after an item, and a note on it",
		Long: `note sets the owner of an item, or a note, or both. They stay with the same difference
in later runs. An empty text takes one away. It explains nothing: see explain.`,
		Example: "  reconcile note 12-3 --owner lin --note \"asked Zhimai, ticket 5512\"",
		Args:    command.Args(command.OneArg("an item, such as 12-3")),
		RunE:    runs(environ, &o),
	}
	c.Flags().StringVar(&o.owner, "owner", "", "who looks after it")
	c.Flags().StringVar(&o.note, "note", "", "a note")
	c.Flags().StringVar(&o.operator, "operator", "", "who says so; the user of this machine unless given")
	c.Flags().Bool("json", false, "print one JSON object on one line")
	return c
}

func newExplain(environ []string) *cobra.Command {
	o := remarkOptions{explains: true}
	c := &cobra.Command{
		Use:   "explain ITEM",
		Short: "Say why an item is no fault or is dealt with; it counts as unexplained no more",
		Long: `explain keeps who says why an item is as it is. It is unexplained no more, in this run
and in every later run that finds the same difference, which shows who and why. It
changes nothing of ledger or vendor. --withdraw takes it back; that it was said stays
in reconcile_remarks.`,
		Example: "  reconcile explain 12-3 --why \"the shop gave these by hand, slip 88\"\n  reconcile explain 12-3 --withdraw --why \"slip 88 was of another member\"",
		Args:    command.Args(command.OneArg("an item, such as 12-3")),
		RunE:    runs(environ, &o),
	}
	c.Flags().StringVar(&o.why, "why", "", "why, for whoever asks later; required")
	c.Flags().BoolVar(&o.withdraw, "withdraw", false, "take an explanation back")
	c.Flags().StringVar(&o.operator, "operator", "", "who says so; the user of this machine unless given")
	c.Flags().Bool("json", false, "print one JSON object on one line")
	return c
}

// maxRemark bounds what is said of an item.
const maxRemark = 1000

func (o *remarkOptions) read(c *cobra.Command, args []string) (err error) {
	ok := false
	if o.item, ok = comparison.ParseItemID(args[0]); !ok {
		return command.Usagef("want an item, such as 12-3, got %q: `reconcile items RUN` names them", terminal.Clean(args[0]))
	}
	if o.by, err = command.Operator(o.operator, c.Flag("operator").Changed); err != nil {
		return err
	}
	for _, text := range []*string{&o.owner, &o.note, &o.why} {
		if *text = strings.TrimSpace(*text); utf8.RuneCountInString(*text) > maxRemark {
			return command.Usagef("want at most %s characters of a text", wording.Count(maxRemark))
		}
	}
	if o.explains {
		if o.why == "" || o.why == command.ReasonToFill {
			return command.Usagef("want --why \"…\": why it is as it is, for whoever asks later; it is kept")
		}
		return nil
	}
	if o.hasOwner, o.hasNote = c.Flag("owner").Changed, c.Flag("note").Changed; !o.hasOwner && !o.hasNote {
		return command.Usagef("want --owner, --note or both")
	}
	return nil
}

func (o *remarkOptions) call(c *cobra.Command, s *session) (page, error) {
	r := comparison.New(s.pool, nil)
	done := &remarkPage{Item: o.item, By: o.by}
	var err error
	switch {
	case o.explains && o.withdraw:
		done.Did, err = "unexplained", r.Unexplain(c.Context(), o.item, o.by, o.why)
	case o.explains:
		done.Did, err = "explained", r.Explain(c.Context(), o.item, o.by, o.why)
	default:
		m := comparison.Remark{By: o.by}
		if o.hasOwner {
			m.Owner = &o.owner
		}
		if o.hasNote {
			m.Note = &o.note
		}
		done.Did, err = "noted", r.Remark(c.Context(), o.item, m)
	}
	if err != nil {
		return nil, fmt.Errorf("item %s: %w", o.item, err)
	}
	return done, nil
}

type remarkPage struct {
	Item comparison.ItemID `json:"item"`
	Did  string            `json:"did"`
	By   string            `json:"by"`
}

func (p *remarkPage) print(out io.Writer) {
	fmt.Fprintf(out, "Item %s: %s, by %s.\n", p.Item, p.Did, terminal.Clean(p.By))
}
