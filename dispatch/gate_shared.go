package dispatch

import (
	"context"
	"time"

	"pointsledger/ledger/gates"
)

// gateStore is the gate that all workers of an account share, and probeStore the
// right to make the one call that may open it.
type (
	gateStore interface {
		ReadGate(ctx context.Context, account string) (gates.Gate, error)
		CloseGate(ctx context.Context, account, reason, words string, pause time.Duration, closings int) error
		OpenGate(ctx context.Context, account string) error
	}
	probeStore interface {
		TakeProbe(ctx context.Context, account string, within time.Duration) (bool, error)
		DropProbe(ctx context.Context, account string) error
		ProbeNow(ctx context.Context, account string) error
	}
)

// gateEvery is how often a worker looks at the shared gate: so long may others
// go on calling after one has learned that it makes no sense.
const gateEvery = 500 * time.Millisecond

// publication is what the ledger should know of a gate.
type publication struct {
	status   GateStatus
	closings int
	changes  int
}

// unpublished returns the state that the ledger does not have yet.
func (g *gate) unpublished() (p publication, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return publication{status: g.status, closings: g.closings, changes: g.changes}, g.changes != g.published
}

// markPublished keeps that the ledger has the state.
func (g *gate) markPublished(p publication) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.published = max(g.published, p.changes)
}

// adopt takes over what the ledger says, which is what any worker learned
// last, unless this worker has news of its own. changed says that the gate
// opened, closed, or is closed for another reason now.
func (g *gate) adopt(now time.Time, shared gates.Gate) (changed bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.changes != g.published {
		return false
	}
	if shared.Reason == "" {
		if g.status.Open || g.probing {
			return false
		}
		g.open()
		g.published = g.changes
		return true
	}
	next := GateStatus{Reason: GateReason(shared.Reason), Words: shared.Words,
		Since: now.Add(-shared.ClosedFor), Until: now.Add(shared.ProbeIn)}
	changed = g.status.Open || g.status.Reason != next.Reason
	if changed {
		g.streak.code, g.streak.members = "", nil
		g.suspected.yes, g.suspected.code = next.Reason == GateSuspicious, ""
		if next.Reason == GateFailing {
			g.failures = max(g.failures, 1) // whichever calls failed at the other worker: a points call tells
		}
	}
	if changed || shared.Closings > g.closings {
		g.tentative = false // another worker knows better
	}
	g.status, g.closings = next, max(g.closings, shared.Closings)
	return changed
}

// gateLoop keeps this worker's gate and the shared one together.
func (d *Dispatcher) gateLoop(ctx context.Context) {
	for ctx.Err() == nil {
		d.note(d.shareGate(ctx))
		timer := time.NewTimer(gateEvery)
		select {
		case <-ctx.Done():
		case <-d.gateNews:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// shareGate publishes what this worker learned and adopts what others did.
func (d *Dispatcher) shareGate(ctx context.Context) error {
	if p, news := d.gate.unpublished(); news {
		var err error
		if p.status.Open {
			err = d.book.gate.OpenGate(ctx, d.account.Name)
		} else {
			err = d.book.gate.CloseGate(ctx, d.account.Name, string(p.status.Reason), p.status.Words,
				time.Until(p.status.Until), p.closings)
		}
		if err != nil {
			return err
		}
		d.gate.markPublished(p)
	}
	shared, err := d.book.gate.ReadGate(ctx, d.account.Name)
	if err != nil {
		return err
	}
	if d.gate.adopt(time.Now(), shared) {
		d.announce(d.gate.Status())
		signal(d.room)
		d.Wake()
	}
	return nil
}

// mayProbe asks the ledger for the right to make the one call that finds out
// whether a closed gate may open.
func (d *Dispatcher) mayProbe(ctx context.Context) bool {
	granted, err := d.book.probe.TakeProbe(ctx, d.account.Name, 2*d.account.Timeout+SettleAllowance)
	d.note(err)
	if err == nil && granted {
		d.gate.grantProbe()
	}
	return err == nil && granted
}

// returnProbe gives the right to probe back when there was nothing to call.
func (d *Dispatcher) returnProbe(ctx context.Context) {
	if d.gate.dropProbe() {
		d.note(d.book.probe.DropProbe(ctx, d.account.Name))
	}
}
