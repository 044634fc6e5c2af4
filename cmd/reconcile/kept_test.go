package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pointsledger/internal/command"
	"pointsledger/internal/devstack"
	"pointsledger/migrations"
)

// A ledger that the worker's own servers left is opened for the time of a command, and
// none is made where there is none.
func TestKeptLedgerIsOpened(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	// Postgres does not run as root, and may enter no folder that is root's alone.
	parent, err := os.MkdirTemp("", "kept-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(parent) })
	if err := os.Chmod(parent, 0o755); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(parent, "kept")
	server, err := devstack.StartPostgres(ctx, devstack.PostgresConfig{Dir: filepath.Join(dir, "postgres")})
	if err != nil {
		t.Fatal(err)
	}
	url, err := server.CreateDatabase(ctx, keptDatabase)
	if err == nil {
		err = migrations.Up(ctx, url)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (int, string) {
		var out bytes.Buffer
		root := newRoot([]string{"DATABASE_URL=postgres://nobody@127.0.0.1:1/none"})
		root.SetOut(&out)
		root.SetErr(&out)
		return command.Execute(context.WithoutCancel(ctx), root, args), out.String()
	}
	for range 2 {
		if code, out := run("balance", "--data", dir); code != 0 || !strings.Contains(out, "Nothing was booked") {
			t.Errorf("exit %d: %s", code, out)
		}
	}
	if code, out := run("verify", "--data", dir); code != 0 || !strings.Contains(out, "no streams") {
		t.Errorf("without a broker: exit %d: %s", code, out)
	}
	streams, err := devstack.StartNATS(devstack.NATSConfig{Dir: filepath.Join(dir, "nats")})
	if err == nil {
		err = streams.Stop()
	}
	if err != nil {
		t.Fatal(err)
	}
	// The broker is asked: what it says is that nobody has sealed, and made no stream.
	if code, out := run("verify", "--data", dir); code != 0 || strings.Contains(out, "another process") || !strings.Contains(out, "POINTS") {
		t.Errorf("with a broker: exit %d: %s", code, out)
	}
	if code, out := run("balance", "--data", filepath.Join(dir, "other")); code != command.ExitUsage || !strings.Contains(out, "there is no kept ledger") {
		t.Errorf("exit %d: %s", code, out)
	}
}
