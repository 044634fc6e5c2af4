package main

import (
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/spf13/cobra"

	"pointsledger/internal/command"
	"pointsledger/ledger/database"
	"pointsledger/migrations"
)

// migrateOptions are the flags of `worker migrate`.
type migrateOptions struct {
	grantTo  string
	all, yes bool
}

func newMigrate() *cobra.Command {
	var o migrateOptions
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
		RunE:      func(c *cobra.Command, args []string) error { return migrate(c, append(args, "up")[0], o) },
	}
	c.Flags().StringVar(&o.grantTo, "grant-to", "", "up: also give this role the worker's rights")
	c.Flags().BoolVar(&o.all, "all", false, "down: take every migration back")
	c.Flags().BoolVar(&o.yes, "yes", false, "down: drop the tables")
	return c
}

func migrate(c *cobra.Command, verb string, o migrateOptions) error {
	for flag, of := range map[string]string{"grant-to": "up", "all": "down", "yes": "down"} {
		if c.Flags().Changed(flag) && verb != of {
			return command.Usagef("--%s belongs to migrate %s, not to migrate %s", flag, of, verb)
		}
	}
	if c.Flags().Changed("grant-to") && o.grantTo == "" {
		return command.Usagef("--grant-to: want the name of a role, got nothing")
	}
	cfg, err := loadConfig(c)
	if err != nil {
		return err
	}
	if cfg.DatabaseURL == "" {
		return command.Usagef("DATABASE_URL is not set: want a Postgres URL such as postgres://ledger@db/points")
	}
	dsn := cfg.DatabaseURL.Reveal()
	if err := database.CheckConnection(c.Context(), dsn); err != nil {
		return err
	}
	switch {
	case verb == "status":
		return migrateStatus(c, dsn)
	case verb == "up":
		return migrateUp(c, dsn, o.grantTo)
	case !o.yes:
		return command.Usagef("migrate down drops tables and what is in them: add --yes if that is meant")
	}
	back, err := migrations.Down(c.Context(), dsn, o.all)
	for _, file := range back {
		fmt.Fprintf(c.OutOrStdout(), "taken back: %s\n", file)
	}
	if err == nil && len(back) == 0 {
		fmt.Fprintln(c.OutOrStdout(), "nothing to take back")
	}
	return err
}

func migrateUp(c *cobra.Command, dsn, grantTo string) error {
	ctx, out := c.Context(), c.OutOrStdout()
	if grantTo != "" { // before anything is changed
		has, asker, err := migrations.HasRole(ctx, dsn, grantTo)
		if err != nil {
			return err
		}
		if !has {
			return fmt.Errorf("role %[1]s does not exist, nothing was changed: have it made (CREATE ROLE %[2]s LOGIN; %[3]s may not be allowed to), then run this again",
				grantTo, pgx.Identifier{grantTo}.Sanitize(), asker)
		}
	}
	applied, err := migrations.Apply(ctx, dsn)
	if err != nil {
		return err
	}
	steps, err := migrations.Status(ctx, dsn)
	if err != nil {
		return err
	}
	for _, file := range applied {
		fmt.Fprintf(out, "applied %s\n", file)
	}
	version := steps[len(steps)-1].Version
	switch len(applied) {
	case 0:
		fmt.Fprintf(out, "nothing to apply, at version %d\n", version)
	case 1:
		fmt.Fprintf(out, "applied 1 migration, at version %d\n", version)
	default:
		fmt.Fprintf(out, "applied %d migrations, at version %d\n", len(applied), version)
	}
	if grantTo != "" {
		if err := migrations.GrantWorker(ctx, dsn, grantTo); err != nil {
			return err
		}
		fmt.Fprintf(out, "granted the worker's rights to %s\n", grantTo)
	}
	return noteFinanceRole(c, out, dsn)
}

// noteFinanceRole says when finance cannot log in yet: the migration that makes
// its role passes silently where the migrating role may not create roles.
func noteFinanceRole(c *cobra.Command, out io.Writer, dsn string) error {
	has, asker, err := migrations.HasRole(c.Context(), dsn, migrations.FinanceRole)
	if err == nil && !has {
		fmt.Fprintf(out, "note: role %s is missing (%s may not create roles); see docs/finance-queries.md\n", migrations.FinanceRole, asker)
	}
	return err
}

func migrateStatus(c *cobra.Command, dsn string) error {
	steps, err := migrations.Status(c.Context(), dsn)
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
