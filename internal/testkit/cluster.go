package testkit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"pointsledger/internal/devstack"
	"pointsledger/migrations"
)

const (
	template = "migrated_template"
	// patience bounds the start of the cluster, the making of the template, and
	// each statement about a database.
	patience = 2 * time.Minute
	// adminConnections bounds how many databases are made or dropped at once.
	adminConnections = 4
)

// cluster is the Postgres of this test binary.
type cluster struct {
	starting sync.Mutex
	postgres *devstack.Postgres
	// admin is connected to the database postgres.
	admin *pgxpool.Pool
	// startErr is why there is no cluster; one failed start is enough.
	startErr error
	// templating guards the template, which is made once.
	templating    sync.Once
	templateErr   error
	databasesMade atomic.Int64
}

// shared is package state, against the rule of the house: test functions share
// nothing else, and a cluster for each test would cost seconds.
var shared cluster

// Run runs the tests and stops the shared cluster. The result is the exit code:
//
//	func TestMain(m *testing.M) { os.Exit(testkit.Run(m)) }
//
// Without it the cluster still ends with the process.
func Run(m *testing.M) int {
	code := m.Run()
	if err := shared.stop(); err != nil {
		fmt.Fprintln(os.Stderr, "testkit:", err)
		return max(code, 1)
	}
	return code
}

// start starts the cluster unless it runs.
func (c *cluster) start(ctx context.Context) error {
	c.starting.Lock()
	defer c.starting.Unlock()
	if c.admin != nil || c.startErr != nil {
		return c.startErr
	}
	c.postgres, c.startErr = devstack.StartPostgres(ctx, devstack.PostgresConfig{Fsync: false})
	if c.startErr != nil {
		return c.startErr
	}
	cfg, err := pgxpool.ParseConfig(c.postgres.DSN("postgres"))
	if err == nil {
		cfg.MaxConns = adminConnections
		c.admin, err = pgxpool.NewWithConfig(ctx, cfg)
	}
	if err != nil {
		c.startErr = errors.Join(fmt.Errorf("connect to test cluster: %w", err), c.postgres.Stop())
	}
	return c.startErr
}

func (c *cluster) stop() error {
	c.starting.Lock()
	defer c.starting.Unlock()
	if c.admin == nil {
		return nil
	}
	c.admin.Close()
	c.startErr = errors.New("the test cluster is stopped")
	c.admin = nil
	if err := c.postgres.Stop(); err != nil {
		return fmt.Errorf("stop test cluster: %w", err)
	}
	return nil
}

// makeTemplate migrates the template once. Nobody connects to it afterwards, so
// that it can be cloned at any time.
func (c *cluster) makeTemplate(ctx context.Context) error {
	c.templating.Do(func() {
		dsn, err := c.postgres.CreateDatabase(ctx, template)
		if err == nil {
			err = migrations.Up(ctx, dsn)
		}
		if err == nil {
			_, err = c.admin.Exec(ctx, "ALTER DATABASE "+template+" ALLOW_CONNECTIONS false")
		}
		if err != nil {
			c.templateErr = fmt.Errorf("make migrated template: %w", err)
		}
	})
	return c.templateErr
}

// database makes a database from a template, and drops it when the test ends.
func (c *cluster) database(t testing.TB, from string) string {
	t.Helper()
	name := fmt.Sprintf("test_%d", c.databasesMade.Add(1))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := c.admin.Exec(ctx, "CREATE DATABASE "+name+" TEMPLATE "+pgx.Identifier{from}.Sanitize()); err != nil {
		t.Fatalf("create test database: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		// FORCE, because a test that failed may have left connections behind.
		if _, err := c.admin.Exec(ctx, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("drop test database: %v", err)
		}
	})
	return c.postgres.DSN(name)
}
