// Package stage holds the servers of the benchmark and what is measured of
// them: Postgres with its default settings and fsync on, a NATS server that
// syncs each message to disk before the publisher hears of it, and the sink,
// each in a process of its own on 127.0.0.1, the same for all peers.
//
// All of it ends with this process, also when it is killed: the kernel ends the
// children, and the servers' watchers remove their data.
package stage
