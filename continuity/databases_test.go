package continuity_test

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

func countIn(t *testing.T, dsn, sql string) int {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	var n int
	if err := conn.QueryRow(t.Context(), sql).Scan(&n); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return n
}

// admin executes statements one by one in the maintenance database.
func admin(t *testing.T, dsn string, statements ...string) {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/postgres"
	conn, err := pgx.Connect(t.Context(), u.String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	for _, sql := range statements {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

func nameOf(t *testing.T, dsn string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(u.Path, "/")
}

// swap exchanges two databases under whoever is connected.
func swap(t *testing.T, a, b string) {
	t.Helper()
	x, y := nameOf(t, a), nameOf(t, b)
	statements := []string{"ALTER DATABASE " + x + " ALLOW_CONNECTIONS false", "ALTER DATABASE " + y + " ALLOW_CONNECTIONS false",
		"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname IN ('" + x + "', '" + y + "')",
		"ALTER DATABASE " + x + " RENAME TO " + x + "_aside", "ALTER DATABASE " + y + " RENAME TO " + x, "ALTER DATABASE " + x + "_aside RENAME TO " + y,
		"ALTER DATABASE " + x + " ALLOW_CONNECTIONS true", "ALTER DATABASE " + y + " ALLOW_CONNECTIONS true"}
	admin(t, a, statements...)
}

// copyOf clones a database as it is, as a backup would.
func copyOf(t *testing.T, dsn string) string {
	t.Helper()
	name := nameOf(t, dsn)
	admin(t, dsn, "ALTER DATABASE "+name+" ALLOW_CONNECTIONS false",
		"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '"+name+"'",
		"CREATE DATABASE "+name+"_copy TEMPLATE "+name, "ALTER DATABASE "+name+" ALLOW_CONNECTIONS true")
	t.Cleanup(func() {
		u, _ := url.Parse(dsn)
		u.Path = "/postgres"
		conn, err := pgx.Connect(context.Background(), u.String())
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = conn.Close(context.Background()) }()
		if _, err := conn.Exec(context.Background(), "DROP DATABASE "+name+"_copy WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	return strings.Replace(dsn, "/"+name+"?", "/"+name+"_copy?", 1)
}

// execIn runs a statement on a database.
func execIn(t *testing.T, dsn, sql string, args ...any) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	if _, err := conn.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}
