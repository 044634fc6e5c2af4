package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"pointsledger/desk"
	"pointsledger/desk/wording"
	"pointsledger/desk/workitems"
	"pointsledger/internal/command"
	"pointsledger/internal/terminal"
)

type workSettle struct {
	command.Decide
	who  desk.Decision
	file string
}

func newWorkItemsSettle(environ []string) *cobra.Command {
	var o workSettle
	c := &cobra.Command{
		Use:   "settle FILE",
		Short: "Settle what the filled-in list says was done; without --yes only show it",
		Long: `settle reads the list that workitems export wrote, filled in: its columns biz_id,
result and note, by their names; others are ignored, but points must be the item's
where the file has them. It takes UTF-8 or GB18030, with commas, semicolons or tabs.

  done          the points are taken back, or released: posted, by your word
  not_possible  they are not, and never will be: given up, the member keeps them.
                The note says why
  (empty)       not done yet: left alone

Each row settles its operation or nothing, and the same file can be settled again:
what has ended stays as it ended. Rows that could not be taken (an unknown biz_id, no
work item, another word) are named, and make exit code 3; the others are settled.
Without --yes nothing is changed. It cannot be taken back.`,
		Example: "  replay workitems settle work.csv\n  replay workitems settle work.csv --reason \"done by Lin, ticket 81\" --yes",
		Args:    command.Args(command.OneArg("the filled-in file")),
		RunE:    runs(environ, &o),
	}
	o.Register(c)
	return c
}

func (o *workSettle) read(c *cobra.Command, args []string) (err error) {
	o.file = args[0]
	o.who, err = decided(&o.Decide, c)
	return err
}

func (o *workSettle) answers() ([]workitems.Answer, error) {
	f, err := os.Open(o.file)
	if err != nil {
		return nil, command.Usagef("want the filled-in list: %w", err)
	}
	defer f.Close()
	answers, err := workitems.Read(f)
	if err != nil {
		return nil, command.Usagef("%s: %w. Nothing was changed", o.file, err)
	}
	return answers, nil
}

func (o *workSettle) call(c *cobra.Command, s *session) (page, error) {
	answers, err := o.answers()
	if err != nil {
		return nil, err
	}
	r := settledWork{file: o.file, who: o.who, yes: o.Yes}
	if o.Yes {
		r.Settlement, err = s.items.Settle(c.Context(), answers, o.who, filepath.Base(o.file))
		if err != nil {
			return nil, fmt.Errorf("%w\nSettled before that: %s, recorded; the same command goes on with the rest", err, wording.Plural(r.Operations, "operation"))
		}
	} else {
		rows, err := s.items.Judge(c.Context(), answers)
		if err != nil {
			return nil, err
		}
		if r.Settlement = workitems.Tally(rows); r.Operations > 0 {
			r.Command = o.Line("replay", "workitems", "settle", o.file)
		}
	}
	if n := len(r.Look()); n > 0 {
		err = &command.PartlyError{Text: fmt.Sprintf("%s of %s could not be taken", wording.Count(n), wording.Plural(len(r.Rows), "row"))}
	}
	return &r, err
}

// maxRowsNamed is how many rows that could not be taken are shown.
const maxRowsNamed = 50

// settledWork is what settle did, or would do.
type settledWork struct {
	workitems.Settlement
	// Command does it; empty when it is done, or nothing would be.
	Command string `json:"command"`

	file string
	who  desk.Decision
	yes  bool
}

func (r *settledWork) print(out io.Writer) {
	did := "Would settle"
	if r.yes {
		did = "Settled"
	}
	fmt.Fprintf(out, "%s %s of %s: %s of %s.\n", did, wording.Plural(r.Operations, "operation"), wording.Plural(len(r.Rows), "row"),
		wording.Plural(r.Points, "point"), wording.Plural(r.Members, "member"))
	printFacts(out, r.Facts())
	for _, act := range r.Acts {
		terminal.Line(out, "recorded", recordedAs(act, r.who))
	}
	if look := r.Look(); len(look) > 0 {
		fmt.Fprintln(out, "\nRows that could not be taken")
		for _, row := range look[:min(len(look), maxRowsNamed)] {
			terminal.Point(out, fmt.Sprintf("line %d, %s: %s (%s)", row.Line, row.BizID, row.Words, row.Outcome))
		}
		if more := len(look) - maxRowsNamed; more > 0 {
			terminal.Point(out, wording.Count(more)+" more: --json names all")
		}
	}
	switch {
	case r.Command != "":
		fmt.Fprintln(out)
		printForGood(out, r.Command)
	case !r.yes:
		fmt.Fprintln(out, "Nothing of it would be settled, so there is no command to run.")
	}
}
