package command

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// NoArgs is for a command that takes flags only.
func NoArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 && c.HasAvailableSubCommands() {
		return unknownCommand(c, args[0])
	}
	if len(args) > 0 {
		return Usagef("%s takes no arguments, got %q\nUsage: %s", c.Name(), args[0], c.UseLine())
	}
	return nil
}

func unknownCommand(c *cobra.Command, name string) error {
	text := fmt.Sprintf("unknown command %q for %q", name, c.CommandPath())
	if close := c.SuggestionsFor(name); len(close) > 0 {
		text += "; did you mean " + strings.Join(close, " or ") + "?"
	}
	return Usagef("%s\nTry `%s --help`.", text, c.CommandPath())
}

// OneArg is for a command that takes one argument; want says which.
func OneArg(want string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != 1 {
			return Usagef("%s: want %s, got %d arguments\nUsage: %s", c.Name(), want, len(args), c.UseLine())
		}
		return nil
	}
}

// flagError says what a flag wants, without the words of the parser.
func flagError(c *cobra.Command, err error) error {
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) {
		flag := invalid.GetFlag()
		want := map[string]string{"int": "a whole number", "int64": "a whole number", "uint64": "a whole number, 0 or more",
			"duration": "a duration such as 500ms, 30s or 2h", "bool": "true or false"}[flag.Value.Type()]
		if want != "" {
			err = fmt.Errorf("--%s: want %s, got %q", flag.Name, want, invalid.GetValue())
		}
	}
	return Usagef("%w\nTry `%s --help`.", err, c.CommandPath())
}

// helpCommand is cobra's, except that an unknown command is an error.
func helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Help about any command",
		RunE: func(_ *cobra.Command, args []string) error {
			c, rest, err := root.Find(args)
			if err != nil || c == nil || len(rest) > 0 {
				return unknownCommand(root, strings.Join(args, " "))
			}
			c.InitDefaultHelpFlag()
			return c.Help()
		},
	}
}
