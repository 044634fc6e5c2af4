package periods

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Closing is a wish to close all business dates through one day.
type Closing struct {
	// Through is the last business date, as 2026-11-30.
	Through string
	Actor   string
	// Reason is why it is closed although something is open; needed with warnings alone.
	Reason string
	// Zone is the programme's time zone; it counts for the first lock, after which a
	// ledger has one.
	Zone   string
	Policy Policy
	// LockOnly: late events are booked on the first open date from now on, and nothing is
	// closed. PreviewOnly: nothing is changed.
	LockOnly, PreviewOnly bool
}

// Outcome is what became of a closing.
type Outcome struct {
	Span
	// State is open, locked or closed.
	State string `json:"state"`
	// Findings is what the checks found; the closing happened unless one blocks.
	Findings []Finding `json:"findings"`
	// Open is what is carried forward.
	Open []Open `json:"open"`
	// Totals are the balances through that date.
	Totals map[string]int64 `json:"totals"`
}

// Blocked tells that something must be mended or explained first.
func (o *Outcome) Blocked() bool {
	return slices.ContainsFunc(o.Findings, func(f Finding) bool { return f.Blocks })
}

// Warned tells that something is open that does not block.
func (o *Outcome) Warned() bool {
	return slices.ContainsFunc(o.Findings, func(f Finding) bool { return !f.Blocks })
}

// sqlPeriodOf is where a closing through a date begins, and its state; the date after
// which it would begin if it is open.
const sqlPeriodOf = `
SELECT COALESCE(p.begins_after, (SELECT max(q.through) FROM periods q WHERE q.through < $1::date)), COALESCE(p.state, 'open'), points_ledger_zone(),
       EXISTS (SELECT 1 FROM period_acts)
  FROM (SELECT 1) AS one
  LEFT JOIN periods p ON p.through = $1::date`

// sqlAct is an act; the database decides whether it is one, and fills in the rest.
const sqlAct = `
INSERT INTO period_acts (id, act, through, at, actor, reason, zone, db_user, another_reopens, checks, action_id)
VALUES (0, $1, $2, now(), $3, $4, $5, session_user, $6, $7, 0)`

// Close locks the dates through one day, waits until what may not have seen the lock has
// ended, makes the checks and, when none blocks, closes. A period that was locked before
// is gone on with. It returns ErrOutOfOrder, ErrBusy or ErrReasonNeeded, beside what was
// found; a closing that is blocked is no error.
func (p *Periods) Close(ctx context.Context, c Closing) (o Outcome, err error) {
	o.Through = c.Through
	var after *time.Time
	var zone string
	var fixed bool
	if err := p.pool.QueryRow(ctx, sqlPeriodOf, c.Through).Scan(&after, &o.State, &zone, &fixed); err != nil {
		return o, fmt.Errorf("read period: %w", err)
	}
	if after != nil {
		o.After = after.Format(time.DateOnly)
	}
	if fixed {
		c.Zone = zone
	}
	if o.State == "closed" {
		return o, fmt.Errorf("%w: the period through %s is closed already", ErrOutOfOrder, c.Through)
	}
	if o.State == "open" && !c.PreviewOnly {
		if err := p.act(ctx, "lock", c.Through, c.Actor, c.Reason, c.Zone, false, nil); err != nil {
			return o, err
		}
		o.State = "locked"
	}
	if c.LockOnly {
		return o, nil
	}
	if !c.PreviewOnly {
		if err := p.quiet(ctx); err != nil {
			return o, err
		}
	}
	if o.Findings, err = p.look(ctx, o.Span, c.Zone, &c.Policy); err != nil {
		return o, err
	}
	switch {
	case c.PreviewOnly || o.Blocked():
		return o, p.totals(ctx, sqlStanding, &o)
	case o.Warned() && c.Reason == "":
		return o, cmp.Or(p.totals(ctx, sqlStanding, &o), ErrReasonNeeded)
	}
	if err := p.act(ctx, "close", c.Through, c.Actor, c.Reason, c.Zone, c.Policy.AnotherReopens, o.Findings); err != nil {
		return o, err
	}
	o.State = "closed"
	return o, p.totals(ctx, sqlClosed, &o)
}

// sqlWriters is who is writing to the books; sqlStillWriting says whether one of them has
// not ended.
const (
	sqlWriters      = `SELECT points_ledger_writers()`
	sqlStillWriting = `SELECT $1::text[] && points_ledger_writers()`
)

// quietWithin bounds how long one waits for transactions from before a lock; those of the
// ledger end within a minute.
const quietWithin = 90 * time.Second

// quiet waits until everything that is writing to the books has ended.
func (p *Periods) quiet(ctx context.Context) error {
	var writers []string
	if err := p.pool.QueryRow(ctx, sqlWriters).Scan(&writers); err != nil {
		return fmt.Errorf("wait for transactions from before the lock: %w", err)
	}
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for until := time.Now().Add(p.within); ; {
		var writing bool
		if err := p.pool.QueryRow(ctx, sqlStillWriting, writers).Scan(&writing); err != nil {
			return fmt.Errorf("wait for transactions from before the lock: %w", err)
		}
		if !writing {
			return nil
		}
		if time.Now().After(until) {
			return ErrBusy
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// sqlStanding is what stands on the books through a date, and what is open of it: it reads
// all of the books. sqlClosed is what the closing of a date kept of that.
const (
	sqlStanding = `SELECT points_ledger_totals($1::date), points_ledger_open_through($1::date)`
	sqlClosed   = `SELECT c.totals, c.open FROM periods p JOIN period_acts c ON c.id = p.close_act WHERE p.through = $1::date`
)

func (p *Periods) totals(ctx context.Context, sql string, o *Outcome) error {
	var totals, open []byte
	err := p.pool.QueryRow(ctx, sql, o.Through).Scan(&totals, &open)
	if err == nil {
		err = errors.Join(json.Unmarshal(totals, &o.Totals), json.Unmarshal(open, &o.Open))
	}
	if err != nil {
		return fmt.Errorf("work out totals through %s: %w", o.Through, err)
	}
	return nil
}

// sqlZone is the time zone by which the ledger's days end.
const sqlZone = `SELECT points_ledger_zone()`

// Reopen opens the last period again, locked or closed. It returns ErrOutOfOrder for
// another one, and ErrSameHand when another database user has to do it.
func (p *Periods) Reopen(ctx context.Context, through, actor, reason string) error {
	var zone string
	if err := p.pool.QueryRow(ctx, sqlZone).Scan(&zone); err != nil {
		return fmt.Errorf("read period: %w", err)
	}
	return p.act(ctx, "reopen", through, actor, reason, zone, false, nil)
}

func (p *Periods) act(ctx context.Context, act, through, actor, reason, zone string, another bool, findings []Finding) error {
	if findings == nil {
		findings = []Finding{}
	}
	checks, err := json.Marshal(findings)
	if err != nil {
		return fmt.Errorf("%s period through %s: %w", act, through, err)
	}
	// A login that reads alone by default may close all the same.
	err = pgx.BeginTxFunc(ctx, p.pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadWrite}, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, sqlAct, act, through, actor, reason, zone, another, checks)
		return err
	})
	if err == nil {
		return nil
	}
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		switch refused.Code {
		case "PLP01":
			return fmt.Errorf("%w: %s", ErrOutOfOrder, refused.Message)
		case "PLP02":
			return ErrBusy
		case "PLP03":
			return fmt.Errorf("%w: %s", ErrSameHand, refused.Message)
		}
	}
	return fmt.Errorf("%s period through %s: %w", act, through, err)
}
