package database

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// prepareSessions gives a pool's connections what they need: a session in UTF8,
// the settings, and no pooler that changes the session from one transaction to
// the next. Settings are made by a statement and not in the startup packet, in
// which a pooler refuses what it does not know; what DATABASE_URL sets itself
// stays, but for the encoding. after is a further look at each new connection;
// nil is none.
func prepareSessions(config *pgxpool.Config, application string, settings map[string]string, after func(context.Context, *pgx.Conn) error) {
	startup := config.ConnConfig.RuntimeParams
	startup["client_encoding"] = "UTF8"
	for name, value := range map[string]string{"application_name": application, "timezone": "UTC"} {
		if _, given := startup[name]; !given {
			startup[name] = value
		}
	}
	settings = maps.Clone(settings)
	maps.DeleteFunc(settings, func(name, _ string) bool { _, given := startup[name]; return given })
	config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		greeting, cancel := context.WithTimeout(ctx, greetingTimeout)
		defer cancel()
		if err := checkEncoding(conn); err != nil {
			return err
		}
		if err := checkPooler(greeting, conn); err != nil {
			return err
		}
		if err := set(greeting, conn, settings); err != nil {
			return fmt.Errorf("set up session: %w", Explain(err))
		}
		if after == nil {
			return nil
		}
		return after(ctx, conn)
	}
}

// CheckConnection connects once, as the worker does, and says what a person has
// to mend: ErrNotUTF8, ErrPooledByTransaction, or a *FaultError.
func CheckConnection(ctx context.Context, databaseURL string) error {
	pool, err := OpenWorkerPool(ctx, databaseURL, 1)
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := pool.Ping(ctx); err != nil {
		return fmt.Errorf("connect to database: %w", Explain(err))
	}
	return nil
}

// checkEncoding looks at what the server reported when the session began: it
// costs nothing.
func checkEncoding(conn *pgx.Conn) error {
	if server := conn.PgConn().ParameterStatus("server_encoding"); server != "UTF8" {
		return fmt.Errorf("the database %s is %w, its encoding is %s: make one that is, such as "+
			"CREATE DATABASE %s TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'", conn.Config().Database, ErrNotUTF8, server,
			pgx.Identifier{conn.Config().Database + "_utf8"}.Sanitize())
	}
	if client := conn.PgConn().ParameterStatus("client_encoding"); client != "UTF8" {
		return fmt.Errorf("the session is %w, its client_encoding is %s although UTF8 was asked for: "+
			"see what the pooler does with client_encoding, or connect to Postgres directly", ErrNotUTF8, client)
	}
	return nil
}

// sqlBackend is the server process of a session.
const sqlBackend = `SELECT pg_backend_pid()`

// backend asks for it in the way that needs no prepared statement.
func backend(ctx context.Context, conn *pgconn.PgConn) (pid uint32, err error) {
	results, err := conn.Exec(ctx, sqlBackend).ReadAll()
	if err != nil {
		return 0, err
	}
	if len(results) != 1 || len(results[0].Rows) != 1 {
		return 0, errors.New("want one row")
	}
	n, err := strconv.ParseUint(string(results[0].Rows[0][0]), 10, 32)
	return uint32(n), err
}

const (
	// poolerLooks is how often two sessions are compared.
	poolerLooks = 4
	// poolerPatience is how long a second session may take: where a pooler has
	// none to give there is nothing to compare.
	poolerPatience = 3 * time.Second
)

// checkPooler returns ErrPooledByTransaction when it can show that the session
// is not this connection's own. A server process that differs from the one in
// the greeting is behind a pooler; there a second connection tells: when it gets
// the process of the first, which is still open, or one of them changes, neither
// has a session. A pooler that never gives itself away is met by faults.
func checkPooler(ctx context.Context, conn *pgx.Conn) error {
	first, err := backend(ctx, conn.PgConn())
	if err != nil {
		return fmt.Errorf("look for a pooler: %w", Explain(err))
	}
	if first == conn.PgConn().PID() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, poolerPatience)
	defer cancel()
	other, err := pgconn.ConnectConfig(ctx, &conn.Config().Config)
	if err != nil {
		return nil // no second session to be had: each has its own
	}
	defer other.Close(context.WithoutCancel(ctx))
	var second uint32
	for range poolerLooks {
		now, err := backend(ctx, other)
		if err != nil {
			return nil
		}
		again, err := backend(ctx, conn.PgConn())
		if err != nil {
			return fmt.Errorf("look for a pooler: %w", Explain(err))
		}
		if now == first || again != first || second != 0 && now != second {
			return ErrPooledByTransaction
		}
		second = now
	}
	return nil
}

// sqlSet makes settings for the session, but for one that this Postgres does not have.
const sqlSet = `
SELECT set_config(name, value, false) FROM unnest($1::text[], $2::text[]) AS s (name, value)
 WHERE name <> 'transaction_timeout' OR current_setting('transaction_timeout', true) IS NOT NULL`

func set(ctx context.Context, conn *pgx.Conn, settings map[string]string) error {
	names := slices.Sorted(maps.Keys(settings))
	values := make([]string, len(names))
	for i, name := range names {
		values[i] = settings[name]
	}
	_, err := conn.Exec(ctx, sqlSet, names, values)
	return err
}

// GivenMaxConns is pool_max_conns of a database URL; ok is false when it says
// nothing of it.
func GivenMaxConns(databaseURL string) (n int, ok bool) {
	config, err := pgxpool.ParseConfig(databaseURL)
	if err != nil || !strings.Contains(databaseURL, "pool_max_conns") {
		return 0, false
	}
	return int(config.MaxConns), true
}

// A database that is gone without a word (a power cut, a split network) must
// cost seconds: what a worker waits for then is given up and tried again, and a
// standby that took over is found. Left alone, the kernel waits for a quarter of
// an hour for what was sent, and pgx for two minutes for a greeting.
const (
	// greetingTimeout bounds a new connection, and then the guard's look at the
	// database. For the connection DATABASE_URL's own connect_timeout goes before it.
	greetingTimeout = 10 * time.Second
	// unacknowledgedTimeout bounds how long the other machine may leave what was
	// sent, or the question whether it is there, without an answer. A slow
	// statement is not hurt: the machine answers, whatever Postgres does.
	unacknowledgedTimeout = 20 * time.Second
)

// boundSilence applies these limits to a pool's connections.
func boundSilence(config *pgxpool.Config) {
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = greetingTimeout
	}
	config.ConnConfig.DialFunc = dial
}

func dial(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true,
		Idle: unacknowledgedTimeout / 2, Interval: unacknowledgedTimeout / 4, Count: 2}}
	conn, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if tcp, ok := conn.(*net.TCPConn); ok { // or a socket in the file system
		if err := limitUnacknowledged(tcp, unacknowledgedTimeout); err != nil {
			_ = conn.Close()
			return nil, fmt.Errorf("bound the wait for an acknowledgement: %w", err)
		}
	}
	return conn, nil
}
