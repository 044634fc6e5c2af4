package main

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"pointsledger/desk/wording"
	"pointsledger/desk/workitems"
	"pointsledger/internal/command"
	"pointsledger/internal/terminal"
)

func newWorkItems(environ []string) *cobra.Command {
	c := &cobra.Command{
		Use:   "workitems",
		Short: "What a person does in a vendor's back office: list, export, settle",
		Long: `workitems are points to be taken back, or freezes to be released, for which the
vendor offers no call: a person does it in the vendor's back office. They are there
once the grant that they take from has arrived.

  replay workitems list                      what is to be done, summed up
  replay workitems export --output work.csv  the list for whoever does it
  replay workitems settle work.csv           what the filled-in list would settle
  replay workitems settle work.csv --reason "ticket 81" --yes`,
		Args: command.Args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newWorkItemsList(environ), newWorkItemsExport(environ), newWorkItemsSettle(environ))
	return c
}

// workFlags choose work items.
type workFlags struct{ filter workitems.Filter }

func (f *workFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.filter.Account, "account", "", "vendor account")
	c.Flags().StringVar(&f.filter.Member, "member", "", "member id")
	c.Flags().StringVar(&f.filter.BusinessKey, "order", "", "order number, whole")
}

func (f *workFlags) check(c *cobra.Command) error {
	return command.NoneEmpty(c, "account", "member", "order")
}

type workList struct {
	workFlags
	limit int
}

func newWorkItemsList(environ []string) *cobra.Command {
	var o workList
	c := &cobra.Command{
		Use:   "list",
		Short: "What is to be done, summed up, and the oldest items of each account",
		Long: `list sums up what is to be taken back or released by hand, by account, and lists it,
the oldest first. Mobile numbers are masked. It changes nothing.`,
		Example: "  replay workitems list --account zhimai\n  replay workitems list --json | jq '.sums'",
		Args:    command.Args(cobra.NoArgs),
		RunE:    runs(environ, &o),
	}
	o.register(c)
	c.Flags().IntVar(&o.limit, "limit", 50, "the most items to show, 1 to 10,000; the sums are of all")
	c.Flags().Bool("json", false, "print JSON")
	return c
}

func (o *workList) read(c *cobra.Command, _ []string) error {
	if o.limit < 1 || o.limit > maxPage {
		return command.Usagef("--limit: want 1 to %s, got %d; export has all", wording.Count(maxPage), o.limit)
	}
	return o.check(c)
}

func (o *workList) call(c *cobra.Command, s *session) (page, error) {
	l, err := s.items.List(c.Context(), o.filter, o.limit)
	return &workPage{l}, err
}

type workPage struct{ workitems.Listing }

func (l *workPage) print(out io.Writer) {
	if len(l.Items) == 0 {
		fmt.Fprintln(out, "Nothing is to be done by hand.")
		return
	}
	for i := range l.Sums {
		terminal.Line(out, l.Sums[i].Account, l.Sums[i].Words()+"; the oldest for "+wording.Age(l.Sums[i].OldestAt, time.Now()))
	}
	fmt.Fprintln(out)
	rows := make([][]string, len(l.Items))
	for i, item := range l.Items {
		rows[i] = []string{strconv.FormatInt(int64(item.ID), 10), item.Account, wording.Verb(item.Kind), wording.Count(item.Points), terminal.Clean(item.MemberID), terminal.Clean(item.BusinessKey),
			wording.Age(item.Since, time.Now()), string(item.BizID)}
	}
	terminal.Table(out, []terminal.Column{terminal.Left("ID"), terminal.Left("ACCOUNT"), terminal.Left("TO DO"), terminal.Right("POINTS"), terminal.Left("MEMBER"), terminal.Left("ORDER"),
		terminal.Right("AGE"), terminal.Left("BIZ_ID")}, rows)
	if l.More {
		fmt.Fprintln(out, "\nThere are more: --limit shows more, export writes all.")
	}
	fmt.Fprintln(out, "\nThe list for whoever does it, member ids unmasked:\n  replay workitems export --output work.csv")
}

type workExport struct {
	workFlags
	file command.NewFile
}

func newWorkItemsExport(environ []string) *cobra.Command {
	var o workExport
	c := &cobra.Command{
		Use:   "export",
		Short: "Write the list for whoever does it in the vendor's back office",
		Long: `export writes CSV that a spreadsheet opens (UTF-8 with a byte order mark): biz_id, the
account, what is to be done, member, order and points, since when; the grant that it
takes from, with the reference at the end of its text in the vendor's records; and
two columns to fill in, result and note. A tab stands before numbers that are names,
so that a spreadsheet leaves them whole. perhaps_done says yes for what may have been
done before the database was restored: ask first. It changes nothing.

result: done, or not_possible with a note that says why (the member has left, say);
empty while it is not done. replay workitems settle reads the file back.

Member ids are not masked in it: it goes to a file that only you can read (--output),
or to a pipe, never to a terminal.`,
		Example: "  replay workitems export --account zhimai --output work.csv",
		Args:    command.Args(cobra.NoArgs),
		RunE:    runs(environ, &o),
	}
	o.register(c)
	o.file.Register(c)
	return c
}

func (o *workExport) read(c *cobra.Command, _ []string) error {
	if err := o.check(c); err != nil {
		return err
	}
	return o.file.Check(c, "member ids")
}

func (o *workExport) call(c *cobra.Command, s *session) (page, error) {
	n := 0
	where, err := o.file.Write(c, func(out io.Writer) (err error) {
		n, err = s.items.Write(c.Context(), o.filter, out)
		return err
	})
	if err == nil {
		c.PrintErrf("Exported %s to %s, member ids unmasked. Filled in: replay workitems settle FILE\n", wording.Plural(n, "work item"), where)
	}
	return nil, err
}
