package records

import (
	"context"
	"time"

	"pointsledger/vendorapi"
)

// Rate is how often calls may start at an account, those of all workers and of people
// together.
type Rate struct {
	// Call names the calls that the rate is of; empty is all of the account's.
	Call string
	// PerSecond is 0 for no limit.
	PerSecond int
}

// paced has every call under the context wait for a place among the workers' calls. The
// calls of a look are made one after the other, so that it takes of what is free, and
// waits behind nobody for long.
func (l *Lookup) paced(ctx context.Context, account string, rate Rate) context.Context {
	if rate.PerSecond == 0 {
		return ctx
	}
	return vendorapi.WithTurns(ctx, func(ctx context.Context) error {
		in, err := l.desk.Gates().ReserveSlots(ctx, account, rate.Call, time.Second/time.Duration(rate.PerSecond))
		if err != nil {
			return err
		}
		timer := time.NewTimer(in)
		defer timer.Stop()
		select {
		case <-timer.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
}
