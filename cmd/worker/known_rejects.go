package main

import (
	"context"
	"time"

	"go.uber.org/zap"

	"pointsledger/ledger/republished"
)

// knownRejectsEvery is the time between two looks at open rejects: an event that
// is published again, put right, closes them by then. A look costs one read of
// an index while nothing is open or nothing was recorded.
const knownRejectsEvery = 30 * time.Second

// closeKnownRejects closes the rejects whose fact is in the ledger by now, until
// accept ends. A database that is away is the others' trouble: it tries again.
func closeKnownRejects(known *republished.Closer, log *zap.Logger) func(accept, work context.Context) error {
	return func(accept, _ context.Context) error {
		tick := time.NewTicker(knownRejectsEvery)
		defer tick.Stop()
		for {
			switch closed, err := known.Close(accept); {
			case err != nil && accept.Err() == nil:
				log.Warn("cannot look whether rejected events were published again", zap.Error(err))
			case closed > 0:
				log.Info("rejects are closed: their events were published again and accepted", zap.Int64("rejects", closed))
			}
			select {
			case <-tick.C:
			case <-accept.Done():
				return nil
			}
		}
	}
}
