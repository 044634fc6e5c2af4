package continuity

import "errors"

// ErrAnotherDatabase is returned for a connection to a database that is not
// known to be the ledger's, or not to hold everything that it held: by a pool
// whose Guard keeps it out, and by Session.Raise for another ledger. Only a look
// of the keeper, or a person, ends it.
var ErrAnotherDatabase = errors.New("the database is not known to be the one it was")

// ErrStandby is returned for a database that is in recovery: a standby that
// has not taken over. It becomes usable by itself, or DATABASE_URL is wrong.
var ErrStandby = errors.New("the database is a standby: it cannot be written to")

// ErrNoStream is returned by a Rebuilder when the stream to read from is not
// there. Nothing was changed.
var ErrNoStream = errors.New("no such stream")

// ErrOtherStream is returned by Rebuilder.Add when the stream was made anew since
// the caller looked: its sequences mean other events. Nothing was added since.
var ErrOtherStream = errors.New("the stream was made anew")
