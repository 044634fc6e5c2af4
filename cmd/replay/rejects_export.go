package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"pointsledger/desk"
	"pointsledger/desk/rejects"
	"pointsledger/desk/wording"
	"pointsledger/internal/command"
)

func newRejectsExport(environ []string) *cobra.Command {
	var o rejectExport
	c := &cobra.Command{
		Use:   "export [ID…]",
		Short: "Write rejects as JSON lines that worker publish takes back",
		Long: `export writes the events of rejects, by default the open ones, one JSON object a
line: the bytes as they came, without line breaks; an event in binary mode as its
structured twin, with its envelope. Corrected, worker publish takes them back.

The lines are for a machine: member ids and codes and mobile numbers are not
masked in them. So they go to a file that only you can read (--output), or to a
pipe, never to a terminal. Passwords were masked before they were stored.

What is not a JSON object cannot be written as such a line: it is left out and
counted, and the exit code is 3. The rejects stay open: resolve them with retry
or dismiss when the corrected events are published.
` + rejectFilterHelp + `
  --all, --resolved
                   what people have decided about, too, or only that`,
		Example: `  replay rejects export --code missing_field --output rejects.jsonl
  replay rejects export --source shop-sh | jq -c '.data.orderId = .data.order_id' > mended.jsonl
  worker publish mended.jsonl`,
		Args: cobra.ArbitraryArgs,
		RunE: runs(environ, &o),
	}
	o.filters.register(c)
	o.filters.registerState(c)
	o.file.Register(c)
	return c
}

type rejectExport struct {
	filters rejectFlags
	filter  desk.RejectFilter
	file    command.NewFile
}

func (o *rejectExport) read(c *cobra.Command, args []string) (err error) {
	if o.filter, err = o.filters.filter(c, args, time.Now()); err != nil {
		return err
	}
	return o.file.Check(c, "the lines")
}

func (o *rejectExport) call(c *cobra.Command, s *session) (page, error) {
	ids, err := s.desk.FindRejects(c.Context(), o.filter)
	if err != nil {
		return nil, err
	}
	var e rejects.Exported
	where, err := o.file.Write(c, func(out io.Writer) (err error) {
		e, err = rejects.Export(c.Context(), s.store, ids, out)
		return err
	})
	if err != nil {
		return nil, err
	}
	c.PrintErrf("Exported %s to %s, member ids and mobile numbers unmasked.\n", wording.Plural(e.Written, "reject"), where)
	if e.Example != 0 {
		err = &command.PartlyError{Text: leftOut(&e)}
	}
	return nil, err
}

// leftOut says what could not be written, and why.
func leftOut(e *rejects.Exported) string {
	total := 0
	var parts []string
	for why, n := range e.Left {
		total += n
		parts = append(parts, wording.Count(n)+" "+why)
	}
	slices.Sort(parts)
	return fmt.Sprintf("left out %s that cannot be a line for worker publish: %s. replay rejects show %d shows one; their publisher has to send them again",
		wording.Plural(total, "reject"), strings.Join(parts, ", "), e.Example)
}
