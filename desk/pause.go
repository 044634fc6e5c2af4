package desk

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"pointsledger/ledger"
)

// Pause closes an account's gate for all workers, or opens what a person
// closed.
type Pause struct {
	Decision
	Account string
	// Filter is how ops_actions tells of the account, in the words of where it was
	// decided.
	Filter string
}

// Paused says what became of a Pause.
type Paused struct {
	// Act is the id of the row of ops_actions; 0 when nothing was changed,
	// for then nothing is recorded.
	Act int64 `json:"action_id"`
	// Before is the gate's reason before, empty when it was open, and Words
	// what stood with it: for a paused gate who paused it, and why.
	Before string    `json:"gate_before"`
	Words  string    `json:"gate_before_words"`
	Since  time.Time `json:"gate_before_since,omitzero"`
}

// GateView is what pausing or resuming an account is about.
type GateView struct {
	Account string `json:"account"`
	// Paused has the gate as it is, or was before it was changed.
	Paused
	Waiting int64 `json:"waiting"`
	Sending int64 `json:"sending"`
}

// ViewGate reads an account's gate, and what waits behind it. The error is an
// *UnknownAccountError when the account is neither configured nor known to the
// ledger.
func (d *Desk) ViewGate(ctx context.Context, configured []string, account string) (GateView, error) {
	v := GateView{Account: account}
	if err := d.KnowsAccount(ctx, configured, account); err != nil {
		return v, err
	}
	gates, err := d.ClosedGates(ctx)
	if err != nil {
		return v, err
	}
	if g, closed := GateOf(gates, account); closed {
		v.Before, v.Words, v.Since = g.Reason, g.Words, g.ClosedAt
	}
	open, err := d.CountOpen(ctx)
	if err != nil {
		return v, err
	}
	for _, rows := range open {
		switch {
		case rows.Account != account:
		case rows.State == ledger.Sending:
			v.Sending += rows.Rows
		case rows.State == ledger.Pending:
			v.Waiting += rows.Rows
		}
	}
	return v, nil
}

// sqlLockGate reads an account's gate and keeps others from changing it (locks
// the row, gates_pkey). No row means that it was never closed.
const sqlLockGate = `
SELECT COALESCE(reason, ''), COALESCE(vendor_says, ''), COALESCE(closed_at, now()) FROM gates WHERE target = $1 FOR UPDATE`

// sqlPauseGate closes a gate by a person's hand, whatever it was before. The
// time to probe is of no use here: sqlReadGate keeps it from coming.
const sqlPauseGate = `
INSERT INTO gates AS g (target, reason, vendor_says, closed_at, probe_at, closings)
VALUES ($1, 'paused', $2, now(), now(), 0)
ON CONFLICT (target) DO UPDATE
   SET reason = 'paused', vendor_says = excluded.vendor_says, closed_at = now(), probe_at = now(), closings = 0, probing_until = NULL
 WHERE g.reason IS DISTINCT FROM 'paused'`

// sqlResumeGate opens a gate that a person closed, and no other. No row means
// that it is not paused.
const sqlResumeGate = `
UPDATE gates
   SET reason = NULL, vendor_says = NULL, closed_at = NULL, probe_at = NULL, probing_until = NULL, closings = 0
 WHERE target = $1 AND reason = 'paused'`

// PauseAccount closes the account's gate until a person resumes it. Workers
// hear of it within half a second; calls in flight end by themselves. A gate
// that is closed for another reason is paused, too. One that is paused already
// is left as it is: Act is 0, and Before says paused.
func (d *Desk) PauseAccount(ctx context.Context, p Pause) (Paused, error) {
	return d.changeGate(ctx, p, ActPause, sqlPauseGate, p.Account, ledger.Storable("paused by "+p.Actor+": "+p.Reason))
}

// ResumeAccount opens the account's gate if a person paused it; else Action is
// 0. What closed the gate besides, the workers find out anew.
func (d *Desk) ResumeAccount(ctx context.Context, p Pause) (Paused, error) {
	return d.changeGate(ctx, p, ActResume, sqlResumeGate, p.Account)
}

func (d *Desk) changeGate(ctx context.Context, p Pause, name, sql string, args ...any) (done Paused, err error) {
	if err := p.check(); err != nil {
		return done, fmt.Errorf("%s account: %w", name, err)
	}
	err = pgx.BeginFunc(ctx, d.pool, func(tx pgx.Tx) error {
		done = Paused{}
		err := tx.QueryRow(ctx, sqlLockGate, p.Account).Scan(&done.Before, &done.Words, &done.Since)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		tag, err := tx.Exec(ctx, sql, args...)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return nil
		}
		result := "gate was open"
		if done.Before != "" {
			result = "gate was closed: " + done.Before + ", " + done.Words
		}
		done.Act, err = p.recordTx(ctx, tx, ledger.Act{Name: name, Filter: p.Filter, SetSize: 1, Result: result})
		return err
	})
	if err != nil {
		return Paused{}, fmt.Errorf("%s account: %w", name, err)
	}
	return done, nil
}
