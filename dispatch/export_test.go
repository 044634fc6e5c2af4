package dispatch

import "time"

// CaughtUp tells whether the last claim took all that was due, so that new rows
// may be handed over.
func (d *Dispatcher) CaughtUp() bool {
	d.reserved.mu.Lock()
	defer d.reserved.mu.Unlock()
	return d.reserved.caughtUp
}

// Closing tells whether the dispatcher takes no more rows.
func (d *Dispatcher) Closing() bool {
	d.reserved.mu.Lock()
	defer d.reserved.mu.Unlock()
	return d.reserved.closed
}

// Reserved is how many rows are promised room.
func (d *Dispatcher) Reserved() int { return d.reserved.count() }

// Queued is how many rows wait for a sender.
func (d *Dispatcher) Queued() int { return len(d.queue) }

// WantSample asks for a sample as a doubtful row does that lacks its control.
func (d *Dispatcher) WantSample(after time.Time) { d.sampler.want(after) }
