package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"pointsledger/desk/wording"
	"pointsledger/internal/command"
	"pointsledger/internal/terminal"
	comparison "pointsledger/reconcile/runs"
)

type runsOptions struct{ limit int }

func newRuns(environ []string) *cobra.Command {
	var o runsOptions
	c := &cobra.Command{
		Use:     "runs",
		Short:   "The comparisons with the vendor that were made, the newest first",
		Example: "  reconcile runs\n  reconcile runs --limit 200 --json",
		Args:    command.Args(cobra.NoArgs),
		RunE:    runs(environ, &o),
	}
	c.Flags().IntVar(&o.limit, "limit", 20, "the most runs to show, 1 to 10,000")
	c.Flags().Bool("json", false, "print one JSON object on one line")
	return c
}

func (o *runsOptions) read(*cobra.Command, []string) error {
	if o.limit < 1 || o.limit > 10_000 {
		return command.Usagef("--limit: want 1 to 10,000, got %d", o.limit)
	}
	return nil
}

func (o *runsOptions) call(c *cobra.Command, s *session) (page, error) {
	found, err := comparison.New(s.pool, nil).List(c.Context(), o.limit)
	return &runsPage{found}, err
}

type runsPage struct {
	Runs []comparison.Summary `json:"runs"`
}

func (p *runsPage) print(out io.Writer) {
	if len(p.Runs) == 0 {
		fmt.Fprintln(out, "Nothing was compared yet: `reconcile run --from … --to …` does.")
		return
	}
	var rows [][]string
	for i := range p.Runs {
		r := &p.Runs[i]
		account, outcome, covered := terminal.Clean(r.Account), r.State, "-"
		if account == "" {
			account = "(all)"
		}
		if r.State == "done" {
			outcome = wording.Count(r.Unexplained) + " unexplained"
			if r.Postings > 0 {
				covered = fmt.Sprintf("%.1f %%", 100*r.Coverage)
			}
		}
		rows = append(rows, []string{strconv.FormatInt(r.Run, 10), account, r.From, r.To, wording.Count(r.Postings), covered, outcome, terminal.Clean(r.MadeBy)})
	}
	terminal.Table(out, []terminal.Column{terminal.Right("RUN"), terminal.Left("ACCOUNT"), terminal.Left("FROM"), terminal.Left("TO"), terminal.Right("POSTINGS"),
		terminal.Right("COVERED"), terminal.Left("OUTCOME"), terminal.Left("BY")}, rows)
}

type showOptions struct{ run int64 }

func newShow(environ []string) *cobra.Command {
	var o showOptions
	c := &cobra.Command{
		Use:     "show RUN",
		Short:   "One comparison: its figures, and what of it is unexplained now",
		Example: "  reconcile show 12\n  reconcile show 12 --json",
		Args:    command.Args(command.OneArg("the number of a run")),
		RunE:    runs(environ, &o),
	}
	c.Flags().Bool("json", false, "print one JSON object on one line")
	return c
}

func (o *showOptions) read(_ *cobra.Command, args []string) (err error) {
	o.run, err = runNumber(args[0])
	return err
}

func runNumber(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		return 0, command.Usagef("want the number of a run, got %q: `reconcile runs` lists them", terminal.Clean(text))
	}
	return n, nil
}

func (o *showOptions) call(c *cobra.Command, s *session) (page, error) {
	found, err := comparison.New(s.pool, nil).Show(c.Context(), o.run)
	if errors.Is(err, comparison.ErrNoRun) {
		return nil, fmt.Errorf("run %d: %w; `reconcile runs` lists them", o.run, err)
	}
	if err != nil {
		return nil, err
	}
	return &runPage{Summary: found}, verdict(&found)
}
