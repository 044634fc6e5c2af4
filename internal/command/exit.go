package command

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"pointsledger/internal/advice"
	"pointsledger/internal/config"
)

// Exit codes of every command.
const (
	ExitDone     = 0
	ExitFailed   = 1
	ExitUsage    = 2 // wrong usage or configuration
	ExitDisagree = 3 // done, but something does not agree
)

// Code is the exit code that an error stands for.
func Code(err error) int {
	var usage *UsageError
	var configuration *config.Error
	switch {
	case err == nil:
		return ExitDone
	case errors.Is(err, ErrDisagree):
		return ExitDisagree
	case errors.As(err, &usage), errors.As(err, &configuration):
		return ExitUsage
	}
	return ExitFailed
}

// Execute runs a program's root command and returns its exit code. An error is
// printed once, on standard error. --version is there for every program.
func Execute(ctx context.Context, root *cobra.Command, args []string) int {
	root.SilenceErrors, root.SilenceUsage = true, true
	root.CompletionOptions.HiddenDefaultCmd = true
	if root.Version == "" {
		root.Version = Version()
	}
	root.SetArgs(args)
	root.SetFlagErrorFunc(flagError)
	root.SetHelpCommand(helpCommand(root))
	root.SuggestionsMinimumDistance = 2
	out := &checkedOutput{Writer: root.OutOrStdout()}
	root.SetOut(out)
	err := root.ExecuteContext(ctx)
	if err == nil && out.err != nil {
		err = fmt.Errorf("write output: %w", out.err)
	}
	if err != nil {
		fmt.Fprintf(root.ErrOrStderr(), "%s: %s\n", root.Name(), shown(advice.Words(err)))
	}
	return Code(err)
}

// shown is a text without what a terminal would obey: an error names files and cells that
// others wrote.
func shown(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return ' '
		}
		return r
	}, text)
}

// Args turns cobra's complaint about arguments into a UsageError.
func Args(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if err := check(c, args); err != nil {
			return Usagef("%w\nUsage: %s", err, c.UseLine())
		}
		return nil
	}
}
