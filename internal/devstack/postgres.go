//go:build !noembed && unix

package devstack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// superuser is the one role of a new cluster.
	superuser = "points"
	// startTimeout bounds the whole start, crash recovery included.
	startTimeout = 2 * time.Minute
	// startTries bounds the retries when the chosen port is taken meanwhile.
	startTries = 5
	// stopPatience is how long each of the three ways to stop may take.
	stopPatience = 20 * time.Second
)

var errEndedEarly = errors.New("it ended early")

// Postgres is a private Postgres server in a child process.
type Postgres struct {
	folder   *dataFolder
	programs programs
	password string
	port     int
	fsync    bool
	server   *child
	watch    *watcher
	log      *logTail
	once     sync.Once
	stopErr  error
}

// StartPostgres starts a private Postgres on 127.0.0.1, on a free port, with
// password authentication, UTF-8 and the C locale. It returns when the server
// answers. ctx bounds the start only; when it ends earlier, nothing is left
// behind. Without server programs on the machine the error is ErrNoPostgres.
func StartPostgres(ctx context.Context, cfg PostgresConfig) (_ *Postgres, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, errors.New("postgres was not ready in time"))
	defer cancel()
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("start postgres: %w", err)
	}
	folder, watch, err := openFolder(cfg.Dir)
	if err != nil {
		return nil, err
	}
	p := &Postgres{folder: folder, watch: watch, fsync: cfg.Fsync, log: &logTail{out: cfg.Log}}
	defer func() {
		if err != nil {
			_ = p.Stop()
		}
	}()
	version, err := folder.clusterVersion()
	if err != nil {
		return nil, err
	}
	if p.programs, err = choosePrograms(ctx, folder.data(), version, cfg); err != nil {
		return nil, err
	}
	if version == 0 {
		if err := p.createCluster(ctx, cfg.Fsync); err != nil {
			return nil, err
		}
	}
	if p.password, err = folder.password(); err != nil {
		return nil, err
	}
	if err := folder.waitUntilFree(ctx, cfg.Waiting); err != nil {
		return nil, err
	}
	if err := p.serve(ctx, cfg.Fsync); err != nil {
		return nil, err
	}
	return p, nil
}

// choosePrograms finds server programs that fit the cluster (version 0 is a new
// one), or has them fetched when we are not root.
func choosePrograms(ctx context.Context, data string, version int, cfg PostgresConfig) (programs, error) {
	fit, found, ok := findPrograms(programFolders(), version)
	if ok {
		return fit, nil
	}
	if version != 0 && len(found) > 0 {
		return programs{}, fmt.Errorf("start postgres: the data in %s are of Postgres %d, but this machine has version %v; install postgresql-%d or choose another folder", data, version, found, version)
	}
	if os.Geteuid() == 0 {
		return programs{}, ErrNoPostgres
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return programs{}, fmt.Errorf("%w (%s)", ErrNoPostgres, oneLine(err))
	}
	folder, err := fetchPrograms(ctx, "", filepath.Join(cache, "points-ledger"), cfg.Log)
	if err != nil {
		return programs{}, fmt.Errorf("%w (%s)", ErrNoPostgres, oneLine(err))
	}
	fit, found, ok = findPrograms([]string{folder}, version)
	if !ok {
		return programs{}, fmt.Errorf("start postgres: the data in %s are of Postgres %d, but this machine has version %v; install postgresql-%d or choose another folder", data, version, found, version)
	}
	return fit, nil
}

// serve starts the server on a free port and waits until it answers. Between
// our choice of a port and the server's bind another process may take it.
func (p *Postgres) serve(ctx context.Context, fsync bool) error {
	for try := 1; ; try++ {
		port, err := FreePort()
		if err != nil {
			return err
		}
		p.port = port
		if err := p.launch(fsync); err != nil {
			return err
		}
		err = p.waitUntilReady(ctx)
		if err == nil {
			return nil
		}
		p.server.stop(stopPatience, syscall.SIGQUIT, syscall.SIGKILL)
		p.watch.tell("gone", 0)
		if ctx.Err() != nil || try == startTries || !portTaken(port) {
			return err
		}
	}
}

// waitUntilReady connects until it works. The error of an early end holds the
// server's last words. Whoever else may listen on the port must not hold us up:
// the end of our server ends the attempt.
func (p *Postgres) waitUntilReady(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ended := p.server.done
	go func() {
		select {
		case <-ended:
			cancel(errEndedEarly)
		case <-ctx.Done():
		}
	}()
	ticker := time.NewTicker(25 * time.Millisecond)
	defer ticker.Stop()
	for {
		if conn, err := pgx.Connect(ctx, p.DSN("postgres")); err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-ctx.Done():
			if err := context.Cause(ctx); !errors.Is(err, errEndedEarly) {
				return fmt.Errorf("start postgres: %w", err)
			}
			return fmt.Errorf("start postgres: %w: %s", errEndedEarly, p.log.last())
		case <-ticker.C:
		}
	}
}

// DSN is the connection string of a database as the superuser. It holds the
// password: do not log it.
func (p *Postgres) DSN(database string) string {
	dsn := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(superuser, p.password),
		Host:     net.JoinHostPort("127.0.0.1", strconv.Itoa(p.port)),
		Path:     "/" + database,
		RawQuery: "sslmode=disable",
	}
	return dsn.String()
}

// CreateDatabase makes a database unless it is there, and returns its DSN.
func (p *Postgres) CreateDatabase(ctx context.Context, name string) (string, error) {
	conn, err := pgx.Connect(ctx, p.DSN("postgres"))
	if err != nil {
		return "", fmt.Errorf("connect to create database: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	var exists bool
	if err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)`, name).Scan(&exists); err != nil {
		return "", fmt.Errorf("look for database %s: %w", name, err)
	}
	if !exists {
		// A name cannot be a parameter of this statement.
		if _, err := conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize()); err != nil {
			return "", fmt.Errorf("create database %s: %w", name, err)
		}
	}
	return p.DSN(name), nil
}

// PID is the process id of the server.
func (p *Postgres) PID() int { return p.server.pid }

// Done is closed when the server has ended, by Stop or by itself.
func (p *Postgres) Done() <-chan struct{} { return p.server.done }

// Stop ends the server, waits for it, and removes a temporary folder. A kept
// cluster is shut down cleanly; a temporary one at once. Further calls return
// the first one's result.
func (p *Postgres) Stop() error {
	p.once.Do(func() {
		if p.server != nil {
			signals := []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGKILL}
			if p.folder.temporary {
				signals = signals[1:]
			}
			p.server.stop(stopPatience, signals...)
			p.watch.tell("gone", 0)
		}
		p.watch.finish()
		if p.folder.temporary {
			if err := os.RemoveAll(p.folder.base); err != nil {
				p.stopErr = fmt.Errorf("remove temporary folder: %w", err)
			}
		}
	})
	return p.stopErr
}
