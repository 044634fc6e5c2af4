package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Act is a person's decision: who, and why. Neither may be empty.
type Act struct{ Actor, Reason string }

// actBatch bounds the parameters of one statement: 16 kB.
const actBatch = 2000

var errNobodyActs = errors.New("want an actor and a reason")

func (a Act) check() error {
	if strings.TrimSpace(a.Actor) == "" || strings.TrimSpace(a.Reason) == "" {
		return errNobodyActs
	}
	return nil
}

// recordActTx keeps an act, and the operations that it changed.
func recordActTx(ctx context.Context, tx pgx.Tx, a Action, changed []int64) (id int64, err error) {
	err = tx.QueryRow(ctx, sqlRecordAction, storable(a.Actor), a.Name, storable(a.Filter), storable(a.Reason),
		a.SetSize, storable(a.Result)).Scan(&id)
	if err != nil {
		return 0, fmt.Errorf("record action: %w", err)
	}
	for batch := range slices.Chunk(changed, actBatch) {
		if _, err := tx.Exec(ctx, sqlRecordActed, id, batch); err != nil {
			return 0, fmt.Errorf("record operations of action: %w", err)
		}
	}
	return id, nil
}

// NotParkedError is returned when an act wants a parked row and there is none:
// nothing was changed.
type NotParkedError struct {
	ID OperationID
	// State is pending, sending, posted, voided or "nothing to send", and
	// parked when the row was parked but not fit for the act; Why says why not.
	State string
	Why   string
}

func (e *NotParkedError) Error() string {
	if e.Why != "" {
		return fmt.Sprintf("operation %d: %s", e.ID, e.Why)
	}
	return fmt.Sprintf("operation %d is not parked but %s", e.ID, e.State)
}

// openStanding is what stands in the way of an act on one operation.
type openStanding struct {
	state                    string
	inDoubt                  bool
	recorded, code, resolved string
}

// sqlStanding reads where an operation stands now (primary keys). No row means
// that there is no such operation.
const sqlStanding = `
SELECT COALESCE(x.state, p.kind, 'nothing to send'), COALESCE(x.in_doubt, false), COALESCE(o.member_id, ''),
       COALESCE(o.member_code, ''), COALESCE(x.resolved_member_id, '')
  FROM operations o
  LEFT JOIN outbox x ON x.operation_id = o.id
  LEFT JOIN postings p ON p.operation_id = o.id
 WHERE o.id = $1`

func standingTx(ctx context.Context, tx pgx.Tx, id OperationID) (st openStanding, err error) {
	err = tx.QueryRow(ctx, sqlStanding, int64(id)).Scan(&st.state, &st.inDoubt, &st.recorded, &st.code, &st.resolved)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return st, fmt.Errorf("there is no operation %d", id)
	case err != nil:
		return st, fmt.Errorf("read operation: %w", err)
	}
	return st, nil
}
