package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"pointsledger/internal/command"
	"pointsledger/internal/config"
	"pointsledger/rules"
)

func newSchema() *cobra.Command {
	return &cobra.Command{
		Use:   "schema [TYPE]",
		Short: "Print the JSON Schema of the events",
		Long: `schema prints the JSON Schema (draft 2020-12) of one event type, or of all types
of the rules in one object, keyed by type.`,
		Args: command.Args(cobra.MaximumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := loadConfig(c)
			if err != nil {
				return err
			}
			if len(args) == 1 {
				text, err := rules.Schema(cfg.Rules, args[0])
				if err != nil {
					return command.Usagef("no rule for type %q; known types: %s", args[0], strings.Join(cfg.Rules.Types(), ", "))
				}
				fmt.Fprintln(c.OutOrStdout(), string(bytes.TrimSpace(text)))
				return nil
			}
			all := map[string]json.RawMessage{}
			for _, typ := range cfg.Rules.Types() {
				text, err := rules.Schema(cfg.Rules, typ)
				if err != nil {
					return err
				}
				all[typ] = text
			}
			encoder := json.NewEncoder(c.OutOrStdout())
			encoder.SetEscapeHTML(false)
			encoder.SetIndent("", "  ")
			return encoder.Encode(all)
		},
	}
}

func newConfig() *cobra.Command {
	var asJSON, builtIn bool
	c := &cobra.Command{
		Use:   "config",
		Short: "Show the configuration in force, secrets masked",
		Long: `config shows every setting with where it comes from, secrets masked. With
--default it prints the built-in YAML file instead, to start one's own from:

  worker config --default > points.yaml
  WORKER_CONFIG=points.yaml worker config`,
		Args: command.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if builtIn && asJSON {
				return command.Usagef("--default prints YAML: it does not go with --json")
			}
			if builtIn {
				_, err := c.OutOrStdout().Write(config.DefaultFile())
				return err
			}
			cfg, err := loadConfig(c)
			if err != nil {
				return err
			}
			if asJSON {
				return cfg.DescribeJSON(c.OutOrStdout())
			}
			return cfg.Describe(c.OutOrStdout())
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().BoolVar(&builtIn, "default", false, "print the built-in YAML file")
	return c
}

// sortedNames lists the keys of a map in order.
func sortedNames[M ~map[string]V, V any](m M) []string { return slices.Sorted(maps.Keys(m)) }
