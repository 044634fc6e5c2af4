package dispatch_test

import (
	"sync/atomic"

	"pointsledger/ledger/knowledge"
)

// readings is an observer that counts what a sampler read.
type readings struct {
	counts
	all, unread atomic.Int64
}

func (r *readings) Sampled(_ string, sighting knowledge.Sighting) {
	r.all.Add(1)
	if sighting == knowledge.Unread {
		r.unread.Add(1)
	}
}
