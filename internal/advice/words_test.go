package advice

import (
	"errors"
	"fmt"
	"testing"

	"pointsledger/consumers"
	"pointsledger/ledger/database"
	"pointsledger/migrations"
)

// Each known error is said in full, whatever stands around it; others as they are.
func TestWords(t *testing.T) {
	t.Parallel()
	fault := func(kind database.Fault, do string) error {
		return &database.FaultError{Err: errors.New("theirs"), Kind: kind, Do: do}
	}
	tests := []struct {
		err  error
		want string
	}{
		{nil, ""},
		{errors.New("away"), "away"},
		{fault("", "it is out of memory"), "theirs: it is out of memory"},
		{fault(database.FaultStartupParameter, "a pooler refuses what the connection asks for"),
			"theirs: a pooler refuses what the connection asks for: take the parameter out of DATABASE_URL, add it to the pooler's ignore_startup_parameters, or connect to Postgres directly"},
		{fault(database.FaultReadOnly, "the database is read-only: a standby, default_transaction_read_only, or a full disk's guard"),
			"theirs: the database is read-only: a standby, default_transaction_read_only, or a full disk's guard; point DATABASE_URL at the primary, or make it writable"},
		{fault(database.FaultRightMissing, "the role lost a right"),
			"theirs: the role lost a right: as the owner of the tables, worker migrate up --grant-to ROLE"},
		{fault(database.FaultSchemaMissing, "a column is missing"),
			"theirs: a column is missing: see `worker migrate status`, and who dropped it"},
		{fault(database.FaultConnectionsTaken, "all its connections are taken"),
			"theirs: all its connections are taken: raise max_connections or the role's CONNECTION LIMIT, or set pool_max_conns in DATABASE_URL (`worker doctor` counts)"},
		{database.ErrPooledByTransaction,
			"DATABASE_URL leads to a pooler in transaction or statement mode, where prepared statements, settings and locks of a session do not hold: " +
				"set pool_mode = session for this database and user at the pooler (pgbouncer), or connect to Postgres directly"},
		{&consumers.JetStreamOffError{Server: "nats://a:4222", OfAccount: true, Err: errors.New("not enabled")},
			"JetStream is off for the account of this NATS user at nats://a:4222: enable it for the account, or correct NATS_CREDS or NATS_URL: not enabled"},
		{fmt.Errorf("fetch: %w", &consumers.JetStreamOffError{Server: "nats://a:4222", Err: errors.New("no responders")}),
			"fetch: JetStream is off at nats://a:4222: start the server with it (-js, or jetstream {} in its file), or correct NATS_URL: no responders"},
		{&migrations.UnmigratedError{At: 3, Needs: 20}, "database schema does not fit this program: it is at version 3, this program needs 20: run `worker migrate up`"},
		{&migrations.UnmigratedError{At: 21, Needs: 20},
			"database schema does not fit this program: the schema is newer than this program: it is at version 21, this program knows 20: run a newer program"},
		{fmt.Errorf("migrate: %w", &migrations.NotUTF8Error{Database: "points", Encoding: "SQL_ASCII", Create: "CREATE DATABASE points_utf8"}),
			"migrate: the database is not UTF8: the encoding of points is SQL_ASCII: nothing was changed; make one that is and set DATABASE_URL to it: CREATE DATABASE points_utf8"},
		{fmt.Errorf("open: %w", database.ErrDatabaseURL), "open: DATABASE_URL: want a Postgres URL or keyword string; it cannot be read"},
		{fmt.Errorf("before (%w) behind", fault(database.FaultRightMissing, "lost")),
			"before (theirs: lost: as the owner of the tables, worker migrate up --grant-to ROLE) behind"},
		{errors.Join(fault(database.FaultRightMissing, "lost"), fault(database.FaultRightMissing, "lost"), errors.New("away")),
			"theirs: lost: as the owner of the tables, worker migrate up --grant-to ROLE\ntheirs: lost: as the owner of the tables, worker migrate up --grant-to ROLE\naway"},
	}
	for _, test := range tests {
		if got := Words(test.err); got != test.want {
			t.Errorf("of %v\n got %s\nwant %s", test.err, got, test.want)
		}
	}
}
