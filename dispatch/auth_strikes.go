package dispatch

import (
	"sync"

	"pointsledger/ledger"
)

const (
	// maxStrikes is how often a row may be answered "unauthorised", with a
	// success of another row each time between, before it is held for bad.
	maxStrikes = 5
	// maxStruck bounds the rows that are remembered.
	maxStruck = 1000
)

// authStrikes finds rows that close the gate for everybody: a gateway that
// answers 401 or 403 to one member or one text, and accepts the rest. Safe for
// concurrent use.
type authStrikes struct {
	mu        sync.Mutex
	successes int
	rows      map[ledger.OperationID]strike
}

type strike struct {
	n int
	// at is the count of successes when it was struck last.
	at int
}

// success says that the vendor accepted a call.
func (s *authStrikes) success() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.successes++
}

// unauthorised says that a row was turned away, and tells whether it is at fault.
func (s *authStrikes) unauthorised(id ledger.OperationID) (atFault bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rows == nil || len(s.rows) >= maxStruck {
		s.rows = make(map[ledger.OperationID]strike)
	}
	before, struck := s.rows[id]
	now := strike{n: before.n, at: s.successes}
	if !struck || s.successes > before.at {
		now.n++
	}
	s.rows[id] = now
	if now.n < maxStrikes {
		return false
	}
	delete(s.rows, id)
	return true
}
