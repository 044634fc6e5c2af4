// Package testkit gives tests real servers: a database of their own, cloned
// from a migrated template, and a NATS server of their own. Only tests import
// it. Beside it, intakes has the worker's intake for tests, and orders what tests
// of the ledger record.
//
// One Postgres serves a whole test binary. It starts with the first test that
// asks for a database, and fsync is off: a test does not survive a power cut.
// A missing Postgres fails the test with the line that installs it; nothing is
// ever skipped. Call [Run] from TestMain.
package testkit
