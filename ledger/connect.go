package ledger

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// A database that is gone without a word (a power cut, a split network) must
// cost seconds: what a worker waits for then is given up and tried again, and a
// standby that took over is found. Left alone, the kernel waits for a quarter of
// an hour for what was sent, and pgx for two minutes for a greeting.
const (
	// greetingTimeout bounds a new connection, and then the guard's look at the
	// database. For the connection DATABASE_URL's own connect_timeout goes before it.
	greetingTimeout = 10 * time.Second
	// unacknowledgedTimeout bounds how long the other machine may leave what was
	// sent, or the question whether it is there, without an answer. A slow
	// statement is not hurt: the machine answers, whatever Postgres does.
	unacknowledgedTimeout = 20 * time.Second
)

// boundSilence applies these limits to a pool's connections.
func boundSilence(config *pgxpool.Config) {
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = greetingTimeout
	}
	config.ConnConfig.DialFunc = dial
}

func dial(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true,
		Idle: unacknowledgedTimeout / 2, Interval: unacknowledgedTimeout / 4, Count: 2}}
	conn, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if tcp, ok := conn.(*net.TCPConn); ok { // or a socket in the file system
		if err := limitUnacknowledged(tcp, unacknowledgedTimeout); err != nil {
			_ = conn.Close()
			return nil, fmt.Errorf("bound the wait for an acknowledgement: %w", err)
		}
	}
	return conn, nil
}
