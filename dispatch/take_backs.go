package dispatch

import (
	"context"
	"slices"

	"go.uber.org/zap"

	"pointsledger/ledger"
	"pointsledger/ledger/waiting"
)

// takeBackStore lets take-backs go whose grant has ended.
type takeBackStore interface {
	ReleaseTakeBacks(ctx context.Context, account string, offered []ledger.Kind) (waiting.Released, error)
}

// releaseTakeBacks lets go what waited for its grant. A posting looks for nothing that
// waits for it, so that it costs nothing more where nothing is taken back.
func (d *Dispatcher) releaseTakeBacks(ctx context.Context) {
	r, err := d.book.backs.ReleaseTakeBacks(ctx, d.account.Name, d.account.Calls)
	if err != nil {
		d.note(err)
		return
	}
	if r.ByHand > 0 {
		d.observer.Settled(d.account.Name, string(ledger.Parked), r.ByHand)
		d.log.Info("to be taken back by hand: the account has no call for it", zap.Int("operations", r.ByHand))
	}
	if r.Due > 0 {
		d.Wake()
	}
}

// isByHand tells that an operation takes back, or releases, and that the account has no
// call for it. What waited is never let go then; it may have been read from the stream
// again and put back, or the account had the call when it was let go.
func (d *Dispatcher) isByHand(kind ledger.Kind) bool {
	return (kind == ledger.PointsDeduct || kind == ledger.UnfreezePoint) && !slices.Contains(d.account.Calls, kind)
}
