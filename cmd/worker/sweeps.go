package main

import (
	"context"
	"time"

	"go.uber.org/zap"

	"pointsledger/ledger/republished"
	"pointsledger/ledger/waiting"
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

// joinWaitingEvery is the time between two looks at the events that came before what
// they are about. joinWaitingPart keeps the looks to a small part of a connection where
// very many wait: the next one begins after so many times as long as the last one took.
const (
	joinWaitingEvery = time.Second
	joinWaitingPart  = 20
)

// joinWaiting records the events whose sale has come, until accept ends, and shows what
// waits for long as rejects. A database that is away is the others' trouble: it tries
// again.
func joinWaiting(w *waiting.Waiting, log *zap.Logger) func(accept, work context.Context) error {
	return func(accept, _ context.Context) error {
		next := time.NewTimer(0)
		defer next.Stop()
		for {
			select {
			case <-next.C:
			case <-accept.Done():
				return nil
			}
			began := time.Now()
			switch returned, err := w.ReturnEnded(accept); {
			case err != nil && accept.Err() == nil:
				log.Warn("cannot look what waits by ended rules", zap.Error(err))
			case returned > 0:
				log.Warn("events waited for what they are about by rules that are not in force any more, and are rejects now", zap.Int("events", returned))
			}
			joined, err := w.Join(accept)
			if joined > 0 {
				log.Info("events recorded that had come before what they are about", zap.Int("events", joined))
			}
			if err != nil && accept.Err() == nil {
				log.Warn("cannot record events that had come before what they are about", zap.Error(err))
			}
			switch named, err := w.Name(accept); {
			case err != nil && accept.Err() == nil:
				log.Warn("cannot look what waits for long", zap.Error(err))
			case named > 0:
				log.Warn("events wait for long for what they are about, and are shown as rejects", zap.Int("events", named))
			}
			switch further, err := w.TakeBackCorrected(accept); {
			case err != nil && accept.Err() == nil:
				log.Warn("cannot take back what was applied after a void", zap.Error(err))
			case further > 0:
				log.Warn("grants were given up, taken back by nothing, and applied by the vendor all the same: they are taken back now", zap.Int("operations", further))
			}
			next.Reset(max(joinWaitingEvery, joinWaitingPart*time.Since(began)))
		}
	}
}
