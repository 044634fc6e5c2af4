package stage

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"pointsledger/bench/peers"
	"pointsledger/bench/sink"
	"pointsledger/internal/devstack"
)

// Subcommands of this program that its children run.
const (
	ServeNATS = "serve-nats"
	ServeSink = "serve-sink"
	RunPeer   = "run-peer"
)

const (
	// publishAhead is how many messages may wait for the broker's answer.
	publishAhead = 4000
	stopPatience = 40 * time.Second
)

// Stage is the running servers.
type Stage struct {
	dir      string
	postgres *devstack.Postgres
	nats     *child
	sinkd    *child
	conn     *nats.Conn
	admin    *pgxpool.Pool
	count    int // of databases made

	// JS is a connection for publishing and for looking at the consumer.
	JS jetstream.JetStream
	// Sink is the vendor.
	Sink    *sink.Client
	natsURL string
	worker  *Worker
}

// Start brings up the servers and a template database for each kind of peer.
// It logs to dir.
func Start(ctx context.Context, dir string, worker *Worker) (_ *Stage, err error) {
	s := &Stage{dir: dir, worker: worker}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Stop())
		}
	}()
	if s.postgres, err = devstack.StartPostgres(ctx, devstack.PostgresConfig{Fsync: true}); err != nil {
		return nil, err
	}
	if s.admin, err = pgxpool.New(ctx, s.postgres.DSN("postgres")); err != nil {
		return nil, fmt.Errorf("open pool: %w", err)
	}
	if s.nats, s.natsURL, err = s.startServer(ServeNATS); err != nil {
		return nil, err
	}
	var address string
	if s.sinkd, address, err = s.startServer(ServeSink); err != nil {
		return nil, err
	}
	s.Sink = sink.NewClient(address)
	if s.conn, err = nats.Connect(s.natsURL, nats.Name("bench")); err != nil {
		return nil, fmt.Errorf("connect to NATS: %w", err)
	}
	if s.JS, err = jetstream.New(s.conn, jetstream.WithPublishAsyncMaxPending(publishAhead)); err != nil {
		return nil, fmt.Errorf("open jetstream: %w", err)
	}
	return s, s.makeTemplates(ctx)
}

// startServer runs a subcommand of this program that says its address in its
// first line.
func (s *Stage) startServer(subcommand string) (*child, string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, "", fmt.Errorf("find own program: %w", err)
	}
	return startTalking(exec.Command(self, subcommand), filepath.Join(s.dir, subcommand+".log"))
}

// makeTemplates makes a database with each kind's tables, to be copied.
func (s *Stage) makeTemplates(ctx context.Context) error {
	for _, kind := range []string{peers.Worker, peers.Bare, peers.River, peers.Naive} {
		dsn, err := s.postgres.CreateDatabase(ctx, "template_"+kind)
		if err != nil {
			return err
		}
		if kind == peers.Worker {
			err = s.worker.migrate(ctx, dsn)
		} else {
			err = peers.Migrate(ctx, kind, dsn)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Database is one database of the stage, with a pool of the driver's own.
type Database struct {
	name, dsn string
	Pool      *pgxpool.Pool
}

// MakeDatabase copies the kind's template.
func (s *Stage) MakeDatabase(ctx context.Context, kind string) (*Database, error) {
	s.count++
	d := &Database{name: kind + "_" + strconv.Itoa(s.count)}
	// Names cannot be parameters; these are ours.
	if _, err := s.admin.Exec(ctx, "CREATE DATABASE "+d.name+" TEMPLATE template_"+kind); err != nil {
		return nil, fmt.Errorf("make database: %w", err)
	}
	d.dsn = s.postgres.DSN(d.name)
	var err error
	if d.Pool, err = pgxpool.New(ctx, d.dsn); err != nil {
		return nil, fmt.Errorf("open pool: %w", err)
	}
	return d, nil
}

// DropDatabase removes it, whoever is still connected.
func (s *Stage) DropDatabase(ctx context.Context, d *Database) error {
	d.Pool.Close()
	if _, err := s.admin.Exec(ctx, "DROP DATABASE "+d.name+" WITH (FORCE)"); err != nil {
		return fmt.Errorf("drop database: %w", err)
	}
	return nil
}

// Checkpoint writes out what earlier runs left, so that the next one does not
// pay for it.
func (s *Stage) Checkpoint(ctx context.Context) error {
	if _, err := s.admin.Exec(ctx, `CHECKPOINT`); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	return nil
}

// Version is the servers' versions in a few words.
func (s *Stage) Version(ctx context.Context) (string, error) {
	var postgres string
	if err := s.admin.QueryRow(ctx, `SELECT current_setting('server_version')`).Scan(&postgres); err != nil {
		return "", fmt.Errorf("read version: %w", err)
	}
	return "PostgreSQL " + postgres + ", nats-server " + s.conn.ConnectedServerVersion(), nil
}

// Stream and Durable are the names under which all peers read.
const (
	Stream  = "POINTS"
	Durable = "points-worker"
)

// NewStream makes the stream anew, as the worker would make it. The worker's
// witness of the ledger goes with the old one: each run has a database of its own,
// which it would refuse.
func (s *Stage) NewStream(ctx context.Context) error {
	for _, name := range []string{Stream, "KV_" + Stream + "_witness"} {
		if err := s.JS.DeleteStream(ctx, name); err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
			return fmt.Errorf("delete stream: %w", err)
		}
	}
	_, err := s.JS.CreateStream(ctx, jetstream.StreamConfig{Name: Stream, Subjects: []string{"points.events.>"}, Storage: jetstream.FileStorage,
		Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardNew, MaxAge: 30 * 24 * time.Hour, Duplicates: 2 * time.Minute, MaxMsgSize: 1 << 20})
	if err != nil {
		return fmt.Errorf("make stream: %w", err)
	}
	return nil
}

// PeerProcess starts a peer on a database.
func (s *Stage) PeerProcess(p peers.Peer, d *Database) (*Process, error) {
	if p.Kind == peers.Worker {
		return nil, errors.New("start peer: the worker is started by WorkerProcess")
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find own program: %w", err)
	}
	c, err := startChild(exec.Command(self, RunPeer, "--kind", p.Kind, "--nats", s.natsURL, "--stream", Stream, "--durable", Durable,
		"--database", d.dsn, "--url", s.Sink.ZhimaiURL(), "--at-once", strconv.Itoa(p.AtOnce), "--cooldown", p.Cooldown.String()),
		filepath.Join(s.dir, p.Name+".log"))
	if err != nil {
		return nil, err
	}
	return &Process{child: c}, nil
}

// named adds an application name to a connection string.
func named(dsn, name string) (string, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return "", fmt.Errorf("read database url: %w", err)
	}
	query := u.Query()
	query.Set("application_name", name)
	u.RawQuery = query.Encode()
	return u.String(), nil
}

// Stop ends all servers. It may be called at any point of a start.
func (s *Stage) Stop() error {
	if s.conn != nil {
		s.conn.Close()
	}
	if s.admin != nil {
		s.admin.Close()
	}
	for _, c := range []*child{s.sinkd, s.nats} {
		if c != nil {
			c.end()
		}
	}
	if s.postgres == nil {
		return nil
	}
	return s.postgres.Stop()
}

// Stop asks the process to end, and waits.
func (p *Process) Stop() { p.process.Stop(stopPatience, syscall.SIGTERM, syscall.SIGKILL) }
