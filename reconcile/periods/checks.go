package periods

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
)

// Check is something to be looked at before a period is closed.
type Check interface {
	// Look returns what it found, of any of the checks' names; nothing is good. An error
	// is a check that could not be made: nothing is closed.
	Look(ctx context.Context, s Span) ([]Finding, error)
}

// Finding is what a check found.
type Finding struct {
	Check string `json:"check"`
	// Account is the vendor account, where it is about one.
	Account string `json:"account"`
	// Count is how many operations, items, days or rows it is about.
	Count int64 `json:"count"`
	// Points is how many points are at stake; 0 where that is not known.
	Points int64 `json:"points"`
	// Blocks: it has to be mended, or explained, before the period is closed.
	Blocks bool `json:"blocks"`
	// Says is what it is about, where the name says too little.
	Says string `json:"says"`
}

// sqlOpenThrough sums up what was accepted through a date and has not ended. It reads the
// outbox, and looks each operation up in postings for the case that a row was lost.
const sqlOpenThrough = `
SELECT account, why, sum(operations)::bigint, sum(points)::bigint
  FROM jsonb_to_recordset(points_ledger_open_through($1::date)) AS t (account text, kind text, why text, operations bigint, points bigint)
 GROUP BY 1, 2`

// sqlRejectsThrough counts open rejects of events of these days, by the day that the event
// names or had; of one that cannot be read, the day on which it came. sqlSetZone has days
// end where the programme's do, within the transaction.
const (
	sqlSetZone        = `SELECT set_config('TimeZone', $1, true)`
	sqlRejectsThrough = `
SELECT count(*)
  FROM rejects
 WHERE resolved_at IS NULL AND points_ledger_event_day(payload, headers, broker_time) <= $1::date`
)

// openRejects counts them. It reads every reject that is open.
func (p *Periods) openRejects(ctx context.Context, s Span, zone string) (n int64, err error) {
	err = pgx.BeginTxFunc(ctx, p.pool, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, sqlSetZone, zone); err != nil {
			return err
		}
		return tx.QueryRow(ctx, sqlRejectsThrough, s.Through).Scan(&n)
	})
	if err != nil {
		return 0, fmt.Errorf("count open rejects: %w", err)
	}
	return n, nil
}

// look makes all checks. Findings are in the order of Names, then of accounts.
func (p *Periods) look(ctx context.Context, s Span, zone string, policy *Policy) ([]Finding, error) {
	rows, err := p.pool.Query(ctx, sqlOpenThrough, s.Through)
	if err != nil {
		return nil, fmt.Errorf("read what is open: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (f Finding, err error) {
		err = row.Scan(&f.Account, &f.Check, &f.Count, &f.Points)
		return f, err
	})
	if err != nil {
		return nil, fmt.Errorf("read what is open: %w", err)
	}
	rejects, err := p.openRejects(ctx, s, zone)
	if err != nil {
		return nil, err
	}
	if rejects > 0 {
		found = append(found, Finding{Check: Rejects, Count: rejects})
	}
	for _, c := range p.checks {
		more, err := c.Look(ctx, s)
		if err != nil {
			return nil, err
		}
		found = append(found, more...)
	}
	names := Names()
	for i := range found {
		found[i].Blocks = policy.blocks(found[i].Check)
	}
	slices.SortStableFunc(found, func(a, b Finding) int {
		if by := slices.Index(names, a.Check) - slices.Index(names, b.Check); by != 0 {
			return by
		}
		if a.Account < b.Account {
			return -1
		}
		return 1
	})
	if found == nil {
		found = []Finding{}
	}
	return found, nil
}
