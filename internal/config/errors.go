package config

import (
	"fmt"
	"strings"
)

// FieldError is one thing that is wrong with the configuration, returned within an
// Error. It never holds a secret.
type FieldError struct {
	// Field is the variable (ZHIMAI_URL) or the place in the file
	// (worker.yaml:12 vendors.zhimai.timeout).
	Field string
	// Err says what was wanted and what was there.
	Err error
}

func (e *FieldError) Error() string { return e.Field + ": " + e.Err.Error() }

func (e *FieldError) Unwrap() error { return e.Err }

// Error is returned for a configuration that cannot be used: everything that is
// wrong with it in one piece, so that nobody has to fix one line to hear of the
// next. A program that gets it exits 2.
type Error struct {
	// Problems holds at least one error, mostly of type *FieldError.
	Problems []error
}

func (e *Error) Error() string {
	if len(e.Problems) == 1 {
		return "configuration: " + strings.ReplaceAll(e.Problems[0].Error(), "\n", "\n  ")
	}
	var text strings.Builder
	fmt.Fprintf(&text, "configuration: %d problems:", len(e.Problems))
	for _, problem := range e.Problems {
		text.WriteString("\n  " + strings.ReplaceAll(problem.Error(), "\n", "\n    "))
	}
	return text.String()
}

// Unwrap gives errors.Is and errors.As every problem.
func (e *Error) Unwrap() []error { return e.Problems }
