//go:build !noembed && unix

package devstack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

func startPostgres(t *testing.T, cfg PostgresConfig) *Postgres {
	t.Helper()
	pg, err := StartPostgres(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pg.Stop(); err != nil {
			t.Error(err)
		}
	})
	return pg
}

func queryText(t *testing.T, dsn, sql string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	var text string
	if err := conn.QueryRow(t.Context(), sql).Scan(&text); err != nil {
		t.Fatal(err)
	}
	return text
}

func TestTemporaryPostgres(t *testing.T) {
	t.Parallel()
	pg := startPostgres(t, PostgresConfig{Fsync: true})
	for sql, want := range map[string]string{
		"SHOW fsync":                   "on",
		"SHOW synchronous_commit":      "on",
		"SHOW full_page_writes":        "on",
		"SHOW server_encoding":         "UTF8",
		"SHOW listen_addresses":        "127.0.0.1",
		"SHOW unix_socket_directories": "",
		"SHOW password_encryption":     "scram-sha-256",
		"SELECT datcollate FROM pg_database WHERE datname = 'template1'": "C",
	} {
		if got := queryText(t, pg.DSN("postgres"), sql); got != want {
			t.Errorf("%s = %q, want %q", sql, got, want)
		}
	}
	wrong := strings.Replace(pg.DSN("postgres"), pg.password, "wrong", 1)
	var refused *pgconn.PgError
	if _, err := pgx.Connect(t.Context(), wrong); !errors.As(err, &refused) || refused.Code != "28P01" {
		t.Errorf("connect with a wrong password: %v, want SQLSTATE 28P01", err)
	}
	info, err := os.Stat(pg.folder.passwordFile())
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("password file: mode %v, error %v, want 0600", info.Mode().Perm(), err)
	}
	for range 2 {
		dsn, err := pg.CreateDatabase(t.Context(), `odd "name"`)
		if err != nil {
			t.Fatal(err)
		}
		if got := queryText(t, dsn, "SELECT current_database()"); got != `odd "name"` {
			t.Errorf("connected to %q", got)
		}
	}
	for range 2 {
		if err := pg.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	if exists(pg.folder.base) {
		t.Errorf("%s is there after Stop", pg.folder.base)
	}
	if running(pg.PID()) {
		t.Errorf("process %d runs after Stop", pg.PID())
	}
}

func TestKeptPostgres(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(openDir(t), "deep", "er", "pg")
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	first := startPostgres(t, PostgresConfig{Dir: dir})
	queryText(t, first.DSN("postgres"), "SELECT pg_catalog.lo_create(4711)::text")
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "data")

	// A lock file whose process id now belongs to some other program: us.
	stale := fmt.Sprintf("%d\n%s\n1\n1\n\n127.0.0.1\n", os.Getpid(), data)
	if err := os.WriteFile(filepath.Join(data, "postmaster.pid"), []byte(stale), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := first.folder.give(filepath.Join(data, "postmaster.pid")); err != nil {
		t.Fatal(err)
	}
	second := startPostgres(t, PostgresConfig{Dir: dir})
	if got := queryText(t, second.DSN("postgres"), "SELECT count(*)::text FROM pg_largeobject_metadata WHERE oid = 4711"); got != "1" {
		t.Error("what the first server kept is not there for the second")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var told []int
	if err := second.folder.waitUntilFree(ctx, func(pid int) { told = append(told, pid) }); err == nil || !strings.Contains(err.Error(), strconv.Itoa(second.PID())) {
		t.Errorf("open a folder in use: %v, want an error with the process id %d", err, second.PID())
	}
	if !slices.Equal(told, []int{second.PID()}) {
		t.Errorf("waiting for %v, want %d once", told, second.PID())
	}
	if err := second.Stop(); err != nil {
		t.Fatal(err)
	}

	version := filepath.Join(data, "PG_VERSION")
	if err := os.WriteFile(version, []byte("9\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := StartPostgres(t.Context(), PostgresConfig{Dir: dir}); err == nil || !strings.Contains(err.Error(), "are of Postgres 9") {
		t.Errorf("open a cluster of version 9: %v", err)
	}
	if err := os.Remove(version); err != nil {
		t.Fatal(err)
	}
	if _, err := StartPostgres(t.Context(), PostgresConfig{Dir: dir}); err == nil || !strings.Contains(err.Error(), "is not a Postgres cluster") {
		t.Errorf("open a folder that is no cluster: %v", err)
	}
}

// An initdb that was interrupted leaves data.new; it is made again.
func TestUnfinishedClusterIsMadeAgain(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(openDir(t), "pg")
	if err := os.MkdirAll(filepath.Join(dir, "data.new", "base"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	pg := startPostgres(t, PostgresConfig{Dir: dir})
	queryText(t, pg.DSN("postgres"), "SELECT 'answers'")
}

func TestCancelledStartLeavesNothing(t *testing.T) {
	t.Parallel()
	folder, watch, err := openFolder("")
	if err != nil {
		t.Fatal(err)
	}
	p := &Postgres{folder: folder, watch: watch, log: &logTail{}}
	var ok bool
	if p.programs, _, ok = findPrograms(programFolders(), 0); !ok {
		t.Fatal(ErrNoPostgres)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- p.createCluster(ctx, true) }()
	eventually(t, "initdb writes", func() bool { return exists(filepath.Join(folder.unfinished(), "PG_VERSION")) })
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("create cluster with a cancelled context: %v", err)
	}
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	if exists(folder.base) {
		t.Errorf("%s is left", folder.base)
	}

	if _, err := StartPostgres(ctx, PostgresConfig{}); !errors.Is(err, context.Canceled) {
		t.Errorf("start with a cancelled context: %v", err)
	}
}

// The port that we chose is taken when the server binds it.
func TestTakenPort(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	taken := l.Addr().(*net.TCPAddr).Port
	if !portTaken(taken) {
		t.Error("a port with a listener counts as free")
	}
	pg := startPostgres(t, PostgresConfig{})
	pg.server.stop(stopPatience, syscall.SIGQUIT, syscall.SIGKILL)
	pg.port = taken
	if err := pg.launch(false); err != nil {
		t.Fatal(err)
	}
	err = pg.waitUntilReady(t.Context())
	if err == nil || !strings.Contains(err.Error(), "it ended early") {
		t.Errorf("wait for a server on a taken port: %v", err)
	}
}

func TestClosedFolderIsNamed(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Log("only root hands folders to another user; nothing to see here")
		return
	}
	closed := filepath.Join(openDir(t), "closed")
	if err := os.MkdirAll(filepath.Join(closed, "in"), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := StartPostgres(t.Context(), PostgresConfig{Dir: filepath.Join(closed, "in", "pg")})
	if err == nil || !strings.Contains(err.Error(), closed+" is closed to it") {
		t.Errorf("start in a closed folder: %v, want an error that names %s", err, closed)
	}
}

func TestFindPrograms(t *testing.T) {
	t.Parallel()
	fake := func(version string) string {
		dir := t.TempDir()
		script := "#!/bin/sh\necho 'postgres (PostgreSQL) " + version + " (Debian)'\n"
		for _, name := range []string{"postgres", "initdb"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	old, v15, v16 := fake("13.4"), fake("15.8"), fake("16beta1")
	all := []string{"/nonexistent", old, v15, v16}
	for _, c := range []struct {
		wanted int
		folder string
	}{{0, v15}, {15, v15}, {16, v16}, {13, old}, {17, ""}} {
		fit, found, ok := findPrograms(all, c.wanted)
		if fit.folder != c.folder || ok != (c.folder != "") {
			t.Errorf("wanted %d: got %q, %v, want %q", c.wanted, fit.folder, ok, c.folder)
		}
		if !slices.Equal(found, []int{13, 15, 16}) {
			t.Errorf("wanted %d: found %v", c.wanted, found)
		}
	}
	if _, _, ok := findPrograms([]string{old}, 0); ok {
		t.Errorf("a new cluster with version 13, the oldest is %d", oldestPostgres)
	}
}

func TestNewestFirst(t *testing.T) {
	t.Parallel()
	root, err := os.MkdirTemp("/tmp", "devstack-versions-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	var want []string
	for _, v := range []string{"16", "9.6", "14"} {
		if err := os.MkdirAll(filepath.Join(root, v, "bin"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, v := range []string{"16", "14", "9.6"} {
		want = append(want, filepath.Join(root, v, "bin"))
	}
	if got := newestFirst(filepath.Join(root, "*", "bin")); !slices.Equal(got, want) {
		t.Errorf("newest first: %v, want %v", got, want)
	}
}

func TestFetchSaysWhyInOneLine(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	cache := t.TempDir()
	_, err := fetchPrograms(t.Context(), server.URL, cache, nil)
	if err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "no version found") {
		t.Errorf("fetch from a repository without it: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(cache, "unpack-*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	if strings.Contains(ErrNoPostgres.Error(), "\n") {
		t.Error("ErrNoPostgres has more than one line")
	}
}

// The tag keeps the servers out of the binary, not only out of use.
func TestTagLeavesServersOut(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-deps", "-tags", "noembed", ".").CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v: %s", err, out)
	}
	for _, unwanted := range []string{"nats-server", "embedded-postgres"} {
		if strings.Contains(string(out), unwanted) {
			t.Errorf("with the tag noembed the package still needs %s", unwanted)
		}
	}
	if out, err := exec.Command("go", "vet", "-tags", "noembed", ".").CombinedOutput(); err != nil {
		t.Errorf("go vet -tags noembed: %v: %s", err, out)
	}
}
