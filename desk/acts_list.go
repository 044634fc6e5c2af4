package desk

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"
)

// Names of acts in ops_actions. Others write there, too: ActNames.
const (
	ActReplay         = "replay"
	ActVoid           = "void"
	ActSettle         = "settle"
	ActSettleWork     = "settle_work"
	ActResolve        = "resolve"
	ActPause          = "pause"
	ActResume         = "resume"
	ActCancel         = "cancel"
	ActStream         = "stream"
	ActRejectsRetry   = "rejects_retry"
	ActRejectsDismiss = "rejects_dismiss"
)

// RecordedAct is a row of ops_actions: what a person did.
type RecordedAct struct {
	ID      int64     `json:"id"`
	At      time.Time `json:"at"`
	Actor   string    `json:"actor"`
	Name    string    `json:"action"`
	Filter  string    `json:"filter"`
	Reason  string    `json:"reason"`
	SetSize int64     `json:"set_size"`
	Result  string    `json:"result"`
}

// ActFilter chooses among acts. The zero value chooses all.
type ActFilter struct {
	Name, Actor string
	// Since and Until bound the time, Since included, Until not. The zero time
	// is no bound.
	Since, Until time.Time
	// Before is the id of the last act of the page before; 0 starts with
	// the newest.
	Before int64
	// Limit is the most acts to return, at least 1.
	Limit int
}

// sqlListActs is a page of what people did, newest first (ops_actions_pkey,
// read backwards). No rows means that nothing fits.
const sqlListActs = `
SELECT id, at, actor, action, filter, reason, set_size, result
  FROM ops_actions
 WHERE id < $1 AND ($2::text = '' OR action = $2) AND ($3::text = '' OR actor = $3)
   AND ($4::timestamptz IS NULL OR at >= $4) AND ($5::timestamptz IS NULL OR at < $5)
 ORDER BY id DESC
 LIMIT $6`

// ListActions returns what people did, newest first. more says that older ones
// fit, too.
func (d *Desk) ListActs(ctx context.Context, f ActFilter) (acts []RecordedAct, more bool, err error) {
	if f.Before == 0 {
		f.Before = math.MaxInt64
	}
	rows, err := d.pool.Query(ctx, sqlListActs, f.Before, f.Name, f.Actor, timeOrNull(f.Since), timeOrNull(f.Until), f.Limit+1)
	if err != nil {
		return nil, false, fmt.Errorf("list actions: %w", err)
	}
	acts, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (a RecordedAct, err error) {
		return a, row.Scan(&a.ID, &a.At, &a.Actor, &a.Name, &a.Filter, &a.Reason, &a.SetSize, &a.Result)
	})
	if err != nil {
		return nil, false, fmt.Errorf("list actions: %w", err)
	}
	if len(acts) > f.Limit {
		return acts[:f.Limit], true, nil
	}
	return acts, false, nil
}

// sqlActNames reads all of ops_actions: people's acts are few.
const sqlActNames = `SELECT DISTINCT action FROM ops_actions ORDER BY action`

// ActNames are the kinds of acts that were ever recorded.
func (d *Desk) ActNames(ctx context.Context) ([]string, error) {
	rows, err := d.pool.Query(ctx, sqlActNames)
	if err != nil {
		return nil, fmt.Errorf("read action names: %w", err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("read action names: %w", err)
	}
	return names, nil
}
