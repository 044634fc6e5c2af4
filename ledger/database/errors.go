package database

import "errors"

// FaultError is returned by everything here for a refusal of the database that no event and no vendor answer is
// to blame for, with what to do about it. It ends by itself or by a person;
// whoever meets it holds what it has and tries again.
type FaultError struct {
	Err error
	// Do says what the cause is likely to be and, but for a fault that Kind
	// names, what ends it.
	Do   string
	Kind Fault
}

// Fault names the faults that are ended where this program is configured or
// set up. What to change there is said by whoever knows how it was started.
type Fault string

// The empty Fault is every other one: FaultError.Do says all of it.
const (
	FaultStartupParameter Fault = "startup_parameter" // a pooler refuses one that the connection asks for
	FaultReadOnly         Fault = "read_only"         // the database takes no writes
	FaultRightMissing     Fault = "right_missing"     // the role may not do what the program does
	FaultSchemaMissing    Fault = "schema_missing"    // a table, a column or a function is not there
	FaultConnectionsTaken Fault = "connections_taken" // the server, the database or the role has no connection left
)

func (e *FaultError) Error() string { return e.Err.Error() + ": " + e.Do }
func (e *FaultError) Unwrap() error { return e.Err }

// ErrNotUTF8 is returned for a database, or a session, that is not UTF8: texts
// would be refused, or stored as other characters.
var ErrNotUTF8 = errors.New("not UTF8")

// ErrPooledByTransaction is returned where a pooler gives each transaction
// another session: statements that were prepared, settings and locks are then
// those of other clients.
var ErrPooledByTransaction = errors.New("a pooler in transaction or statement mode is between, where prepared statements, settings and locks of a session do not hold")

// ErrDatabaseURL is returned for a database URL that cannot be read. It does
// not repeat the URL, which may hold a password.
var ErrDatabaseURL = errors.New("want a Postgres URL or keyword string; it cannot be read")

// ErrSequenceBehind is returned while the ids that a sequence would give out
// exist already. It ends when somebody sets the sequence.
var ErrSequenceBehind = errors.New("new rows would get ids that exist")
