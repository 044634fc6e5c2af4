package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"pointsledger/internal/command"
	"pointsledger/internal/config"
	"pointsledger/migrations"
)

func newMigrate() *cobra.Command {
	var grantTo string
	var all, yes bool
	c := &cobra.Command{
		Use:   "migrate [up|status|down]",
		Short: "Bring the database's schema up to this program",
		Long: `migrate up (the default) applies what is missing, status lists the migrations,
down takes the newest back (--all: every one) and with it the data in its
tables, so it asks for --yes.

With --grant-to ROLE, up also gives that role exactly the rights the worker
needs, for databases in which another role migrates.`,
		Args:      command.Args(cobra.MatchAll(cobra.MaximumNArgs(1), cobra.OnlyValidArgs)),
		ValidArgs: []string{"up", "status", "down"},
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := loadConfig(c)
			if err != nil {
				return err
			}
			if cfg.DatabaseURL == "" {
				return command.Usagef("DATABASE_URL is not set: want a Postgres URL such as postgres://ledger@db/points")
			}
			switch verb := append(args, "up")[0]; verb {
			case "status":
				return migrateStatus(c, cfg)
			case "down":
				if !yes {
					return command.Usagef("migrate down drops tables and what is in them: add --yes if that is meant")
				}
				return migrations.Down(c.Context(), cfg.DatabaseURL.Reveal(), all)
			default:
				return migrateUp(c, cfg, grantTo)
			}
		},
	}
	c.Flags().StringVar(&grantTo, "grant-to", "", "also give this role the worker's rights")
	c.Flags().BoolVar(&all, "all", false, "down: take every migration back")
	c.Flags().BoolVar(&yes, "yes", false, "down: drop the tables")
	return c
}

func migrateUp(c *cobra.Command, cfg *config.Config, grantTo string) error {
	if err := migrations.Up(c.Context(), cfg.DatabaseURL.Reveal()); err != nil {
		return err
	}
	if grantTo != "" {
		if err := migrations.GrantWorker(c.Context(), cfg.DatabaseURL.Reveal(), grantTo); err != nil {
			return err
		}
		fmt.Fprintf(c.OutOrStdout(), "granted the worker's rights to %s\n", grantTo)
	}
	return migrateStatus(c, cfg)
}

func migrateStatus(c *cobra.Command, cfg *config.Config) error {
	steps, err := migrations.Status(c.Context(), cfg.DatabaseURL.Reveal())
	if err != nil {
		return err
	}
	for _, s := range steps {
		applied := "pending"
		if !s.AppliedAt.IsZero() {
			applied = "applied " + s.AppliedAt.UTC().Format(time.RFC3339)
		}
		fmt.Fprintf(c.OutOrStdout(), "%-40s %s\n", s.File, applied)
	}
	return nil
}
