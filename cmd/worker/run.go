package main

import (
	"context"
	"errors"
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
	var natsPort int
	var firstStart string
	c := &cobra.Command{
		Use:   "run",
		Short: "Run the service (the default command)",
		Long: `run consumes events, records them and makes the vendor calls until it is told
to stop (SIGINT, SIGTERM): then it finishes what is under way and exits.

While it runs it reads WORKER_CONFIG and the files of secrets (..._FILE) again
when they change, and on SIGHUP: rules, and the settings and secrets of vendor
accounts, are taken over without a restart. All is checked first; when anything
is wrong, all of the old stays in force, and /readyz says so. What needs a
restart is named.

It needs NATS with JetStream, a migrated Postgres (worker migrate up) and at
least one vendor account with a URL and credentials; worker config shows what
is set. While NATS or Postgres cannot be reached it waits, and says so. With
--embedded it brings its own NATS and Postgres, for a trial on one machine;
their data stays in --data.

A ledger that was never used is not filled from a stream that has a history and
no durable: its events may have been granted by another ledger. The refusal
names the --first-start that begins with this very stream.

Pages for operators at WORKER_HTTP_ADDR: /healthz, /readyz, /metrics, and
with WORKER_PPROF=1 /debug/pprof/.`,
		Args: command.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if c.Flags().Changed("nats-port") && (!embedded || natsPort < 1 || natsPort > 65535) {
				return command.Usagef("--nats-port: want a port from 1 to 65535, together with --embedded, got %d", natsPort)
			}
			var overrides []string
			if c.Flags().Changed("first-start") {
				overrides = append(overrides, "WORKER_FIRST_START="+firstStart)
			}
			return runService(c, embedded, dataDir, natsPort, overrides...)
		},
	}
	c.Flags().BoolVar(&embedded, "embedded", false, "bring an embedded NATS and Postgres")
	c.Flags().StringVar(&dataDir, "data", defaultDataDir(), "folder of the embedded servers' data")
	c.Flags().IntVar(&natsPort, "nats-port", defaultNATSPort, "port of the embedded NATS on 127.0.0.1")
	c.Flags().StringVar(&firstStart, "first-start", "", "begin an empty ledger with all events of the stream created at this time, as the refusal names it")
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

// defaultNATSPort is where publishers look for NATS.
const defaultNATSPort = 4222

func runService(c *cobra.Command, embedded bool, dataDir string, natsPort int, overrides ...string) (err error) {
	ctx := c.Context()
	environ := append(os.Environ(), overrides...)
	reading := config.NewReading(os.ReadFile)
	cfg, err := config.Load(environ, reading.ReadFile)
	if err != nil {
		return err
	}
	warn(c, cfg)
	if err := cfg.ReadyToRun(embedded); err != nil {
		return err
	}
	log := newLogger(os.Stderr, cfg.LogLevel)
	if embedded {
		for _, s := range cfg.Settings {
			if (s.Name == "DATABASE_URL" || s.Name == "NATS_URL") && s.From != "default" {
				c.PrintErrf("warning: %s is ignored: --embedded brings its own\n", s.Name)
			}
		}
		stack, err := startStack(ctx, stackConfig{dir: dataDir, natsPort: natsPort}, log)
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
	if errors.Is(err, errStopped) {
		log.Info("worker stopped", zap.NamedError("because", err))
		return nil
	}
	if err != nil {
		return err
	}
	defer s.close()
	s.enableReload(reading.State(), func() (*config.Config, config.FileState, error) {
		return loadAgain(environ, cfg, embedded)
	})
	return s.run(ctx)
}

// loadAgain reads the configuration of a running worker again. The servers that
// it brought along stay its own.
func loadAgain(environ []string, running *config.Config, embedded bool) (*config.Config, config.FileState, error) {
	reading := config.NewReading(os.ReadFile)
	next, err := config.Load(environ, reading.ReadFile)
	if err != nil {
		return nil, reading.State(), err
	}
	if embedded {
		next.DatabaseURL, next.NATS.URL = running.DatabaseURL, running.NATS.URL
	}
	return next, reading.State(), next.ReadyToRun(embedded)
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

// stackConfig says where a stack lives. Empty is a temporary one, which
// vanishes with this process, on a free port.
type stackConfig struct {
	dir      string
	natsPort int
}

// startStack starts both servers.
func startStack(ctx context.Context, cfg stackConfig, log *zap.Logger) (_ *stack, err error) {
	s := &stack{}
	defer func() {
		if err != nil {
			s.stop()
		}
	}()
	var postgresDir, natsDir string
	if cfg.dir != "" {
		postgresDir, natsDir = filepath.Join(cfg.dir, "postgres"), filepath.Join(cfg.dir, "nats")
	}
	waiting := func(pid int) {
		log.Info("the data folder is in use: waiting for its server to leave", zap.Int("process", pid), zap.String("data", cfg.dir))
	}
	if s.postgres, err = devstack.StartPostgres(ctx, devstack.PostgresConfig{Dir: postgresDir, Fsync: true, Waiting: waiting}); err != nil {
		return nil, fmt.Errorf("start embedded Postgres: %w", err)
	}
	if s.databaseURL, err = s.postgres.CreateDatabase(ctx, embeddedDatabase); err != nil {
		return nil, fmt.Errorf("create embedded database: %w", err)
	}
	s.nats, err = devstack.StartNATS(devstack.NATSConfig{Dir: natsDir, Port: cfg.natsPort})
	if errors.Is(err, devstack.ErrPortTaken) {
		return nil, fmt.Errorf("port %d is taken: stop the other NATS server, or use --nats-port", cfg.natsPort)
	}
	if err != nil {
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
