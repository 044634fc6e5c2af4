package ledger

import (
	"errors"
	"fmt"
)

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

// RaceError is returned by RecordBeside when another transaction recorded one of
// the keys or facts meanwhile. Nothing was written; a further try sees what this
// one lost to. It reads as the database's error.
type RaceError struct{ Err error }

func (e *RaceError) Error() string { return e.Err.Error() }
func (e *RaceError) Unwrap() error { return e.Err }

// RefusedError is returned by RecordBeside when the database refuses the batch
// for its content. Nothing was written. Of several entries at least one is bad,
// and the caller splits them; of one, Rejection says why it is refused, after an
// event that nothing is wrong with was accepted.
type RefusedError struct {
	Rejection *Rejection
	Err       error
}

func (e *RefusedError) Error() string { return e.Err.Error() }
func (e *RefusedError) Unwrap() error { return e.Err }

// ErrRulesEnded is returned when events were to be recorded by a rule file that
// may not be used any more for events of their time: others have registered
// rules that say something else for it, or a person has withdrawn the file.
// Nothing was recorded. Trying again with the same rules cannot mend it.
var ErrRulesEnded = errors.New("these rules have ended for events of this time")

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

// SetAsideError is returned by Confirm and Settle when some rows of a batch were set
// aside: they are parked, in doubt where the vendor may have applied them. All
// others are settled; trying again changes nothing.
type SetAsideError struct{ Rows []SetAside }

func (e *SetAsideError) Error() string {
	return fmt.Sprintf("%d results could not be written, their rows are parked (%s); operation %d: %s",
		len(e.Rows), CauseSettlingRefused, e.Rows[0].ID, e.Rows[0].Words)
}
