package dispatch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"pointsledger/ledger"
	"pointsledger/vendorapi"
)

// shapeStore keeps the shapes that rows were sent in.
type shapeStore interface {
	RegisterShape(ctx context.Context, hash, shape string) error
	RequestShape(ctx context.Context, hash string) (string, error)
}

// shape is what of an account's configuration stands in the business parameters
// of its calls. A row keeps the shape of its first attempt until it ends
// (TestRowKeepsItsShape). The zero shape: nothing does; an operation says it all.
type shape struct {
	// hash names it in the outbox, text is its registered form.
	hash, text string
}

// shapeHashChars of hex are enough to tell some dozens of shapes apart.
const shapeHashChars = 12

// unknownShapeWait is how long a row waits whose shape cannot be read.
const unknownShapeWait = time.Minute

// shapeOf is the shape of a vendor's calls.
func shapeOf(v vendorapi.Sender) shape {
	shaped, able := v.(vendorapi.Shaped)
	if !able {
		return shape{}
	}
	text := shaped.Shape()
	sum := sha256.Sum256([]byte(text))
	return shape{hash: hex.EncodeToString(sum[:])[:shapeHashChars], text: text}
}

// shapes gives the vendor for a row's shape. It is safe for concurrent use.
type shapes struct {
	mu    sync.Mutex
	known map[string]vendorapi.Sender
}

// registerShape keeps the account's shape before anything is claimed in it, and
// again now and then: a database that lost its newest commits may lack it, while
// rows go on to get it (TestLostShapeIsKeptAgain).
func (d *Dispatcher) registerShape(ctx context.Context) error {
	if d.shape.hash == "" {
		return nil
	}
	return d.book.shapes.RegisterShape(ctx, d.shape.hash, d.shape.text)
}

// vendorFor is the vendor that sends the row as it was sent before.
func (d *Dispatcher) vendorFor(ctx context.Context, row *held) (vendorapi.Sender, error) {
	if row.Shape == "" || row.Shape == d.shape.hash {
		return d.account.Vendor, nil
	}
	d.shapes.mu.Lock()
	defer d.shapes.mu.Unlock()
	if v := d.shapes.known[row.Shape]; v != nil {
		return v, nil
	}
	shaped, able := d.account.Vendor.(vendorapi.Shaped)
	if !able {
		return nil, errors.New("this kind of vendor sends in one shape only")
	}
	text, err := d.book.shapes.RequestShape(ctx, row.Shape)
	d.note(err)
	if err != nil {
		return nil, err
	}
	v, err := shaped.InShape(text)
	if err != nil {
		return nil, fmt.Errorf("shape %s: %w", row.Shape, err)
	}
	if d.shapes.known == nil {
		d.shapes.known = map[string]vendorapi.Sender{}
	}
	d.shapes.known[row.Shape] = v
	d.log.Info("rows that were tried are sent as they were before", zap.String("shape", row.Shape), zap.String("now", d.shape.hash))
	return v, nil
}

// reshapes tells whether a row that goes back may be sent in another shape: its
// shape is this claim's, and nothing left this machine, or the gate took the
// refusal for a mistake of our own, which another configuration mends.
func reshapes(row *ledger.Claimed, c *ledger.Change) bool {
	if row.Shaped || row.InDoubt || c.Doubt || c.State != ledger.Pending {
		return false
	}
	switch c.Cause {
	case ledger.CauseReturned, ledger.CauseNotSent, ledger.CauseMemberUnresolved, ledger.CauseSuspicious:
		return true
	}
	return false
}
