//go:build !noembed && unix

package devstack

import (
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
