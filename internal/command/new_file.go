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
	if err := WriteNew("output", f.path, write); err != nil {
		return "", err
	}
	return f.path, nil
}

// WriteNew has a new file written that only its user can read; flag names it. Half a file
// is removed.
func WriteNew(flag, path string, write func(io.Writer) error) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return Usagef("--%s %s is there already: name a new file", flag, path)
	}
	if err != nil {
		return Usagef("--%s: %w", flag, err)
	}
	err = write(file)
	if closed := file.Close(); err == nil && closed != nil {
		err = fmt.Errorf("write %s: %w", path, closed)
	}
	if err != nil {
		_ = os.Remove(path)
	}
	return err
}

// WriteOver is WriteNew for a file that may be there: the one that is stays whole until the
// new one is.
func WriteOver(flag, path string, write func(io.Writer) error) error {
	part := path + ".part"
	if err := os.Remove(part); err != nil && !errors.Is(err, os.ErrNotExist) {
		return Usagef("--%s: %w", flag, err)
	}
	if err := WriteNew(flag, part, write); err != nil {
		return err
	}
	if err := os.Rename(part, path); err != nil {
		_ = os.Remove(part)
		return Usagef("--%s: %w", flag, err)
	}
	return nil
}
