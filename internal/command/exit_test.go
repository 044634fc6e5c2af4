package command

import (
	"bytes"
	"errors"
	"testing"

	"github.com/spf13/cobra"
)

// A file's name, or a cell of it, stands in an error; a terminal obeys neither.
func TestErrorIsNoEscape(t *testing.T) {
	var out bytes.Buffer
	root := &cobra.Command{Use: "tool", RunE: func(*cobra.Command, []string) error {
		return errors.New("a\x1b]0;x\x07\u009b.csv:2: not a number\nUsage:\ttool")
	}}
	root.SetErr(&out)
	if code := Execute(t.Context(), root, nil); code != ExitFailed || out.String() != "tool: a ]0;x  .csv:2: not a number\nUsage:\ttool\n" {
		t.Errorf("got %d, %q", code, out.String())
	}
}
