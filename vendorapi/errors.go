package vendorapi

import "errors"

// ErrNoMember is in a Refused reply to a call that asks who a member is, when
// the vendor answered well and named nobody: our credentials were accepted.
var ErrNoMember = errors.New("the vendor names no member")

// ErrRecordsMove is in the reply of a reading whose view was not consistent: rows
// arrived while it read. The vendor is well; the reading is made again later.
var ErrRecordsMove = errors.New("the member's records change while they are read")

// ErrUnsendable is in the Err of a NotSent reply when the request itself is at
// fault (no dedup key, a text that is too long): sending it again cannot help.
var ErrUnsendable = errors.New("request cannot be sent")
