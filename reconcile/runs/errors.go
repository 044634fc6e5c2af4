package runs

import (
	"errors"
	"fmt"
)

// ErrNoRun is returned for a run that is not there.
var ErrNoRun = errors.New("there is no such run")

// ErrNotDone is returned for a run that has not ended: it has no items yet.
var ErrNotDone = errors.New("the run has not ended")

// ErrDone is returned when a run is to be gone on with that has ended.
var ErrDone = errors.New("the run has ended")

// ErrFileRun is returned when a run is to be gone on with whose file was not loaded whole.
var ErrFileRun = errors.New("the file of the run was not loaded whole: begin a new run with it")

// ErrNoItem is returned for an item that is not there.
var ErrNoItem = errors.New("there is no such item")

// ErrNothingToExplain is returned for an item that is no difference.
var ErrNothingToExplain = errors.New("it is in transit: there is nothing to explain")

// ErrMayNotWrite is returned when the database's user may not keep runs, or may not take
// turns at the account's rate.
var ErrMayNotWrite = errors.New("this database user may not do this")

// ErrOtherMembers is returned when so many records show references of other members'
// operations that the column of members cannot be what the ledger calls a member.
var ErrOtherMembers = errors.New("most references are of other members' operations: the members of the records are not the ledger's")

// UnknownAccountError is returned for an account that is not configured.
type UnknownAccountError struct{ Account string }

func (e *UnknownAccountError) Error() string {
	return fmt.Sprintf("account %s is not configured", e.Account)
}

// OffError is returned when there is nobody to be asked: the accounts whose vendors have
// records are off.
type OffError struct{ Account, Why string }

func (e *OffError) Error() string { return fmt.Sprintf("account %s is off: %s", e.Account, e.Why) }

// AwayError is returned when a vendor did not answer time after time, or refused our
// credentials. The run can be gone on with.
type AwayError struct {
	Run     int64
	Account string
	Words   string
}

func (e *AwayError) Error() string { return fmt.Sprintf("account %s: %s", e.Account, e.Words) }

// ErrEmptyFile is returned for a file without a row: a comparison with nothing would find
// nothing.
var ErrEmptyFile = errors.New("the file has no row under its headings: nothing can be compared with it")
