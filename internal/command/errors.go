package command

import (
	"errors"
	"fmt"
)

// UsageError is returned for a wrong use of a command: exit code 2.
type UsageError struct{ Err error }

func (e *UsageError) Error() string { return e.Err.Error() }
func (e *UsageError) Unwrap() error { return e.Err }

// Usagef makes a UsageError.
func Usagef(format string, args ...any) error { return &UsageError{fmt.Errorf(format, args...)} }

// ErrDisagree is returned by a command that did its work and found books that do
// not agree: exit code 3. The command has said what.
var ErrDisagree = errors.New("the books do not agree")
