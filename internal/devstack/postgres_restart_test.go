//go:build !noembed && unix

package devstack

import (
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"
)

// A crash keeps what was committed, cuts the connections, and the server is
// found again under the same address.
func TestRestartKeepsWhatWasCommitted(t *testing.T) {
	t.Parallel()
	p, err := StartPostgres(t.Context(), PostgresConfig{Fsync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	})
	dsn, pid := p.DSN("postgres"), p.PID()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	if _, err := conn.Exec(t.Context(), `CREATE TABLE kept (n integer); INSERT INTO kept VALUES (42)`); err != nil {
		t.Fatal(err)
	}
	if err := p.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p.DSN("postgres") != dsn || p.PID() == pid {
		t.Error("want the same address and another process")
	}
	if err := conn.Ping(t.Context()); err == nil {
		t.Error("a connection outlived the crash")
	}
	again, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = again.Close(t.Context()) }()
	var n int
	if err := again.QueryRow(t.Context(), `SELECT n FROM kept`).Scan(&n); err != nil || n != 42 {
		t.Errorf("after the crash: %d, %v", n, err)
	}
}

// What was committed after a snapshot is gone when it is rolled back, as often
// as one likes, and the server is found under the same address.
func TestRollBackForgetsWhatCameLater(t *testing.T) {
	t.Parallel()
	p, err := StartPostgres(t.Context(), PostgresConfig{Fsync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	})
	run := func(sql string) (n int) {
		t.Helper()
		conn, err := pgx.Connect(t.Context(), p.DSN("postgres"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close(t.Context()) }()
		if err := conn.QueryRow(t.Context(), sql).Scan(&n); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		return n
	}
	conn, err := pgx.Connect(t.Context(), p.DSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), `CREATE TABLE kept (n integer); INSERT INTO kept VALUES (1)`); err != nil {
		t.Fatal(err)
	}
	_ = conn.Close(t.Context())
	folder := filepath.Join(t.TempDir(), "snapshot")
	if err := p.Snapshot(t.Context(), folder); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if n := run(`WITH added AS (INSERT INTO kept VALUES (2) RETURNING n) SELECT (SELECT count(*) FROM kept) + count(*) FROM added`); n != 2 {
			t.Fatalf("want 2 rows before it is rolled back, got %d", n)
		}
		if err := p.RollBack(t.Context(), folder); err != nil {
			t.Fatal(err)
		}
		if n := run(`SELECT count(*) FROM kept`); n != 1 {
			t.Errorf("want the row of the snapshot alone, got %d", n)
		}
	}
}
