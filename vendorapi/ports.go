package vendorapi

import (
	"context"
	"errors"

	"pointsledger/evidence"
	"pointsledger/ledger"
)

// Sender makes the points calls of one account. It is the one port that every
// vendor has; the others are asked for by type assertion.
type Sender interface {
	// Send makes the call. It is one attempt: no retry inside.
	Send(ctx context.Context, c *ledger.VendorCall) Reply
}

// Resolver is a Sender that can tell whose a scanned member code is.
type Resolver interface {
	// Resolve asks for the member behind a code. memberID is set exactly when
	// the reply's outcome is Applied, which for a read means "answered".
	Resolve(ctx context.Context, code string) (memberID string, reply Reply)
}

// RecordReader is a Sender whose records of a member can be read, so that a row
// in doubt can be looked up instead of sent again blindly.
type RecordReader interface {
	// ReadRecords reads all of a member's records, in one consistent view. They count
	// only when the reply's outcome is Applied. When the reading began, and the
	// member's balance, are left to the caller.
	ReadRecords(ctx context.Context, memberID string) (evidence.Reading, Reply)
}

// BalanceReader is a RecordReader that tells a member's points beside the records:
// what these do not explain may be a record that is missing.
type BalanceReader interface {
	// ReadBalance is nil when the vendor does not say, or names another member, and
	// whenever the reply's outcome is not Applied.
	ReadBalance(ctx context.Context, memberID string) (*int64, Reply)
}

// Shaped is a Sender in whose calls something of the configuration stands. A
// row keeps the shape of its first attempt until it ends.
type Shaped interface {
	// Shape is a text that is the same for the same shape.
	Shape() string
	// InShape is the Sender that sends in a shape which Shape named before, over
	// the same connections.
	InShape(text string) (Sender, error)
}

// Endpointed is a Sender that can name where its calls go. What is learned of an
// account belongs to its endpoint: another vendor, or the simulator, may have
// other habits.
type Endpointed interface {
	// Endpoint is a short text that is the same for one address and key id, and
	// holds no secret.
	Endpoint() string
}

// Authorised is a Sender that can ask for its right to call, which changes nothing and
// shows whether its credentials are accepted.
type Authorised interface {
	// Authorise asks for it. asked is false where the account needs none.
	Authorise(ctx context.Context) (reply Reply, asked bool)
}

// Closer is a Sender that holds connections.
type Closer interface {
	// Close closes those that are idle.
	Close()
}

// NotOffered is the reply to a call that a vendor does not offer: the rules
// should never have made the operation.
func NotOffered(kind ledger.Kind, vendor string) Reply {
	return Reply{Outcome: Refused, Err: errors.New(vendor + " offers no call for " + string(kind))}
}
