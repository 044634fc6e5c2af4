package database

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// A server that accepts and never says a word is given up in seconds, unless
// the URL asks for another time.
func TestSilenceIsBounded(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]time.Duration{
		"postgres://127.0.0.1/x":                    greetingTimeout,
		"postgres://127.0.0.1/x?connect_timeout=45": 45 * time.Second,
		"postgres://127.0.0.1/x?connect_timeout=3":  3 * time.Second,
	} {
		config, err := pgxpool.ParseConfig(url)
		if err != nil {
			t.Fatal(err)
		}
		boundSilence(config)
		if got := config.ConnConfig.ConnectTimeout; got != want {
			t.Errorf("%s: connect timeout %v, want %v", url, got, want)
		}
	}
}

// The kernel is told how long it may wait, on every connection of a pool.
func TestDialLimitsTheKernel(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	conn, err := dial(context.Background(), "tcp4", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if got := unacknowledgedLimit(t, conn.(*net.TCPConn)); got != unacknowledgedTimeout {
		t.Errorf("unacknowledged for %v, want %v", got, unacknowledgedTimeout)
	}
}
