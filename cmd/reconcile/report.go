package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"pointsledger/internal/command"
	"pointsledger/internal/terminal"
	"pointsledger/reconcile/books"
	"pointsledger/reconcile/report"
	comparison "pointsledger/reconcile/runs"
)

type reportOptions struct {
	asked           report.Asked
	lang            string
	xlsx, html, csv string
	over            bool
	file            func(flag, path string, write func(io.Writer) error) error
}

func newReport(environ []string) *cobra.Command {
	var o reportOptions
	c := &cobra.Command{
		Use:   "report RUN",
		Short: "A comparison for people: on a page, and as workbook, web page or CSV files",
		Long: `report shows what a comparison found, the number that must be zero first: the items that
nobody has explained. Then come what leads to it, what is in transit, held and to be
taken back, and what was not compared and why.

--xlsx writes a workbook with all rows. Its totals are formulas over them, so that a
changed row moves the total, and the summary refers to the totals. --html writes one page
that needs nothing beside it, with charts and the first rows of each table. --csv writes a
file for each sheet. Ids are texts, and no text from outside is a formula. --lang is the
language of all of them, also of what is printed here.

What is held and to be taken back is as of now, the rest as the comparison found it and
with what people said of its items since. The exit code is 3 when something is
unexplained or a member could not be read: the files are there all the same.`,
		Example: "  reconcile report 12\n  reconcile report 12 --xlsx november.xlsx --html november.html --lang zh\n  reconcile report 12 --csv november --overwrite --json",
		Args:    command.Args(command.OneArg("the number of a run")),
		RunE:    runs(environ, &o),
	}
	c.Flags().StringVar(&o.xlsx, "xlsx", "", "a new workbook to write, such as november.xlsx")
	c.Flags().StringVar(&o.html, "html", "", "a new web page to write, such as november.html")
	c.Flags().StringVar(&o.csv, "csv", "", "a new or empty folder for a CSV file of each sheet")
	c.Flags().StringVar(&o.lang, "lang", string(report.English), "the language: zh or en")
	c.Flags().BoolVar(&o.over, "overwrite", false, "write over files of these names that are there")
	c.Flags().BoolVar(&o.asked.Unmasked, "unmasked", false, "leave mobile numbers in member ids; needs the role "+books.MembersRole)
	c.Flags().Bool("json", false, "print one JSON object on one line")
	return c
}

func (o *reportOptions) read(c *cobra.Command, args []string) (err error) {
	if o.asked.Run, err = runNumber(args[0]); err != nil {
		return err
	}
	if o.asked.Lang = report.Lang(o.lang); !slices.Contains(report.Langs(), o.asked.Lang) {
		return command.Usagef("--lang: want zh or en, got %q", o.lang)
	}
	if o.file = command.WriteNew; o.over {
		o.file = command.WriteOver
	}
	for _, f := range []struct{ flag, path, ending string }{{"xlsx", o.xlsx, ".xlsx"}, {"html", o.html, ".html"}, {"csv", o.csv, ""}} {
		if !c.Flag(f.flag).Changed {
			continue
		}
		if !strings.HasSuffix(f.path, f.ending) || f.path == "" {
			return command.Usagef("--%s: want a name%s, got %q", f.flag, map[bool]string{true: " that ends in " + f.ending}[f.ending != ""], f.path)
		}
		if err := o.free(f.flag, f.path); err != nil {
			return err
		}
	}
	return nil
}

// free sees that nothing is there, before anything is read.
func (o *reportOptions) free(flag, path string) error {
	about, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return command.Usagef("--%s: %w", flag, err)
	case about.IsDir() != (flag == "csv"):
		return command.Usagef("--%s: want a %s, and %s is none", flag, map[bool]string{true: "folder", false: "file"}[flag == "csv"], path)
	case o.over:
		return nil
	case flag != "csv":
		return command.Usagef("--%s %s is there already: name a new file, or add --overwrite", flag, path)
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return command.Usagef("--csv: %w", err)
	}
	if len(entries) > 0 {
		return command.Usagef("--csv %s is not empty: name a new folder, or add --overwrite", path)
	}
	return nil
}

func (o *reportOptions) call(c *cobra.Command, s *session) (page, error) {
	p := &reportPage{Files: []string{}}
	err := report.New(s.pool).Read(c.Context(), o.asked, func(r *report.Report) error {
		p.Figures, p.title, p.heading, p.byline, p.blocks = r.Figures, r.Title(), r.Heading(), r.Byline(), r.Blocks()
		progress := command.NewProgress(c.ErrOrStderr())
		defer progress.Done()
		return o.write(c, r, p, progress)
	})
	switch {
	case errors.Is(err, comparison.ErrNoRun):
		return nil, fmt.Errorf("run %d: %w; `reconcile runs` lists them", o.asked.Run, err)
	case errors.Is(err, comparison.ErrNotDone):
		return nil, fmt.Errorf("run %d: %w; `reconcile show %d` says how to go on", o.asked.Run, err, o.asked.Run)
	case err != nil:
		return nil, err
	}
	if !p.Agrees {
		return p, command.ErrDisagree
	}
	return p, nil
}

// write writes the files that are asked for.
func (o *reportOptions) write(c *cobra.Command, r *report.Report, p *reportPage, progress *command.Progress) error {
	for _, f := range []struct {
		flag, path string
		write      func(io.Writer) error
	}{
		{"xlsx", o.xlsx, func(out io.Writer) error { return r.Workbook(c.Context(), out) }},
		{"html", o.html, func(out io.Writer) error { return r.Page(c.Context(), out) }},
	} {
		if f.path == "" {
			continue
		}
		progress.Show("writing %s", f.path)
		if err := o.file(f.flag, f.path, f.write); err != nil {
			return err
		}
		p.Files = append(p.Files, f.path)
	}
	if o.csv == "" {
		return nil
	}
	progress.Show("writing %s", o.csv)
	if err := os.MkdirAll(o.csv, 0o700); err != nil {
		return command.Usagef("--csv: %w", err)
	}
	// A file of an earlier report that this one has not would be taken for a part of it.
	for _, name := range report.CSVNames() {
		if err := os.Remove(filepath.Join(o.csv, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return command.Usagef("--csv: %w", err)
		}
	}
	return r.CSV(c.Context(), func(name string, write func(io.Writer) error) error {
		path := filepath.Join(o.csv, name)
		p.Files = append(p.Files, path)
		return o.file("csv", path, write)
	})
}

// reportPage is a report, and the files that were written of it.
type reportPage struct {
	report.Figures
	Files []string `json:"files"`

	title, heading, byline string
	blocks                 []report.Block
}

func (p *reportPage) print(out io.Writer) {
	terminal.Paragraph(out, p.title+" · "+p.heading)
	terminal.Paragraph(out, p.byline)
	for _, b := range p.blocks {
		fmt.Fprintln(out)
		if b.Title != "" {
			fmt.Fprintln(out, b.Title)
		}
		if len(b.Columns) == 0 {
			for _, row := range b.Rows {
				fmt.Fprintf(out, "  %s  %s\n", padded(row[0], 36), row[1])
			}
			continue
		}
		var columns []terminal.Column
		for _, column := range b.Columns {
			if column.Right {
				columns = append(columns, terminal.Right(strings.ToUpper(column.Title)))
			} else {
				columns = append(columns, terminal.Left(strings.ToUpper(column.Title)))
			}
		}
		for _, row := range b.Rows {
			for i := range row {
				row[i] = terminal.Clean(row[i])
			}
		}
		terminal.Table(out, columns, b.Rows)
	}
	if len(p.Files) > 0 {
		fmt.Fprintln(out)
	}
	for _, file := range p.Files {
		fmt.Fprintln(out, terminal.Clean(file))
	}
}

func padded(text string, cells int) string {
	return text + strings.Repeat(" ", max(cells-terminal.Width(text), 0))
}
