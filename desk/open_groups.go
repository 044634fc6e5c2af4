package desk

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"pointsledger/ledger"
	"pointsledger/ledger/gates"
)

// OpenGroup counts the open operations of one account, state and cause; of the
// parked ones those with one code.
type OpenGroup struct {
	Account string
	// State is pending, sending or parked.
	State ledger.State
	// Cause is why they are parked or wait again; empty for a first attempt.
	Cause ledger.Cause
	// Code is that of parked operations, as OpenFilter.Code chooses by it;
	// empty for the others.
	Code  string
	Count int64
	// InDoubt counts those that the vendor may have applied.
	InDoubt int64
	// Late counts rows that a worker should have taken a minute ago: due, or
	// their lease over.
	Late int64
	// ForOrigin and Held count waiting rows that are not due for anybody: until what
	// they take back from has ended, and until the time that their rule says.
	ForOrigin, Held int64
	// Bulk counts those of the bulk lane that are neither.
	Bulk int64
	// Oldest is when the oldest was recorded.
	Oldest time.Time
	// Call, VendorCode, VendorWords and Error are as in OpenOperation, of one of
	// them, the newest.
	Call        ledger.Call
	VendorCode  string
	VendorWords string
	Error       string
}

// sqlOpenGroups summarises the outbox, with one example of the vendor's words
// for each group (attempts_operation_id_idx). It looks for the code of parked
// rows only: their number is what people can deal with, a backlog's is not.
// Locks nothing; no rows means that nothing is open.
const sqlOpenGroups = `
SELECT g.target, g.state, g.cause, g.code, g.n, g.in_doubt, g.late, g.for_origin, g.held, g.bulk, g.oldest,
       COALESCE(said.call, ''), COALESCE(said.vendor_code, ''), COALESCE(said.vendor_message, ''), COALESCE(said.error, '')
  FROM (SELECT x.target, x.state, COALESCE(x.cause, '') AS cause,
               CASE WHEN x.state = 'parked' THEN` + openCode + ` ELSE '' END AS code, count(*) AS n,
               count(*) FILTER (WHERE x.in_doubt) AS in_doubt,
               count(*) FILTER (WHERE x.state = 'pending' AND x.waits_for IS NULL AND x.next_attempt_at < now() - interval '1 minute'
                                   OR x.state = 'sending' AND x.lease_until < now() - interval '1 minute') AS late,
               count(*) FILTER (WHERE x.state = 'pending' AND x.waits_for IS NOT NULL) AS for_origin,
               count(*) FILTER (WHERE x.state = 'pending' AND x.waits_for IS NULL AND x.held_until > now()) AS held,
               count(*) FILTER (WHERE x.bulk AND x.waits_for IS NULL AND (x.held_until > now()) IS NOT TRUE) AS bulk,
               min(o.recorded_at) AS oldest, max(x.operation_id) AS newest_id
          FROM outbox x
          JOIN operations o ON o.id = x.operation_id
         GROUP BY 1, 2, 3, 4) AS g
  LEFT JOIN LATERAL (SELECT` + attemptCall + ` AS call, a.vendor_code, a.vendor_message, a.error
                       FROM attempts a
                      WHERE a.operation_id = g.newest_id` + attemptCounts + `
                      ORDER BY a.id + 0 DESC
                      LIMIT 1) AS said ON true
 ORDER BY g.target, g.state, sum(g.n) OVER (PARTITION BY g.target, g.state, g.cause) DESC, g.cause, g.n DESC, g.code`

// OpenGroups summarises what is open, by account, state, cause and code, the
// most frequent cause first. An account without open operations is absent.
func (d *Desk) OpenGroups(ctx context.Context) ([]OpenGroup, error) {
	rows, err := d.pool.Query(ctx, sqlOpenGroups)
	if err != nil {
		return nil, fmt.Errorf("summarise outbox: %w", err)
	}
	groups, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (g OpenGroup, err error) {
		return g, row.Scan(&g.Account, &g.State, &g.Cause, &g.Code, &g.Count, &g.InDoubt, &g.Late, &g.ForOrigin, &g.Held, &g.Bulk, &g.Oldest,
			&g.Call, &g.VendorCode, &g.VendorWords, &g.Error)
	})
	if err != nil {
		return nil, fmt.Errorf("summarise outbox: %w", err)
	}
	return groups, nil
}

// ClosedGate is an account whose gate is closed: no call is made.
type ClosedGate struct {
	Account string
	gates.Gate
	ClosedAt time.Time
	ProbeAt  time.Time
	// Probing: a worker is making the probe now.
	Probing bool
}

// sqlClosedGates reads the gates that are closed; no rows means that all are
// open.
const sqlClosedGates = `
SELECT target, reason, COALESCE(vendor_says, ''), EXTRACT(epoch FROM now() - closed_at)::float8,
       EXTRACT(epoch FROM probe_at - now())::float8, closings, closed_at, probe_at, COALESCE(probing_until > now(), false)
  FROM gates
 WHERE reason IS NOT NULL
 ORDER BY target`

// ClosedGates reads the gates that are closed, by account.
func (d *Desk) ClosedGates(ctx context.Context) ([]ClosedGate, error) {
	rows, err := d.pool.Query(ctx, sqlClosedGates)
	if err != nil {
		return nil, fmt.Errorf("read closed gates: %w", err)
	}
	gates, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (g ClosedGate, err error) {
		var closedFor, probeIn float64
		err = row.Scan(&g.Account, &g.Reason, &g.Words, &closedFor, &probeIn, &g.Closings, &g.ClosedAt, &g.ProbeAt, &g.Probing)
		g.ClosedFor, g.ProbeIn = inSeconds(closedFor), inSeconds(probeIn)
		return g, err
	})
	if err != nil {
		return nil, fmt.Errorf("read closed gates: %w", err)
	}
	return gates, nil
}

func inSeconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
