package desk

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"pointsledger/ledger"
)

// Act is a person's decision: who, and why. Neither may be empty.
type Decision struct{ Actor, Reason string }

func (d Decision) check() error {
	if strings.TrimSpace(d.Actor) == "" || strings.TrimSpace(d.Reason) == "" {
		return ErrNoReason
	}
	return nil
}

// recordTx keeps an act that was decided, and the operations that it changed.
func (d Decision) recordTx(ctx context.Context, tx pgx.Tx, a ledger.Act, changed ...ledger.OperationID) (id int64, err error) {
	a.Actor, a.Reason = d.Actor, d.Reason
	if id, err = ledger.RecordActOn(ctx, tx, a); err != nil {
		return 0, err
	}
	return id, ledger.RecordActedTx(ctx, tx, id, changed)
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

func standingTx(ctx context.Context, tx pgx.Tx, id ledger.OperationID) (st openStanding, err error) {
	err = tx.QueryRow(ctx, sqlStanding, int64(id)).Scan(&st.state, &st.inDoubt, &st.recorded, &st.code, &st.resolved)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return st, fmt.Errorf("there is no operation %d", id)
	case err != nil:
		return st, fmt.Errorf("read operation: %w", err)
	}
	return st, nil
}
