package testkit

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"pointsledger/internal/devstack"
)

// Postgres returns the DSN of a fresh, migrated database, which is dropped when
// the test ends. The role in it is a superuser. Safe in parallel tests.
func Postgres(t testing.TB) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := shared.start(ctx); err != nil {
		t.Fatalf("this test needs Postgres: %v", err)
	}
	if err := shared.makeTemplate(ctx); err != nil {
		t.Fatal(err)
	}
	return shared.database(t, template)
}

// EmptyDatabase is Postgres without the migrations.
func EmptyDatabase(t testing.TB) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := shared.start(ctx); err != nil {
		t.Fatalf("this test needs Postgres: %v", err)
	}
	return shared.database(t, "template0")
}

// closePatience is how long a test may take to give its connections back.
const closePatience = 10 * time.Second

// Pool returns a pool on a fresh, migrated database. It is closed when the test
// ends; a connection that the test still holds then fails it.
func Pool(t testing.TB) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), Postgres(t))
	if err != nil {
		t.Fatalf("open pool: %v", err)
	}
	t.Cleanup(func() {
		closed := make(chan struct{})
		go func() { pool.Close(); close(closed) }()
		select {
		case <-closed:
		case <-time.After(closePatience):
			t.Errorf("the test still holds %d connections of its pool", pool.Stat().AcquiredConns())
		}
	})
	return pool
}

// NATS returns the URL of a fresh NATS server with JetStream, which ends with
// the test.
func NATS(t testing.TB) string {
	t.Helper()
	server, err := devstack.StartNATS(devstack.NATSConfig{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	return server.URL()
}

// pollEvery is how often Eventually looks.
const pollEvery = 10 * time.Millisecond

// Eventually waits until cond is true and fails the test after timeout; what
// says in words what it waits for. cond runs in the test's goroutine, so it may
// fail the test itself.
func Eventually(t testing.TB, timeout time.Duration, what string, cond func() bool) {
	t.Helper()
	deadline := time.Now().Add(timeout)
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for !cond() {
		if !time.Now().Before(deadline) {
			t.Fatalf("waited %v in vain: %s", timeout, what)
		}
		<-tick.C
	}
}
