package dispatch

import (
	"context"

	"go.uber.org/zap"

	"pointsledger/ledger"
)

// takeBackStore brings together what refers to each other: a refund and its sale, a
// take-back and the grant that must have ended before it.
type takeBackStore interface {
	JoinWaiting(ctx context.Context) (joined int, err error)
	NameWaiting(ctx context.Context) (named int, err error)
	ReleaseTakeBacks(ctx context.Context, account string, offered []ledger.Kind) (ledger.Released, error)
}

// bringTogether records what waited for its sale and lets go what waited for its grant.
// Neither a sale nor a posting looks for what waits for it, so that they cost nothing
// more where nothing is taken back.
func (d *Dispatcher) bringTogether(ctx context.Context) {
	if joined, err := d.book.backs.JoinWaiting(ctx); err != nil {
		d.note(err)
	} else if joined > 0 {
		d.log.Info("events recorded that had come before what they are about", zap.Int("events", joined))
	}
	if named, err := d.book.backs.NameWaiting(ctx); err != nil {
		d.note(err)
	} else if named > 0 {
		d.log.Warn("events wait for long for what they are about, and are shown as rejects", zap.Int("events", named))
	}
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
