package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"pointsledger/internal/command"
	"pointsledger/internal/devstack"
)

// keptDatabase is the name of the ledger's database in a kept folder.
const keptDatabase = "points_ledger"

// openKept starts the servers of a folder that the worker's embedded ones have left, for
// the time of one command, and returns how they are reached, as variables of the
// environment. The caller stops them.
func openKept(ctx context.Context, dir string) (environ []string, stop func(), err error) {
	cluster := filepath.Join(dir, "postgres")
	if _, err := os.Stat(cluster); errors.Is(err, os.ErrNotExist) {
		return nil, nil, command.Usagef("--data %s: there is no kept ledger; worker demo --keep and worker run --embedded leave one", dir)
	}
	server, err := devstack.StartPostgres(ctx, devstack.PostgresConfig{Dir: cluster, Fsync: true, Waiting: func(pid int) {
		fmt.Fprintf(os.Stderr, "%s is in use by process %d: waiting for it to leave\n", dir, pid)
	}})
	if err != nil {
		return nil, nil, fmt.Errorf("start the Postgres of %s: %w", dir, err)
	}
	url, err := server.CreateDatabase(ctx, keptDatabase)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("open the ledger in %s: %w", dir, err), server.Stop())
	}
	environ, stop = []string{"DATABASE_URL=" + url}, func() { _ = server.Stop() }
	streams := filepath.Join(dir, "nats")
	if _, err := os.Stat(streams); err != nil {
		return environ, stop, nil // verify says that there is no broker
	}
	broker, err := devstack.StartNATS(devstack.NATSConfig{Dir: streams})
	if err != nil {
		stop()
		return nil, nil, fmt.Errorf("start the NATS of %s: %w", dir, err)
	}
	return append(environ, "NATS_URL="+broker.URL()), func() { _ = broker.Stop(); _ = server.Stop() }, nil
}
