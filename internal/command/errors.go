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

// PartlyError is returned when an act was done, but not for everything: exit code 3.
type PartlyError struct{ Text string }

func (e *PartlyError) Error() string { return e.Text }

// Is makes the error stand for "done, but something does not agree".
func (e *PartlyError) Is(target error) bool { return target == ErrDisagree }
