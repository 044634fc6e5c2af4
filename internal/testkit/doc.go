// Package testkit gives tests real servers: a database of their own, cloned
// from a migrated template, and a NATS server of their own. Only tests import
// it.
//
// One Postgres serves a whole test binary. It starts with the first test that
// asks for a database, and fsync is off: a test does not survive a power cut.
// A missing Postgres fails the test with the line that installs it; nothing is
// ever skipped. Call [Run] from TestMain.
package testkit
