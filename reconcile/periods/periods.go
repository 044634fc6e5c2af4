package periods

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Periods are the periods of a ledger. It is safe for concurrent use.
type Periods struct {
	pool   *pgxpool.Pool
	checks []Check
	// within is how long a closing waits for transactions from before the lock.
	within time.Duration
}

// New returns the periods of the ledger on a pool. The checks are made beside those of
// what is open and what was rejected.
func New(pool *pgxpool.Pool, checks ...Check) *Periods {
	return &Periods{pool, checks, quietWithin}
}

// Span is the business dates of a period.
type Span struct {
	// After is the day before the first one; empty: from the beginning.
	After string `json:"after"`
	// Through is the last one, as 2026-11-30.
	Through string `json:"through"`
}

// Period is one that is not open.
type Period struct {
	Span
	// State is locked or closed.
	State string `json:"state"`
	// Zone is the time zone by which its days end.
	Zone   string  `json:"zone"`
	Locked Act     `json:"locked"`
	Closed *Closed `json:"closed"`
}

// Act is who did it, and when.
type Act struct {
	At     time.Time `json:"at"`
	Actor  string    `json:"actor"`
	Reason string    `json:"reason"`
	// DatabaseUser and Address are what the database knows of who it was; the address is
	// empty on a local socket.
	DatabaseUser string `json:"database_user"`
	Address      string `json:"address"`
}

// Closed is a closing.
type Closed struct {
	Act
	AnotherReopens bool      `json:"another_reopens"`
	Checks         []Finding `json:"checks"`
	// Totals are the balances of the accounts of the books then, members added up.
	Totals map[string]int64 `json:"totals"`
	// Open is what was carried forward.
	Open []Open `json:"open"`
	// Edited: the act in ops_actions, which is sealed, is of other totals than these.
	Edited bool `json:"edited"`
	// Differences names the accounts whose balance through that date is another one now:
	// somebody changed what was closed. Null: not asked for.
	Differences []Difference `json:"differences"`
}

// Open is what was accepted and had not ended, of one kind, for one reason.
type Open struct {
	Account    string `json:"account"`
	Kind       string `json:"kind"`
	Why        string `json:"why"`
	Operations int64  `json:"operations"`
	Points     int64  `json:"points"`
}

// Difference is a balance that is not what it was when the period was closed.
type Difference struct {
	Account string `json:"account"`
	// ClosedPoints is the balance then, Points the balance now.
	ClosedPoints int64 `json:"closed_points"`
	Points       int64 `json:"points"`
}

const sqlPeriods = `
SELECT p.through, p.begins_after, p.state, p.zone,
       l.at, l.actor, l.reason, l.db_user, COALESCE(host(l.address), ''),
       c.at, COALESCE(c.actor, ''), COALESCE(c.reason, ''), COALESCE(c.db_user, ''), COALESCE(host(c.address), ''),
       COALESCE(c.another_reopens, false), c.checks, c.totals, c.open,
       COALESCE(s.result NOT LIKE '%totals ' || encode(sha256(convert_to(c.totals::text, 'UTF8')), 'hex'), c.id IS NOT NULL)
  FROM periods p
  JOIN period_acts l ON l.id = p.lock_act
  LEFT JOIN period_acts c ON c.id = p.close_act
  LEFT JOIN ops_actions s ON s.id = c.action_id
 ORDER BY p.through DESC`

// sqlTotals is the balances through a date as they are now. It reads all of the books.
const sqlTotals = `SELECT points_ledger_totals($1::date)`

// List returns the periods that are locked or closed, the last first. With recount the
// totals of each closed one are worked out again, which reads all of the books each time.
func (p *Periods) List(ctx context.Context, recount bool) (list []Period, err error) {
	rows, err := p.pool.Query(ctx, sqlPeriods)
	if err != nil {
		return nil, fmt.Errorf("read periods: %w", err)
	}
	if list, err = pgx.CollectRows(rows, scanPeriod); err != nil {
		return nil, fmt.Errorf("read periods: %w", err)
	}
	if list == nil {
		list = []Period{}
	}
	for i := range list {
		if c := list[i].Closed; c != nil && recount {
			var text []byte
			var now map[string]int64
			if err := p.pool.QueryRow(ctx, sqlTotals, list[i].Through).Scan(&text); err != nil {
				return nil, fmt.Errorf("work out totals through %s: %w", list[i].Through, err)
			}
			if err := json.Unmarshal(text, &now); err != nil {
				return nil, fmt.Errorf("work out totals through %s: %w", list[i].Through, err)
			}
			c.Differences = differences(c.Totals, now)
		}
	}
	return list, nil
}

func scanPeriod(row pgx.CollectableRow) (p Period, err error) {
	var through time.Time
	var after, closedAt *time.Time
	var c Closed
	var checks, totals, open []byte
	err = row.Scan(&through, &after, &p.State, &p.Zone,
		&p.Locked.At, &p.Locked.Actor, &p.Locked.Reason, &p.Locked.DatabaseUser, &p.Locked.Address,
		&closedAt, &c.Actor, &c.Reason, &c.DatabaseUser, &c.Address, &c.AnotherReopens, &checks, &totals, &open, &c.Edited)
	if err != nil {
		return p, err
	}
	p.Locked.At = p.Locked.At.UTC()
	if p.Through = through.Format(time.DateOnly); after != nil {
		p.After = after.Format(time.DateOnly)
	}
	if closedAt == nil {
		return p, nil
	}
	c.At = closedAt.UTC()
	for text, into := range map[*[]byte]any{&checks: &c.Checks, &totals: &c.Totals, &open: &c.Open} {
		if err := json.Unmarshal(*text, into); err != nil {
			return p, err
		}
	}
	p.Closed = &c
	return p, nil
}

// differences compares balances by account; never nil.
func differences(was, is map[string]int64) []Difference {
	all := maps.Clone(was)
	maps.Copy(all, is)
	found := []Difference{}
	for _, account := range slices.Sorted(maps.Keys(all)) {
		if was[account] != is[account] {
			found = append(found, Difference{Account: account, ClosedPoints: was[account], Points: is[account]})
		}
	}
	return found
}
