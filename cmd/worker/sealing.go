package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"pointsledger/reconcile/seal"
)

const (
	// finishTime bounds the last batch of a worker that stops; what is left is the next
	// worker's.
	finishTime = 2 * time.Second
	// sealPatience is how often in a row sealing may fail before a person should look: the
	// database may be away for a moment.
	sealPatience = 5
	// outsidePatience is the same for the head outside: the broker may be.
	outsidePatience = 2
)

// sealing seals what was recorded, in the background. One worker does it for all; the head
// of each batch is logged too, which is a third place that keeps it.
type sealing struct {
	sealer *seal.Sealer
	every  time.Duration
	log    *zap.Logger

	mu sync.Mutex
	// failed counts failures in a row; problem is the last one. notKept and outside are the
	// same of the head outside the database.
	failed, notKept  int
	problem, outside error
}

// Run seals again and again until accept ends. A database that is away is the others'
// trouble: it tries again.
func (s *sealing) Run(accept, _ context.Context) error {
	tick := time.NewTicker(s.every)
	defer tick.Stop()
	for {
		done, err := s.sealer.Seal(accept)
		if accept.Err() != nil {
			return nil
		}
		s.note(&done, err)
		select {
		case <-tick.C:
		case <-accept.Done():
			return nil
		}
	}
}

// finish seals what was settled last, so that little is unsealed while no worker runs.
func (s *sealing) finish() {
	ctx, cancel := context.WithTimeout(context.Background(), finishTime)
	defer cancel()
	done, err := s.sealer.Finish(ctx)
	if err != nil {
		s.log.Info("the last rows are not sealed", zap.Error(err))
	}
	s.logSealed(&done)
}

// note keeps what came of it for readiness, and logs what is new.
func (s *sealing) note(done *seal.Sealed, err error) {
	s.logSealed(done)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.problem = err; err != nil {
		s.failed++
		s.log.Warn("cannot seal what was recorded", zap.Error(err))
		return
	}
	s.failed = 0
	switch {
	case done.Outside != nil && s.outside == nil:
		s.log.Warn("the head of the seal is not kept outside the database", zap.Error(done.Outside))
	case done.Outside == nil && s.outside != nil:
		s.log.Info("the head of the seal is kept outside the database again")
	}
	if s.outside = done.Outside; s.outside != nil {
		s.notKept++
	} else {
		s.notKept = 0
	}
}

// logSealed keeps the head of the seal in the log as well.
func (s *sealing) logSealed(done *seal.Sealed) {
	if done.Lost != nil {
		s.log.Error("the head of the seal outside the database is of a batch that this database does not hold: its newest commits were lost, or somebody removed them; reconcile verify says more",
			zap.Int64("batch", done.Lost.Number), zap.String("hash", done.Lost.Hash), zap.Time("sealed_at", done.Lost.SealedAt))
	}
	if done.Batches > 0 {
		s.log.Info("sealed", zap.Int64("rows", done.Rows), zap.Int64("batch", done.Head.Number), zap.String("hash", done.Head.Hash))
	}
}

// Warnings are what somebody should look at; work goes on.
func (s *sealing) Warnings() (warnings []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed >= sealPatience {
		warnings = append(warnings, fmt.Sprintf("seal: what is recorded is not sealed: %v", s.problem))
	}
	if s.notKept >= outsidePatience {
		warnings = append(warnings, fmt.Sprintf("seal: its head is not kept outside the database, so that who writes it anew there is not caught: %v", s.outside))
	}
	return warnings
}
