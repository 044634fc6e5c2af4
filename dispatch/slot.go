package dispatch

import (
	"context"
	"sync"
)

// Slot is an account's place in a worker: one dispatcher at a time serves it. A
// changed account gets a new dispatcher, which begins when the old one has ended:
// no row is ever sent by two configurations at once (TestSlotReplaces). It is
// safe for concurrent use; Run may be called once.
type Slot struct {
	mu   sync.Mutex
	now  *Dispatcher
	next *Dispatcher
	stop context.CancelFunc // ends the accepting of now; nil before Run
	// replaced is called with each new dispatcher before it runs.
	replaced func(*Dispatcher)
}

// NewSlot makes the place of an account with its first dispatcher. replaced is
// told of each further one before it runs; nil is nobody.
func NewSlot(d *Dispatcher, replaced func(*Dispatcher)) *Slot {
	return &Slot{now: d, replaced: replaced}
}

// Name is the account's name.
func (s *Slot) Name() string { return s.serving().Name() }

// Status is that of the dispatcher that serves the account.
func (s *Slot) Status() Status { return s.serving().Status() }

func (s *Slot) serving() *Dispatcher {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// Replace has the account served by another dispatcher as soon as the one that
// serves it has finished its calls in flight and handed back the rest. It does
// not wait for that. Of several, the last counts.
func (s *Slot) Replace(next *Dispatcher) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = next
	if s.stop != nil {
		s.stop()
	}
}

// Run serves the account as Dispatcher.Run does, by one dispatcher after the
// other.
func (s *Slot) Run(accept, work context.Context) error {
	for {
		ctx, d := s.begin(accept)
		err := d.Run(ctx, work)
		if err != nil || accept.Err() != nil {
			return err
		}
		if !s.advance() {
			return nil // it ended by itself
		}
	}
}

// begin takes what waits, and says what is to run.
func (s *Slot) begin(accept context.Context) (context.Context, *Dispatcher) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx, stop := context.WithCancel(accept)
	if s.next != nil { // replaced before it ran, or again meanwhile
		s.takeNext()
	}
	s.stop = stop
	return ctx, s.now
}

// advance tells whether another dispatcher waits.
func (s *Slot) advance() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stop()
	return s.next != nil
}

// takeNext is called with the lock held.
func (s *Slot) takeNext() {
	s.now, s.next = s.next, nil
	if s.replaced != nil {
		s.replaced(s.now)
	}
}
