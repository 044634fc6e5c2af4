package money

import (
	"errors"
	"fmt"
)

var (
	// ErrNoValues is returned by [Journals.Values] when no values were ever kept.
	ErrNoValues = errors.New("what a point is worth is not known: no values file was used before")
	// ErrBeforeFirstEntry is returned by [Journals.Make] when points were granted before the first entry
	// of the values.
	ErrBeforeFirstEntry = errors.New("there is no value of a point for this date")
	// ErrOtherZone is returned by [Journals.Make] for values whose days end otherwise than those that were
	// locked.
	ErrOtherZone = errors.New("days of another time zone than that of the periods")
	// ErrTooManyPoints is returned by [Journals.Make] when the points granted cannot be reckoned
	// with: above [MostPoints].
	ErrTooManyPoints = errors.New("more points than can be reckoned with")
	// ErrKeptMeanwhile is returned by [Journals.Keep] when another journal was handed out since this one
	// was made.
	ErrKeptMeanwhile = errors.New("another journal was handed out meanwhile")
	// ErrValuesUsed is returned, wrapped by a [ValuesError], by [Journals.Make] for values that differ from those that a handed-out
	// journal used.
	ErrValuesUsed = errors.New("an estimate that a handed-out journal used")
)

// ValuesError is returned for a values file that cannot be used.
type ValuesError struct {
	File string
	// Line is 0 when it is about no line.
	Line int
	// Problem says what is wrong and what to write instead.
	Problem string
	// Err is ErrValuesUsed, or nil.
	Err error
}

func (e *ValuesError) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Problem
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Problem)
}

func (e *ValuesError) Unwrap() error { return e.Err }

// OverlapError is returned by [Journals.Make] of a journal to be handed out, whose days were handed out in the same format for
// other accounts that have one in common: the same points would be booked twice.
type OverlapError struct {
	// Account is the one of the other journal; empty: all.
	Account string
	Day     Day
}

func (e *OverlapError) Error() string {
	of := "account " + e.Account + " alone"
	if e.Account == "" {
		of = "all accounts"
	}
	return fmt.Sprintf("%s was handed out in this format for %s", e.Day, of)
}

// RunError is returned by [Journals.OpenRun], and yielded by its redemptions, for a comparison that does not say what was
// redeemed.
type RunError struct {
	Run     int64
	Problem string
}

func (e *RunError) Error() string { return fmt.Sprintf("comparison %d: %s", e.Run, e.Problem) }
