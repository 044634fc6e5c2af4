package command

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// NewFile is where a command writes what is not masked: a new file that only its user
// can read, or a pipe, never a terminal.
type NewFile struct{ path string }

// Register adds --output.
func (f *NewFile) Register(c *cobra.Command) {
	c.Flags().StringVar(&f.path, "output", "", "a new file to write to, instead of standard output")
}

// Check looks at the flag; the error is a UsageError. what is what would be shown.
func (f *NewFile) Check(c *cobra.Command, what string) error {
	switch {
	case c.Flag("output").Changed && f.path == "":
		return Usagef("--output is empty: want a file")
	case f.path == "" && isTerminal(c.OutOrStdout()):
		return Usagef("%s are not masked, so they are not shown on a terminal: add --output FILE, or a pipe", what)
	}
	return nil
}

func isTerminal(out io.Writer) bool {
	f, ok := out.(interface{ Fd() uintptr })
	return ok && term.IsTerminal(int(f.Fd()))
}

// Write has the file written and says where that was. Half a file is removed: it
// would look like a whole one.
func (f *NewFile) Write(c *cobra.Command, write func(io.Writer) error) (where string, err error) {
	if f.path == "" {
		return "standard output", write(c.OutOrStdout())
	}
	file, err := os.OpenFile(f.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return "", Usagef("--output %s is there already: name a new file", f.path)
	}
	if err != nil {
		return "", Usagef("--output: %w", err)
	}
	err = write(file)
	if closed := file.Close(); err == nil && closed != nil {
		err = fmt.Errorf("write %s: %w", f.path, closed)
	}
	if err != nil {
		_ = os.Remove(f.path)
	}
	return f.path, err
}
