package devstack

import "io"

// PostgresConfig says how to start a private Postgres.
type PostgresConfig struct {
	// Dir holds the cluster and its password, and survives a restart. Empty
	// means a temporary folder that is removed at Stop, and also when this
	// process is killed.
	Dir string
	// Fsync makes commits survive a power cut. Off is several times faster and
	// right only for tests; false also skips the sync after creation.
	Fsync bool
	// Log receives the server's own log; nil discards it. It is written to from
	// another goroutine.
	Log io.Writer
	// Waiting is told, once, which process still serves Dir; the start goes on
	// when that one has left, for some seconds. nil tells nobody.
	Waiting func(pid int)
}

// NATSConfig says how to start the NATS server in this process.
type NATSConfig struct {
	// Dir is the JetStream store, and survives a restart. Empty means a
	// temporary folder that is removed at Stop, and also when this process is
	// killed.
	Dir string
	// Port on 127.0.0.1; 0 takes a free one.
	Port int
	// Log receives the server's own log; nil discards it.
	Log io.Writer
}
