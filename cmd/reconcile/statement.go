package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"pointsledger/desk/privacy"
	"pointsledger/desk/wording"
	"pointsledger/internal/command"
	"pointsledger/internal/terminal"
	"pointsledger/ledger"
	"pointsledger/reconcile/books"
)

type statementOptions struct {
	askedFlags
	since string
	asks  books.StatementAsked
}

// maxMemberText bounds what is asked for: ids have at most 64 characters.
const maxMemberText = 200

func newStatement(environ []string) *cobra.Command {
	var o statementOptions
	c := &cobra.Command{
		Use:   "statement MEMBER",
		Short: "What one member was given and lost, with opening and running balance",
		Long: `statement lists what happened to the grants, take-backs, freezes and their endings of
one person, with the balance after each. MEMBER is an id as an event names it; where
an event names the person by a customerId and a memberId, both are read.

BALANCE is what arrived, less what was taken back or frozen: what this worker gave the
member to use. What is to be taken back or frozen has left it when it was accepted;
until it has ended it is PENDING, as a grant is before it arrives. What a refund took
before its grant was sent is a line of its own, "netted", and in the grant no more.

--since, or --from with business dates, puts what was before into the opening balance.`,
		Example: "  reconcile statement 383933091455959041\n  reconcile statement 383933091455959041 --since 30d\n  reconcile statement K:1 --from 2026-11-01 --date 2026-11-30 --json",
		Args:    command.Args(command.OneArg("a member's id")),
		RunE:    runs(environ, &o),
	}
	o.register(c)
	c.Flags().StringVar(&o.since, "since", "", "lines from this time on: RFC 3339, or an age such as 30d")
	c.Flags().StringVar(&o.asks.From, "from", "", "lines from this business date on, in their order")
	c.Flags().IntVar(&o.asks.Limit, "limit", 1000, "the newest lines, 1 to 1,000,000; older ones are in the opening balance")
	return c
}

func (o *statementOptions) read(c *cobra.Command, args []string) (err error) {
	q := &o.asks
	q.Member = strings.TrimSpace(args[0])
	switch {
	case q.Member == "" || len(q.Member) > maxMemberText || strings.ContainsRune(q.Member, 0):
		return command.Usagef("want a member's id of 1 to %d bytes", maxMemberText)
	case q.Limit < 1 || q.Limit > maxRows:
		return command.Usagef("--limit: want 1 to %s, got %d", wording.Count(maxRows), q.Limit)
	case q.From != "" && (o.since != "" || o.asOf != ""):
		return command.Usagef("--from is a business date, which goes with --date; --since goes with --as-of")
	case o.since != "" && o.asked.Date != "":
		return command.Usagef("--since is a time, which goes with --as-of; --from goes with --date")
	}
	if err := command.NoneEmpty(c, "since", "from"); err != nil {
		return err
	}
	if err := checkDate("from", q.From); err != nil {
		return err
	}
	now := time.Now()
	if err := o.check(c, now); err != nil {
		return err
	}
	q.Asked = o.asked
	q.Since, err = command.PointInTime("since", o.since, now)
	return err
}

func (o *statementOptions) call(c *cobra.Command, s *session) (page, error) {
	found, err := s.books.Statement(c.Context(), o.asks)
	if errors.Is(err, books.ErrNobody) {
		return nil, fmt.Errorf("member %s: %w", privacy.Mobiles(o.asks.Member), books.ErrNobody)
	}
	return &statementPage{found}, err
}

type statementPage struct{ books.Statement }

func (s *statementPage) print(out io.Writer) {
	who := "Statement of member " + terminal.Clean(s.Members[0])
	if len(s.Members) > 1 {
		who += ", also known as " + terminal.Clean(strings.Join(s.Members[1:], ", "))
	}
	printStanding(out, who, &s.Standing)
	columns := []terminal.Column{terminal.Left("TIME (" + s.AsOf.Local().Format("-07:00") + ")"), terminal.Left("DATE"), terminal.Left("WHAT"), terminal.Right("MOVED"), terminal.Right("PENDING"),
		terminal.Right("FROZEN"), terminal.Right("BALANCE"), terminal.Left("ORDER")}
	rows := [][]string{{"", "", "opening balance", "", wording.Count(s.Opening.Pending), wording.Count(s.Opening.Frozen), wording.Count(s.Opening.Balance), ""}}
	for i := range s.Lines {
		l := &s.Lines[i]
		rows = append(rows, []string{l.At.Local().Format(time.DateTime), l.BusinessDate, lineWords(l), strconv.FormatInt(l.Points, 10), wording.Count(l.After.Pending),
			wording.Count(l.After.Frozen), wording.Count(l.After.Balance), terminal.Clean(l.BusinessKey)})
	}
	rows = append(rows, []string{"", "", "closing balance", "", wording.Count(s.Closing.Pending), wording.Count(s.Closing.Frozen), wording.Count(s.Closing.Balance), ""})
	terminal.Table(out, columns, rows)
	if s.Earlier > 0 {
		fmt.Fprintf(out, "\nThe opening balance holds %s.\n", wording.Plural(s.Earlier, "earlier line"))
	}
	if s.Closing.Spent > 0 {
		fmt.Fprintf(out, "\n%s of what was frozen was spent.\n", wording.Plural(s.Closing.Spent, "point"))
	}
	if len(s.Accounts) > 1 {
		fmt.Fprintln(out)
		for _, a := range s.Accounts {
			terminal.Line(out, a.Account, fmt.Sprintf("balance %s, pending %s, frozen %s, spent %s", wording.Count(a.Balance), wording.Count(a.Pending), wording.Count(a.Frozen), wording.Count(a.Spent)))
		}
	}
}

// lineWords say what happened.
func lineWords(l *books.Line) string {
	what := wording.Verb(l.Kind)
	switch l.Movement {
	case string(ledger.Posted):
		return what + ": done"
	case string(ledger.Voided):
		return what + ": voided"
	case string(ledger.Netted):
		return what + ": netted"
	case "spent":
		return what + ": done, no call"
	case "void_undone":
		return what + ": not voided"
	case "applied_after_void":
		return what + ": done after all"
	}
	return what + ": accepted"
}
