package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"pointsledger/desk"
	"pointsledger/desk/overview"
	"pointsledger/desk/privacy"
	"pointsledger/internal/advice/steps"
	"pointsledger/internal/command"
	"pointsledger/internal/terminal"
	"pointsledger/ledger"
)

// resolveOptions are the flags of `replay resolve`.
type resolveOptions struct {
	byHand
	customerID    string
	acceptInDoubt bool
}

func newResolve(environ []string) *cobra.Command {
	var o resolveOptions
	c := &cobra.Command{
		Use:   "resolve ID|BIZ_ID|REFERENCE --customer-id ID",
		Short: "Name the member behind a scanned code that nobody could resolve",
		Long: `resolve names the member of a parked operation that has only a scanned code: the
code was too old, or nobody was found behind it. The operation stays parked, and
its dedup key stays the same; the command that puts it back is printed. The id is
1 to 32 digits, at an account of kind custom 1 to 64 printable characters.

An operation never changes its member, so resolve is refused when its code is
resolved already. It is refused, too, when the operation is in doubt: it may have
been sent for a member that the ledger does not know. Ask the vendor for whom it
has applied the key; --accept-in-doubt says that you know. What waits or is being
sent is left alone. Without --yes nothing is changed: it shows what it would do,
and the command that does it. It can not be taken back: a wrong member means void,
and then an event under an order number of its own (the same one is a duplicate).`,
		Example: `  replay resolve pa7k2m9qf3tr4v8w5x6y7z2a3b4c --customer-id 383933091455959041
  replay resolve 4711 --customer-id 383933091455959041 --reason "shop 7 knows her" --yes`,
		Args: command.Args(cobra.ExactArgs(1)),
		RunE: runs(environ, &o),
	}
	o.Register(c)
	c.Flags().StringVar(&o.customerID, "customer-id", "", "the member's id at the vendor; required")
	c.Flags().BoolVar(&o.acceptInDoubt, "accept-in-doubt", false, "also when it may have been sent: it was for this member")
	return c
}

func (o *resolveOptions) read(c *cobra.Command, args []string) error {
	err := o.byHand.read(c, args)
	if o.customerID = strings.TrimSpace(o.customerID); err == nil && !desk.ValidMemberID(o.customerID) {
		err = o.badID("1 to 32 digits, or at an account of kind custom 1 to 64 printable characters")
	}
	return err
}

func (o *resolveOptions) badID(want string) error {
	return command.Usagef("--customer-id: want the member's id at the vendor, %s, got %q", want, privacy.Mobiles(o.customerID))
}

// resolved is what resolve did, or would do.
type resolved struct {
	Operation ledger.OperationID `json:"operation"`
	BizID     ledger.BizID       `json:"biz_id"`
	MemberID  string             `json:"member_id"`
	// Action is the row of ops_actions; 0 for a preview.
	Action int64 `json:"action_id"`
	// Command does it or, when it is done, puts the operation back.
	Command string `json:"command"`

	handled handled
}

func (o *resolveOptions) call(c *cobra.Command, s *session) (page, error) {
	d, err := o.parked(c, s)
	if err != nil {
		return nil, err
	}
	if err := resolvable(d, o.acceptInDoubt); err != nil {
		return nil, err
	}
	account, _ := s.config.Account(d.Account)
	if !account.AnyMemberID && !desk.ValidCustomerID(o.customerID) {
		return nil, o.badID("1 to 32 digits")
	}
	r := resolved{Operation: d.ID, BizID: d.BizID, MemberID: privacy.Mobiles(o.customerID), handled: o.handled(d)}
	if !o.Yes {
		args := []string{"replay", "resolve", string(d.BizID), "--customer-id", o.customerID}
		if o.acceptInDoubt {
			args = append(args, "--accept-in-doubt")
		}
		r.Command = o.Line(args...)
		return &r, nil
	}
	r.Action, err = s.desk.ResolveByHand(c.Context(), desk.HandResolution{Decision: o.who, ID: d.ID, MemberID: o.customerID, AnyID: account.AnyMemberID,
		AcceptInDoubt: o.acceptInDoubt, Filter: string(d.BizID)})
	if err != nil {
		return nil, steps.NotParked(err, d)
	}
	r.Command = steps.Command(desk.Step{Do: desk.StepPutBack, BizID: d.BizID})
	return &r, nil
}

func (r *resolved) print(out io.Writer) {
	if r.Action != 0 {
		fmt.Fprintf(out, "Operation %d is for member %s now, and still parked.\n", r.Operation, r.MemberID)
		terminal.Line(out, "recorded", recordedAs(r.Action, r.handled.who))
		fmt.Fprintf(out, "See what putting it back would do:\n  %s\n", r.Command)
		return
	}
	d := r.handled.shown()
	fmt.Fprintf(out, "Would name the member of operation %d: %s\n", d.ID, terminal.Clip(terminal.Clean(overview.Headline(&d)), terminal.PageWidth-45))
	terminal.Line(out, "scanned code", d.MemberCode)
	terminal.Line(out, "member", r.MemberID)
	if d.Open.InDoubt {
		terminal.Line(out, "careful", "it may have been sent. If that was for another member, putting it back may pay this one as well")
	}
	printForGood(out, r.Command)
}

// resolvable refuses what has a member, and what may have been sent for one
// unless the person knows that one; the statement looks again.
func resolvable(d *desk.OperationDetail, acceptInDoubt bool) error {
	switch {
	case d.MemberID != "" && d.MemberCode == "":
		return fmt.Errorf("nothing was changed: operation %d has its member from its event, and an operation never changes its member", d.ID)
	case d.MemberID != "":
		return fmt.Errorf("nothing was changed: the code of operation %d is resolved already, and an operation never changes its member. If that is wrong, give it up (%s), and only then have the sale published under an order number of its own",
			d.ID, steps.Command(desk.Step{Do: desk.StepGiveUp, BizID: d.BizID, InDoubt: d.Open.InDoubt}))
	case d.Open.InDoubt && !acceptInDoubt:
		return fmt.Errorf("nothing was changed: operation %d is in doubt, so it may have been sent for a member that the ledger does not know. Ask the vendor for whom it has applied the key %s. If they name somebody, name that member with --accept-in-doubt. If they surely have not applied it and never will, give it up (%s), and only then have the sale published under an order number of its own",
			d.ID, d.BizID, steps.Command(desk.Step{Do: desk.StepGiveUp, BizID: d.BizID, InDoubt: d.Open.InDoubt}))
	}
	return nil
}
