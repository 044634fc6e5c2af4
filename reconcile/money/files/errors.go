package files

import "errors"

// ErrUnknownFormat is returned by [New] for a format that there is not.
var ErrUnknownFormat = errors.New("unknown format")
