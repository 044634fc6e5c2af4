package ledger

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"
)

// Names of actions in ops_actions. Others write there, too: ActionNames.
const (
	ActionReplay         = "replay"
	ActionVoid           = "void"
	ActionSettle         = "settle"
	ActionResolve        = "resolve"
	ActionPause          = "pause"
	ActionResume         = "resume"
	ActionCancel         = "cancel"
	ActionStream         = "stream"
	ActionRejectsRetry   = "rejects_retry"
	ActionRejectsDismiss = "rejects_dismiss"
	// ActionRecover is a worker's: it mended the ledger from the stream.
	ActionRecover = "recover"
)

// RecordedAction is a row of ops_actions: what a person did.
type RecordedAction struct {
	ID      int64     `json:"id"`
	At      time.Time `json:"at"`
	Actor   string    `json:"actor"`
	Action  string    `json:"action"`
	Filter  string    `json:"filter"`
	Reason  string    `json:"reason"`
	SetSize int64     `json:"set_size"`
	Result  string    `json:"result"`
}

// ActionFilter chooses among actions. The zero value chooses all.
type ActionFilter struct {
	Action, Actor string
	// Since and Until bound the time, Since included, Until not. The zero time
	// is no bound.
	Since, Until time.Time
	// Before is the id of the last action of the page before; 0 starts with
	// the newest.
	Before int64
	// Limit is the most actions to return, at least 1.
	Limit int
}

// sqlListActions is a page of what people did, newest first (ops_actions_pkey,
// read backwards). No rows means that nothing fits.
const sqlListActions = `
SELECT id, at, actor, action, filter, reason, set_size, result
  FROM ops_actions
 WHERE id < $1 AND ($2::text = '' OR action = $2) AND ($3::text = '' OR actor = $3)
   AND ($4::timestamptz IS NULL OR at >= $4) AND ($5::timestamptz IS NULL OR at < $5)
 ORDER BY id DESC
 LIMIT $6`

// ListActions returns what people did, newest first. more says that older ones
// fit, too.
func (s *Store) ListActions(ctx context.Context, f ActionFilter) (actions []RecordedAction, more bool, err error) {
	if f.Before == 0 {
		f.Before = math.MaxInt64
	}
	rows, err := s.pool.Query(ctx, sqlListActions, f.Before, f.Action, f.Actor, timeOrNull(f.Since), timeOrNull(f.Until), f.Limit+1)
	if err != nil {
		return nil, false, fmt.Errorf("list actions: %w", err)
	}
	actions, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (a RecordedAction, err error) {
		return a, row.Scan(&a.ID, &a.At, &a.Actor, &a.Action, &a.Filter, &a.Reason, &a.SetSize, &a.Result)
	})
	if err != nil {
		return nil, false, fmt.Errorf("list actions: %w", err)
	}
	if len(actions) > f.Limit {
		return actions[:f.Limit], true, nil
	}
	return actions, false, nil
}

// sqlActionNames reads all of ops_actions: people's acts are few.
const sqlActionNames = `SELECT DISTINCT action FROM ops_actions ORDER BY action`

// ActionNames are the kinds of actions that were ever recorded.
func (s *Store) ActionNames(ctx context.Context) ([]string, error) {
	rows, err := s.pool.Query(ctx, sqlActionNames)
	if err != nil {
		return nil, fmt.Errorf("read action names: %w", err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("read action names: %w", err)
	}
	return names, nil
}
