package desk

import (
	"context"
	"fmt"
	"time"

	"pointsledger/ledger"
)

// Status is one operation with what has become of it (view operation_status).
type Status struct {
	ID          ledger.OperationID `json:"id"`
	Account     string             `json:"account"`
	Kind        ledger.Kind        `json:"kind"`
	BizID       ledger.BizID       `json:"biz_id"`
	Reference   string             `json:"reference"`
	BusinessKey string             `json:"business_key"`
	// MemberID is empty while it is not known.
	MemberID    string          `json:"member_id"`
	Points      ledger.Points   `json:"points"`
	EventType   string          `json:"event_type"`
	EventSource string          `json:"event_source"`
	RecordedAt  time.Time       `json:"recorded_at"`
	State       string          `json:"state"`
	Cause       ledger.Cause    `json:"cause,omitempty"`
	InDoubt     bool            `json:"in_doubt"`
	Attempts    int             `json:"attempts"`
	PostedAt    *time.Time      `json:"posted_at,omitempty"`
	Evidence    ledger.Evidence `json:"evidence,omitempty"`
}

// sqlEachOperation lists everything, in order of recording.
const sqlEachOperation = `
SELECT id, target, kind, biz_id, reference, business_key, COALESCE(member_id, ''), points, event_type, event_source,
       recorded_at, state, COALESCE(cause, ''), in_doubt, attempts, posted_at, COALESCE(evidence, '')
  FROM operation_status
 ORDER BY id`

// EachOperation calls f for every operation of the ledger, in order, until f
// returns an error. It holds one row at a time.
func (d *Desk) EachOperation(ctx context.Context, f func(Status) error) error {
	rows, err := d.pool.Query(ctx, sqlEachOperation)
	if err != nil {
		return fmt.Errorf("list operations: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		st, err := scanStatus(rows)
		if err != nil {
			return fmt.Errorf("list operations: %w", err)
		}
		if err := f(st); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("list operations: %w", err)
	}
	return nil
}

// scanStatus reads a row of the columns that sqlEachOperation selects.
func scanStatus(row interface{ Scan(...any) error }) (st Status, err error) {
	err = row.Scan(&st.ID, &st.Account, &st.Kind, &st.BizID, &st.Reference, &st.BusinessKey, &st.MemberID, &st.Points,
		&st.EventType, &st.EventSource, &st.RecordedAt, &st.State, &st.Cause, &st.InDoubt, &st.Attempts, &st.PostedAt,
		&st.Evidence)
	return st, err
}
