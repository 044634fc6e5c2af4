package database

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// OpenWorkerPool opens the worker's connections. maxConns bounds them; 0 is
// pgx's default (4, or the number of CPUs if that is more).
//
// Every statement of the worker reads by key. A plan made while a table was
// still empty would scan it, and be kept while the table grows by thousands of
// rows a second, so these connections plan for index look-ups from the start.
func OpenWorkerPool(ctx context.Context, databaseURL string, maxConns int) (*pgxpool.Pool, error) {
	return OpenGuardedPool(ctx, databaseURL, maxConns, nil)
}

// transactionTimeout bounds a transaction of a guarded pool, in milliseconds.
const transactionTimeout = "60000"

// ConnGuard looks at each new connection of a pool.
type ConnGuard interface {
	// Check keeps a connection out of use by an error, which whoever asked for
	// the connection gets. ctx ends after greetingTimeout: they wait meanwhile.
	Check(ctx context.Context, conn *pgx.Conn) error
}

// OpenGuardedPool is OpenWorkerPool with a guard; nil is none. With one its transactions
// are bounded to a minute.
func OpenGuardedPool(ctx context.Context, databaseURL string, maxConns int, guard ConnGuard) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(databaseURL)
	if err != nil {
		// pgx masks the password, but repeats the text around it: say less.
		return nil, ErrDatabaseURL
	}
	if maxConns > 0 {
		config.MaxConns = int32(maxConns)
	}
	boundSilence(config)
	var after func(context.Context, *pgx.Conn) error
	settings := map[string]string{
		"enable_seqscan":    "off",
		"enable_hashjoin":   "off",
		"enable_mergejoin":  "off",
		"enable_bitmapscan": "off",
		"jit":               "off",
		// Else each statement is planned anew: its cost seems to depend on the arrays.
		"plan_cache_mode": "force_generic_plan",
		// An acknowledged event must be on the disk, whatever the role's default.
		"synchronous_commit": "on",
		// What is recorded sees the days that are locked meanwhile, whatever the role's default.
		"default_transaction_isolation": "read committed",
		// A worker that lost its connection must not hold row locks for hours.
		"idle_in_transaction_session_timeout": "60000",
		"tcp_keepalives_idle":                 "30",
		"tcp_keepalives_interval":             "10",
		"tcp_keepalives_count":                "3",
	}
	if guard != nil {
		// What is recorded is committed within a minute, or not at all: the seal takes
		// what is not there ten minutes later for inserted by hand. Postgres before 17 has
		// no bound of a transaction; there each statement, and each wait for the next, has
		// it. The keeper's pool has none: it may have very many rows to put in doubt.
		settings["transaction_timeout"] = transactionTimeout
		settings["statement_timeout"] = transactionTimeout
		after = func(ctx context.Context, conn *pgx.Conn) error {
			ctx, cancel := context.WithTimeout(ctx, greetingTimeout)
			defer cancel()
			return guard.Check(ctx, conn)
		}
	}
	prepareSessions(config, "points-ledger worker", settings, after)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open database pool: %w", err)
	}
	return pool, nil
}

// replayConnections is what one run of a command uses, and one to spare.
const replayConnections = 2

// OpenReplayPool opens the connections of the operator's tool. Unlike the
// worker's they leave the planner alone: an operator asks about many rows.
func OpenReplayPool(ctx context.Context, databaseURL string) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(databaseURL)
	if err != nil {
		// pgx masks the password, but repeats the text around it: say less.
		return nil, ErrDatabaseURL
	}
	config.MaxConns = replayConnections
	boundSilence(config)
	prepareSessions(config, "points-ledger replay", map[string]string{
		"idle_in_transaction_session_timeout": "60000", // a stopped terminal must not hold row locks
		"default_transaction_isolation":       "read committed",
	}, nil)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open database pool: %w", err)
	}
	return pool, nil
}
