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

// openKept starts the Postgres of a folder that the worker's embedded servers have left,
// for the time of one command, and returns the database's URL. The caller stops it. The
// broker is started by what needs it (openKeptBroker).
func openKept(ctx context.Context, dir string) (url string, stop func(), err error) {
	cluster := filepath.Join(dir, "postgres")
	if _, err := os.Stat(cluster); errors.Is(err, os.ErrNotExist) {
		return "", nil, command.Usagef("--data %s: there is no kept ledger; worker demo --keep and worker run --embedded leave one", dir)
	}
	server, err := devstack.StartPostgres(ctx, devstack.PostgresConfig{Dir: cluster, Fsync: true, Waiting: func(pid int) {
		fmt.Fprintf(os.Stderr, "%s is in use by process %d: waiting for it to leave\n", dir, pid)
	}})
	if err != nil {
		return "", nil, fmt.Errorf("start the Postgres of %s: %w", dir, err)
	}
	if url, err = server.CreateDatabase(ctx, keptDatabase); err != nil {
		return "", nil, errors.Join(fmt.Errorf("open the ledger in %s: %w", dir, err), server.Stop())
	}
	return url, func() { _ = server.Stop() }, nil
}

// openKeptBroker starts the NATS of such a folder, and returns its address. None is made
// where none was left: it would know nothing, and verify would take that for an answer.
func openKeptBroker(dir string) (url string, stop func(), err error) {
	streams := filepath.Join(dir, "nats")
	if _, err := os.Stat(streams); err != nil {
		return "", nil, fmt.Errorf("the folder has no streams: %w", err)
	}
	server, err := devstack.StartNATS(devstack.NATSConfig{Dir: streams})
	if err != nil {
		return "", nil, err
	}
	return server.URL(), func() { _ = server.Stop() }, nil
}
