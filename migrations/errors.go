package migrations

import (
	"errors"
	"fmt"
)

// ErrUnmigrated is what every UnmigratedError is.
var ErrUnmigrated = errors.New("database schema does not fit this program")

// UnmigratedError is returned by Check and Up when the schema is older or newer than
// this program.
type UnmigratedError struct {
	// At is the version of the schema, Needs the newest one that this program knows.
	At, Needs int64
}

func (e *UnmigratedError) Error() string {
	if e.At > e.Needs {
		return fmt.Sprintf("%v: the schema is newer than this program: it is at version %d, this program knows %d: run a newer program", ErrUnmigrated, e.At, e.Needs)
	}
	return fmt.Sprintf("%v: it is at version %d, this program needs %d", ErrUnmigrated, e.At, e.Needs)
}

func (e *UnmigratedError) Unwrap() error { return ErrUnmigrated }

// ErrNotUTF8 is what every NotUTF8Error is.
var ErrNotUTF8 = errors.New("the database is not UTF8")

// NotUTF8Error is returned by everything here for a database in another encoding
// than UTF8: it refuses texts, or stores other characters. Nothing is changed in it.
type NotUTF8Error struct {
	Database, Encoding string
	// Create is the statement that makes one that is UTF8.
	Create string
}

func (e *NotUTF8Error) Error() string {
	return fmt.Sprintf("%v: the encoding of %s is %s: nothing was changed; make one that is: %s", ErrNotUTF8, e.Database, e.Encoding, e.Create)
}

func (e *NotUTF8Error) Unwrap() error { return ErrNotUTF8 }
