package testkit

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func TestMain(m *testing.M) { os.Exit(Run(m)) }

func count(t *testing.T, dsn, sql string, args ...any) int {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	var n int
	if err := conn.QueryRow(t.Context(), sql, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestDatabasesAreSeparate(t *testing.T) {
	t.Parallel()
	const n = 6
	var (
		wait sync.WaitGroup
		dsns [n]string
	)
	t.Run("parallel", func(t *testing.T) {
		for i := range n {
			wait.Go(func() { dsns[i] = Postgres(t) })
		}
		wait.Wait()
		for i, dsn := range dsns {
			// The ledger's own table is there, and nothing of the others.
			if got := count(t, dsn, "SELECT count(*) FROM operations"); got != 0 {
				t.Errorf("database %d begins with %d operations", i, got)
			}
			count(t, dsn, "WITH x AS (SELECT lo_create(0)) SELECT count(*) FROM x")
			if got := count(t, dsn, "SELECT count(*) FROM pg_largeobject_metadata"); got > 1 {
				t.Errorf("database %d sees what another one wrote", i)
			}
		}
	})
	// The subtest is over, so its databases are dropped.
	for _, dsn := range dsns {
		cfg, err := pgx.ParseConfig(dsn)
		if err != nil {
			t.Fatal(err)
		}
		if got := count(t, EmptyDatabase(t), "SELECT count(*) FROM pg_database WHERE datname = $1", cfg.Database); got != 0 {
			t.Errorf("database %s is there after its test", cfg.Database)
		}
	}
}

func TestEmptyDatabase(t *testing.T) {
	t.Parallel()
	if got := count(t, EmptyDatabase(t), "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"); got != 0 {
		t.Errorf("an empty database has %d tables", got)
	}
}

// A connection outside the pool does not keep the database from being dropped.
func TestPoolAndForgottenConnection(t *testing.T) {
	t.Parallel()
	var pool *pgxpool.Pool
	t.Run("inner", func(t *testing.T) {
		pool = Pool(t)
		if _, err := pool.Exec(t.Context(), "SELECT 1"); err != nil {
			t.Fatal(err)
		}
		if _, err := pgx.Connect(context.Background(), pool.Config().ConnString()); err != nil {
			t.Fatal(err)
		}
	})
	if _, err := pool.Exec(t.Context(), "SELECT 1"); err == nil {
		t.Error("the pool works after its test")
	}
}

func TestNATS(t *testing.T) {
	t.Parallel()
	urls := map[string]bool{}
	for range 2 {
		url := NATS(t)
		urls[url] = true
		nc, err := nats.Connect(url)
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		js, err := jetstream.New(nc)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}}); err != nil {
			t.Fatal(err)
		}
	}
	if len(urls) != 2 {
		t.Errorf("two servers share a URL: %v", urls)
	}
}

// listener notes a failure instead of failing the test.
type listener struct {
	testing.TB
	failure string
}

func (l *listener) Helper() {}
func (l *listener) Fatalf(format string, args ...any) {
	l.failure = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func TestEventually(t *testing.T) {
	t.Parallel()
	calls := 0
	Eventually(t, time.Minute, "three calls", func() bool { calls++; return calls == 3 })

	// True at once needs no time at all.
	Eventually(t, 0, "nothing", func() bool { return true })

	failed := &listener{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		Eventually(failed, 30*time.Millisecond, "the moon", func() bool { return false })
	}()
	<-done
	if !strings.Contains(failed.failure, "30ms") || !strings.Contains(failed.failure, "the moon") {
		t.Errorf("failure says %q", failed.failure)
	}
}
