package gates

import (
	"context"
	"fmt"
	"time"
)

// sqlReserveSlots moves the account's next free time on by the calls reserved,
// and answers in how long the first may start. All workers move the same row,
// so their calls together keep the rate.
const sqlReserveSlots = `
INSERT INTO gates AS g (target, next_slot_at) VALUES ($1, now() + $2::interval)
ON CONFLICT (target) DO UPDATE SET next_slot_at = GREATEST(g.next_slot_at, now()) + $2::interval
RETURNING EXTRACT(epoch FROM g.next_slot_at - $2::interval - now())::float8`

// sqlReserveCallSlots is sqlReserveSlots for a call with a rate of its own
// (call_slots_pkey).
const sqlReserveCallSlots = `
INSERT INTO call_slots AS s (target, call, next_slot_at) VALUES ($1, $2, now() + $3::interval)
ON CONFLICT (target, call) DO UPDATE SET next_slot_at = GREATEST(s.next_slot_at, now()) + $3::interval
RETURNING EXTRACT(epoch FROM s.next_slot_at - $3::interval - now())::float8`

// ReserveSlots reserves calls that together take the given time at their rate,
// and says in how long the first of them may start. call names the one that has
// the rate; empty is the rate over all of the account's calls.
func (gs *Gates) ReserveSlots(ctx context.Context, account, call string, take time.Duration) (time.Duration, error) {
	sql, args := sqlReserveSlots, []any{account, take}
	if call != "" {
		sql, args = sqlReserveCallSlots, []any{account, call, take}
	}
	var in float64
	if err := gs.pool.QueryRow(ctx, sql, args...).Scan(&in); err != nil {
		return 0, fmt.Errorf("reserve calls: %w", err)
	}
	return max(0, seconds(in)), nil
}
