package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"pointsledger/desk"
	"pointsledger/desk/rejects"
	"pointsledger/desk/wording"
	"pointsledger/internal/command"
)

func newRejectsExport(environ []string) *cobra.Command {
	var filters rejectFlags
	var output string
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
		RunE: func(c *cobra.Command, args []string) error {
			filter, err := filters.filter(c, args, time.Now())
			switch {
			case err != nil:
				return err
			case c.Flag("output").Changed && output == "":
				return command.Usagef("--output is empty: want a file")
			case output == "" && isTerminal(c.OutOrStdout()):
				return command.Usagef("the lines are not masked, so they are not shown on a terminal: add --output FILE, or a pipe")
			}
			s, err := open(c, environ)
			if err != nil {
				return err
			}
			defer s.close()
			return s.exportRejects(c, filter, output)
		},
	}
	filters.register(c)
	filters.registerState(c)
	c.Flags().StringVar(&output, "output", "", "a new file to write to, instead of standard output")
	return c
}

func isTerminal(out io.Writer) bool {
	f, ok := out.(interface{ Fd() uintptr })
	return ok && term.IsTerminal(int(f.Fd()))
}

func (s *session) exportRejects(c *cobra.Command, filter desk.RejectFilter, output string) (err error) {
	ids, err := s.desk.FindRejects(c.Context(), filter)
	if err != nil {
		return err
	}
	out, where := c.OutOrStdout(), "standard output"
	if output != "" {
		f, err := os.OpenFile(output, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, os.ErrExist) {
			return command.Usagef("--output %s is there already: name a new file", output)
		}
		if err != nil {
			return command.Usagef("--output: %w", err)
		}
		out, where = f, output
		defer func() {
			if closed := f.Close(); err == nil && closed != nil {
				err = fmt.Errorf("write %s: %w", output, closed)
			}
			var left *command.PartlyError
			if err != nil && !errors.As(err, &left) {
				_ = os.Remove(output) // half a file would look like a whole one
			}
		}()
	}
	e, err := rejects.Export(c.Context(), s.store, ids, out)
	if err != nil {
		return err
	}
	c.PrintErrf("Exported %s to %s, member ids and mobile numbers unmasked.\n", wording.Plural(e.Written, "reject"), where)
	if e.Example != 0 {
		return &command.PartlyError{Text: leftOut(&e)}
	}
	return nil
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
