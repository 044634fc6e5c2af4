package gates

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"pointsledger/ledger"
)

// Reasons of closed gates that workers write; see [GatePaused] for a person's.
const (
	GateUnauthorised = "unauthorised"
	GateThrottled    = "throttled"
	GateSuspicious   = "suspicious_refusals"
	GateFailing      = "failing"
)

// GatePaused is the reason of a gate that a person closed. Only a person opens
// it again (sqlCloseGate, sqlOpenGate and sqlTakeProbe leave it alone).
const GatePaused = "paused"

// Gates are the gates of a ledger's accounts. It is safe for concurrent use.
type Gates struct{ pool *pgxpool.Pool }

// New returns the gates of the ledger that a pool is on.
func New(pool *pgxpool.Pool) *Gates { return &Gates{pool: pool} }

// Gate is an account's gate as all workers see it.
type Gate struct {
	// Reason is empty when the gate is open; then only Closings may be set.
	Reason string
	// Words is what the vendor said.
	Words string
	// ClosedFor and ProbeIn are relative to the database's clock. ProbeIn is
	// 0 or less when a probe is due.
	ClosedFor time.Duration
	ProbeIn   time.Duration
	// Closings counts failed probes and closings since the gate was last open.
	Closings int
}

// sqlReadGate reads an account's gate; no row means that it was never closed.
// The probe of a paused account is always a minute away, so that a worker that
// was about to probe when a person paused the account does not go on.
const sqlReadGate = `
SELECT COALESCE(reason, ''), COALESCE(vendor_says, ''),
       COALESCE(EXTRACT(epoch FROM now() - closed_at), 0)::float8,
       CASE WHEN reason = 'paused' THEN 60 ELSE COALESCE(EXTRACT(epoch FROM probe_at - now()), 0) END::float8, closings
  FROM gates
 WHERE target = $1`

// ReadGate reads an account's gate.
func (gs *Gates) ReadGate(ctx context.Context, account string) (Gate, error) {
	var g Gate
	var closedFor, probeIn float64
	err := gs.pool.QueryRow(ctx, sqlReadGate, account).Scan(&g.Reason, &g.Words, &closedFor, &probeIn, &g.Closings)
	if errors.Is(err, pgx.ErrNoRows) {
		return Gate{}, nil
	}
	if err != nil {
		return Gate{}, fmt.Errorf("read gate: %w", err)
	}
	g.ClosedFor, g.ProbeIn = seconds(closedFor), seconds(probeIn)
	return g, nil
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// sqlCloseGate closes a gate or keeps it closed. A pause that is running is
// only ever made longer, the time since when it is closed is kept, and what a
// person paused stays paused.
const sqlCloseGate = `
INSERT INTO gates AS g (target, reason, vendor_says, closed_at, probe_at, closings)
VALUES ($1, $2, NULLIF($3, ''), now(), now() + $4::interval, $5)
ON CONFLICT (target) DO UPDATE
   SET reason = CASE WHEN g.reason = 'paused' THEN g.reason ELSE excluded.reason END,
       vendor_says = CASE WHEN g.reason = 'paused' THEN g.vendor_says ELSE excluded.vendor_says END,
       closed_at = COALESCE(g.closed_at, excluded.closed_at),
       probe_at = GREATEST(g.probe_at, excluded.probe_at),
       closings = GREATEST(g.closings, excluded.closings),
       probing_until = NULL`

// CloseGate closes the account's gate for all workers. closings is the count
// that the caller has reached; the larger of its and the stored one stays.
func (gs *Gates) CloseGate(ctx context.Context, account, reason, words string, pause time.Duration, closings int) error {
	if _, err := gs.pool.Exec(ctx, sqlCloseGate, account, reason, ledger.Storable(words), pause, closings); err != nil {
		return fmt.Errorf("close gate: %w", err)
	}
	return nil
}

// sqlOpenGate opens a gate that no person has paused; no row means that it was
// open, or is paused.
const sqlOpenGate = `
UPDATE gates
   SET reason = NULL, vendor_says = NULL, closed_at = NULL, probe_at = NULL, probing_until = NULL, closings = 0
 WHERE target = $1 AND reason IS NOT NULL AND reason <> 'paused'`

// OpenGate opens the account's gate for all workers, unless a person has
// paused the account.
func (gs *Gates) OpenGate(ctx context.Context, account string) error {
	if _, err := gs.pool.Exec(ctx, sqlOpenGate, account); err != nil {
		return fmt.Errorf("open gate: %w", err)
	}
	return nil
}

// sqlTakeProbe gives one worker the right to probe a closed gate. No row means
// that the probe is not due, or that another worker has it.
const sqlTakeProbe = `
UPDATE gates
   SET probing_until = now() + $2::interval
 WHERE target = $1 AND reason IS NOT NULL AND reason <> 'paused' AND probe_at <= now()
   AND (probing_until IS NULL OR probing_until <= now())`

// TakeProbe asks for the right to make the one call that probes a closed gate.
// It ends by itself after within, so that a killed worker blocks nobody.
func (gs *Gates) TakeProbe(ctx context.Context, account string, within time.Duration) (bool, error) {
	tag, err := gs.pool.Exec(ctx, sqlTakeProbe, account, within)
	if err != nil {
		return false, fmt.Errorf("take probe: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}

// sqlProbeNow brings a closed gate's probe forward; a pause that the vendor
// asked for, or a person, stays.
const sqlProbeNow = `
UPDATE gates
   SET probe_at = now()
 WHERE target = $1 AND reason IN ('unauthorised', 'suspicious_refusals', 'failing') AND probe_at > now()`

// ProbeNow lets a closed gate be probed at once. It is for a worker that
// starts: its configuration may be the mended one.
func (gs *Gates) ProbeNow(ctx context.Context, account string) error {
	if _, err := gs.pool.Exec(ctx, sqlProbeNow, account); err != nil {
		return fmt.Errorf("bring probe forward: %w", err)
	}
	return nil
}

// sqlDropProbe gives the right to probe back unused.
const sqlDropProbe = `UPDATE gates SET probing_until = NULL WHERE target = $1 AND probing_until IS NOT NULL`

// DropProbe gives the right to probe back, when there was nothing to call.
func (gs *Gates) DropProbe(ctx context.Context, account string) error {
	if _, err := gs.pool.Exec(ctx, sqlDropProbe, account); err != nil {
		return fmt.Errorf("give probe back: %w", err)
	}
	return nil
}
