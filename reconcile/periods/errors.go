package periods

import "errors"

var (
	// ErrOutOfOrder is returned for an act that is not the next one: a date that is
	// locked already or is not over, a closing or reopening of another period than the
	// one whose turn it is. The error's text says which.
	ErrOutOfOrder = errors.New("not this period's turn")
	// ErrBusy is returned by a closing for which a transaction is in the way that began
	// to write before the lock: try again.
	ErrBusy = errors.New("a transaction from before the lock has not ended")
	// ErrSameHand is returned by a reopening that only another database user may do.
	ErrSameHand = errors.New("another database user has to reopen it")
	// ErrReasonNeeded is returned by a closing without a reason although a check warns.
	ErrReasonNeeded = errors.New("there are warnings, and no reason why it is closed all the same")
)
