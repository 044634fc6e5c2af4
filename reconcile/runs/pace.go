package runs

import (
	"context"
	"fmt"
	"time"

	"pointsledger/ledger/gates"
	"pointsledger/vendorapi"
)

// The calls by which a vendor is asked, as rates name them.
const (
	callRecords = "records"
	callMember  = "member"
)

// pace has calls wait for their turn at an account's rate, which all workers share.
type pace struct {
	gates   *gates.Gates
	account *Account
}

// turns has each HTTP call under the context take its turn as a call of the name.
func (p *pace) turns(ctx context.Context, call string, perSecond float64) context.Context {
	if perSecond <= 0 {
		return ctx
	}
	if p.account.OneRate {
		call = ""
	}
	every := time.Duration(float64(time.Second) / perSecond)
	return vendorapi.WithTurns(ctx, func(ctx context.Context) error {
		in, err := p.gates.ReserveSlots(ctx, p.account.Name, call, every)
		if err != nil {
			return err
		}
		return sleep(ctx, in)
	})
}

const (
	// gateLook is how often a closed gate is looked at, gatePatience for how long.
	gateLook     = 2 * time.Second
	gatePatience = 15 * time.Minute
)

// open waits until the account's gate is open. The error is an *AwayError when that takes
// too long.
func (p *pace) open(ctx context.Context, run *running) error {
	for waited := time.Duration(0); ; waited += gateLook {
		gate, err := p.gates.ReadGate(ctx, p.account.Name)
		switch {
		case err != nil:
			return err
		case gate.Reason == "":
			return nil
		case waited >= gatePatience:
			return &AwayError{Run: run.id, Account: p.account.Name, Words: "its gate is closed: " + gate.Reason}
		}
		run.tell(Progress{Phase: Reading, Waits: fmt.Sprintf("the gate of account %s is closed (%s)", p.account.Name, gate.Reason)})
		if err := sleep(ctx, gateLook); err != nil {
			return err
		}
	}
}

// sleep waits, or ends with ctx's error.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
