package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"pointsledger/desk"
	"pointsledger/desk/wording"
	"pointsledger/internal/command"
	"pointsledger/ledger"
	"pointsledger/ledger/database"
	"pointsledger/ledger/knowledge"
	"pointsledger/migrations"
)

// forgetReport is what `doctor --forget` prints.
type forgetReport struct {
	Account string `json:"account"`
	// Known is what was known before, by endpoint.
	Known []forgetEndpoint `json:"known"`
	// Forgotten counts the endpoints forgotten; 0 without --yes.
	Forgotten int `json:"forgotten"`
}

type forgetEndpoint struct {
	Endpoint string `json:"endpoint"`
	Words    string `json:"words"`
}

// checkForget says what is wrong with the flags of --forget alone.
func (o *doctorOptions) checkForget(c *cobra.Command) (err error) {
	for _, flag := range []string{"live-member", "account", "wait", "settle"} {
		if c.Flags().Changed(flag) {
			return command.Usagef("--forget: not together with --%s", flag)
		}
	}
	switch {
	case o.forget == "":
		return command.Usagef("--forget: want the name of an account")
	case o.yes && strings.TrimSpace(o.reason) == "":
		return command.Usagef("--forget --yes: want --reason, it is kept in ops_actions")
	}
	o.operator, err = command.Operator(o.operator, c.Flags().Changed("operator"))
	return err
}

// forgetTime bounds what is asked of the ledger.
const forgetTime = 10 * time.Second

// forget has what sampling learned of an account forgotten, or says what that is.
func forget(c *cobra.Command, o doctorOptions) error {
	cfg, err := loadConfigQuietly()
	if err != nil {
		return err
	}
	if cfg.DatabaseURL == "" {
		return command.Usagef("DATABASE_URL is not set: what is known of an account is in the ledger's database")
	}
	pool, err := database.OpenWorkerPool(c.Context(), cfg.DatabaseURL.Reveal(), 1)
	if err != nil {
		return err
	}
	defer pool.Close()
	ctx, cancel := context.WithTimeout(c.Context(), forgetTime)
	defer cancel()
	if err := migrations.Check(ctx, cfg.DatabaseURL.Reveal()); err != nil {
		return err
	}
	return forgetIn(ctx, c, pool, o)
}

func forgetIn(ctx context.Context, c *cobra.Command, pool *pgxpool.Pool, o doctorOptions) error {
	store := ledger.New(pool)
	report := forgetReport{Account: o.forget, Known: []forgetEndpoint{}}
	known, err := knowledge.New(pool).KnownEndpoints(ctx)
	if err != nil {
		return err
	}
	others := map[string]bool{}
	for _, k := range known {
		if k.Account == o.forget {
			report.Known = append(report.Known, forgetEndpoint{k.Endpoint, wording.Known(k.EndpointKnowledge, time.UTC)})
		} else {
			others[k.Account] = true
		}
	}
	if len(report.Known) == 0 {
		return command.Usagef("--forget: nothing is known of an account named %q%s", o.forget, knownAccounts(others))
	}
	if o.yes {
		report.Forgotten, err = desk.New(pool, store).ForgetKnowledge(ctx, desk.Decision{Actor: o.operator, Reason: o.reason}, o.forget)
		if err != nil {
			return err
		}
	}
	return report.print(c, o.asJSON)
}

func (r *forgetReport) print(c *cobra.Command, asJSON bool) error {
	out := c.OutOrStdout()
	if asJSON {
		return printJSON(out, r)
	}
	for _, k := range r.Known {
		fmt.Fprintf(out, "%s at %s: %s\n", r.Account, k.Endpoint, k.Words)
	}
	if r.Forgotten == 0 {
		fmt.Fprintln(out, "\nNothing was forgotten: add --yes and --reason. Until samples have told anew, a row in doubt is not judged absent.")
		return nil
	}
	fmt.Fprintf(out, "\nForgotten, and recorded in ops_actions. Workers begin anew with the next posting; until samples have told, a row in doubt is not judged absent.\n")
	return nil
}

// knownAccounts names the accounts of which something is known.
func knownAccounts(names map[string]bool) string {
	if len(names) == 0 {
		return ", nor of any other"
	}
	return "; of these something is: " + strings.Join(sortedNames(names), ", ")
}
