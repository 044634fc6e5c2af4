package dispatch_test

import (
	"sync/atomic"

	"pointsledger/ledger"
)

// readings is an observer that counts what a sampler read.
type readings struct {
	counts
	all, unread atomic.Int64
}

func (r *readings) Sampled(_ string, sighting ledger.Sighting) {
	r.all.Add(1)
	if sighting == ledger.Unread {
		r.unread.Add(1)
	}
}
