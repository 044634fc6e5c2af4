package seal

import "errors"

// ErrNothingToCover is returned by Cover when no finding can be covered: what was edited
// or removed, and a seal that was, cannot. Nothing was written.
var ErrNothingToCover = errors.New("no finding can be covered")

// ErrMayNotCover is returned by Cover when the database's user may not act on the
// ledger, as the finance role may not. Nothing was written.
var ErrMayNotCover = errors.New("this database user may not act on the ledger")
