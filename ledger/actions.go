package ledger

import (
	"context"
	"fmt"
	"strings"
)

// Action is something that a person did, for table ops_actions.
type Action struct {
	// Actor is who, Name what ("doctor"), Filter to what, and Reason why.
	// Actor and Reason may not be empty.
	Actor, Name, Filter, Reason string
	// SetSize is how many things it is about.
	SetSize int64
	// Result is what became of it. The row is never changed: an action that is
	// recorded before it is done says so here.
	Result string
}

// RecordAction keeps what a person does and returns the record's id.
func (s *Store) RecordAction(ctx context.Context, a Action) (id int64, err error) {
	if strings.TrimSpace(a.Actor) == "" || strings.TrimSpace(a.Reason) == "" {
		return 0, fmt.Errorf("record action: want an actor and a reason")
	}
	err = s.pool.QueryRow(ctx, sqlRecordAction, storable(a.Actor), a.Name, storable(a.Filter), storable(a.Reason),
		a.SetSize, storable(a.Result)).Scan(&id)
	if err != nil {
		return 0, fmt.Errorf("record action: %w", err)
	}
	return id, nil
}
