package custom

import (
	"time"

	"pointsledger/vendorapi"
)

// FixMoment makes a client that Open made send at one moment.
func FixMoment(sender vendorapi.Sender, at time.Time, nonce int64) {
	c := sender.(interface{ inner() *client }).inner()
	c.now, c.nonce = func() time.Time { return at }, func() int64 { return nonce }
}

func (c *client) inner() *client { return c }
