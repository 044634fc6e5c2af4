package command

import (
	"fmt"
	"os"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"pointsledger/internal/config"
	"pointsledger/ledger/database"
	"pointsledger/migrations"
)

// OpenLedger reads the configuration, prints its warnings, and opens a ledger whose schema
// is this program's. want says which URL is missing where none is set. The caller closes
// the pool.
func OpenLedger(c *cobra.Command, environ []string, want string) (*config.Config, *pgxpool.Pool, error) {
	cfg, err := config.Load(environ, os.ReadFile)
	if err != nil {
		return nil, nil, err
	}
	for _, warning := range cfg.Warnings {
		c.PrintErrf("warning: %s\n", warning)
	}
	if cfg.DatabaseURL == "" {
		return nil, nil, Usagef("DATABASE_URL is not set: want %s", want)
	}
	if err := migrations.Check(c.Context(), cfg.DatabaseURL.Reveal()); err != nil {
		return nil, nil, fmt.Errorf("open the ledger at %s: %w", cfg.DatabaseURL, err)
	}
	pool, err := database.OpenReplayPool(c.Context(), cfg.DatabaseURL.Reveal())
	return cfg, pool, err
}
