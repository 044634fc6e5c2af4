package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"pointsledger/internal/command"
	"pointsledger/internal/config"
	"pointsledger/internal/devstack"
	"pointsledger/migrations"
)

func newRun() *cobra.Command {
	var embedded bool
	var dataDir string
	c := &cobra.Command{
		Use:   "run",
		Short: "Run the service (the default command)",
		Long: `run consumes events, records them and makes the vendor calls until it is told
to stop (SIGINT, SIGTERM): then it finishes what is under way and exits.

It needs NATS with JetStream, a migrated Postgres (worker migrate up) and at
least one vendor account with a URL and credentials; worker config shows what
is set. With --embedded it brings its own NATS and Postgres, for a trial on one
machine; their data stays in --data.

Pages for operators at WORKER_HTTP_ADDR: /healthz, /readyz, /metrics.`,
		Args: command.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return runService(c, embedded, dataDir)
		},
	}
	c.Flags().BoolVar(&embedded, "embedded", false, "bring an embedded NATS and Postgres")
	c.Flags().StringVar(&dataDir, "data", defaultDataDir(), "folder of the embedded servers' data")
	return c
}

// defaultDataDir is found again from any folder. Root's own home is closed to
// the user that Postgres runs as, so root has a folder of the machine.
func defaultDataDir() string {
	if os.Geteuid() == 0 {
		return "/var/lib/points-ledger"
	}
	if home, err := os.UserHomeDir(); err == nil {
		return filepath.Join(home, ".points-ledger")
	}
	return ".points-ledger"
}

func runService(c *cobra.Command, embedded bool, dataDir string) (err error) {
	ctx := c.Context()
	cfg, err := loadConfig(c)
	if err != nil {
		return err
	}
	if err := cfg.ReadyToRun(embedded); err != nil {
		return err
	}
	log := newLogger(os.Stderr, cfg.LogLevel)
	if embedded {
		stack, err := startStack(ctx, dataDir, log)
		if err != nil {
			return err
		}
		defer stack.stop()
		cfg.DatabaseURL, cfg.NATS.URL = config.DatabaseURL(stack.databaseURL), config.NATSURL(stack.natsURL)
		if err := migrations.Up(ctx, stack.databaseURL); err != nil {
			return err
		}
		// The database's URL without the password, which is in the data folder.
		log.Info("embedded servers started", zap.String("data", dataDir), zap.String("nats", stack.natsURL),
			zap.Stringer("postgres", cfg.DatabaseURL))
	}
	s, err := newService(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer s.close()
	return s.run(ctx)
}

// stack is an embedded NATS and Postgres.
type stack struct {
	postgres    *devstack.Postgres
	nats        *devstack.NATS
	databaseURL string
	natsURL     string
}

// embeddedDatabase is the database's name in an embedded cluster.
const embeddedDatabase = "points_ledger"

// startStack starts both servers with their data under dir, or, when dir is
// empty, in temporary folders that vanish with this process.
func startStack(ctx context.Context, dir string, log *zap.Logger) (_ *stack, err error) {
	s := &stack{}
	defer func() {
		if err != nil {
			s.stop()
		}
	}()
	var postgresDir, natsDir string
	natsPort := 0
	if dir != "" {
		// Kept data is a service's: publishers must find it at the usual port.
		postgresDir, natsDir, natsPort = filepath.Join(dir, "postgres"), filepath.Join(dir, "nats"), 4222
	}
	if s.postgres, err = devstack.StartPostgres(ctx, devstack.PostgresConfig{Dir: postgresDir, Fsync: true}); err != nil {
		return nil, fmt.Errorf("start embedded Postgres: %w", err)
	}
	if s.databaseURL, err = s.postgres.CreateDatabase(ctx, embeddedDatabase); err != nil {
		return nil, fmt.Errorf("create embedded database: %w", err)
	}
	if s.nats, err = devstack.StartNATS(devstack.NATSConfig{Dir: natsDir, Port: natsPort}); err != nil {
		return nil, fmt.Errorf("start embedded NATS: %w", err)
	}
	s.natsURL = s.nats.URL()
	return s, nil
}

// stop ends the servers, NATS first. Errors have nobody left to act on them:
// temporary data is removed by the servers' watchers all the same.
func (s *stack) stop() {
	if s.nats != nil {
		_ = s.nats.Stop()
	}
	if s.postgres != nil {
		_ = s.postgres.Stop()
	}
}
