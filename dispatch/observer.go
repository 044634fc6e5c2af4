package dispatch

import (
	"context"
	"time"

	"pointsledger/ledger"
	"pointsledger/ledger/knowledge"
	"pointsledger/vendorapi"
)

// Observer hears what a dispatcher does, for metrics. Its methods are called
// from many goroutines and must not block.
type Observer interface {
	// Attempted: one points call ended.
	Attempted(account string, outcome vendorapi.Outcome, took time.Duration)
	// Claimed: a claim took so many rows, 0 when none was due, in so much time.
	Claimed(account string, rows int, took time.Duration)
	// Settled: n rows ended posted, or went back pending or parked, or were
	// confirmed after they had ended (SettledBefore, SettledAfterVoid), or could
	// not be written and were parked (SettledAside).
	Settled(account, how string, n int)
	// Written: a batch of so many results was written in so much time, waits for
	// the database included. waited holds, for each confirmation in it, the time
	// from the broker's storing of its event until the confirmation was heard.
	Written(account string, rows int, took time.Duration, waited []time.Duration)
	// LeasesLost: n rows were no longer this worker's when it settled them;
	// expired counts rows taken back from any worker, in doubt.
	LeasesLost(account string, n int)
	LeasesExpired(account string, n int)
	// Sampled: the records of a confirmed posting were read, to learn what they
	// show, or could not be.
	Sampled(account string, sighting knowledge.Sighting)
}

// What Settled calls a confirmation: of an open row, of one that was posted
// before, and of one that a person had voided; and any result that the ledger
// could not write.
const (
	SettledPosted    = "posted"
	SettledBefore    = "posted_before"
	SettledAfterVoid = "after_void"
	SettledAside     = "set_aside"
)

// observedClaims tells the observer of each claim that the ledger answered.
type observedClaims struct {
	claimStore
	observer Observer
}

func (s observedClaims) Claim(ctx context.Context, c ledger.Claim) ([]ledger.Claimed, error) {
	started := time.Now()
	claimed, err := s.claimStore.Claim(ctx, c)
	if err == nil {
		s.observer.Claimed(c.Account, len(claimed), time.Since(started))
	}
	return claimed, err
}
