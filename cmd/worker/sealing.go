package main

import (
	"context"
	"time"

	"go.uber.org/zap"

	"pointsledger/reconcile/seal"
)

// sealing seals what was recorded, again and again until accept ends. One worker does it
// for all; the head of each batch is logged too, which is a third place that keeps it. A
// database that is away is the others' trouble: it tries again.
func sealing(s *seal.Sealer, every time.Duration, log *zap.Logger) func(accept, work context.Context) error {
	return func(accept, _ context.Context) error {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for kept := true; ; {
			done, err := s.Seal(accept)
			if accept.Err() != nil {
				return nil
			}
			if err != nil {
				log.Warn("cannot seal what was recorded", zap.Error(err))
			}
			logSealed(&done, log)
			if now := done.Outside == nil; err == nil && now != kept {
				if kept = now; now {
					log.Info("the head of the seal is kept outside the database again")
				} else {
					log.Warn("the head of the seal is not kept outside the database: who writes the seal anew in the database is not caught", zap.Error(done.Outside))
				}
			}
			select {
			case <-tick.C:
			case <-accept.Done():
				return nil
			}
		}
	}
}

// finishTime bounds the last batch of a worker that stops; what is left is the next
// worker's.
const finishTime = 2 * time.Second

// finishSealing seals what was settled last, so that little is unsealed while no worker
// runs.
func finishSealing(s *seal.Sealer, log *zap.Logger) {
	ctx, cancel := context.WithTimeout(context.Background(), finishTime)
	defer cancel()
	done, err := s.Finish(ctx)
	if err != nil {
		log.Info("the last rows are not sealed", zap.Error(err))
	}
	logSealed(&done, log)
}

// logSealed keeps the head of the seal in the log as well.
func logSealed(done *seal.Sealed, log *zap.Logger) {
	if done.Lost != nil {
		log.Error("the head of the seal outside the database is of a batch that this database does not hold: its newest commits were lost, or somebody removed them; reconcile verify says more",
			zap.Int64("batch", done.Lost.Number), zap.String("hash", done.Lost.Hash), zap.Time("sealed_at", done.Lost.SealedAt))
	}
	if done.Batches > 0 {
		log.Info("sealed", zap.Int64("rows", done.Rows), zap.Int64("batch", done.Head.Number), zap.String("hash", done.Head.Hash))
	}
}
