package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// OpenOperation is one row of the outbox with the operation it stands for and
// what its last attempt came to.
type OpenOperation struct {
	ID      OperationID `json:"id"`
	Account string      `json:"account"`
	State   string      `json:"state"`
	Cause   string      `json:"cause"`
	InDoubt bool        `json:"in_doubt"`
	// Blocked is why it may not be sent again while in doubt, BlockedKeyMemory
	// or BlockedUnknownAccount, and empty when it may.
	Blocked string `json:"blocked"`
	// Attempts counts since the row was recorded or last put back.
	Attempts    int    `json:"attempts"`
	Kind        Kind   `json:"kind"`
	BizID       BizID  `json:"biz_id"`
	Reference   string `json:"reference"`
	BusinessKey string `json:"business_key"`
	// MemberID is empty while only MemberCode is known.
	MemberID   string    `json:"member_id"`
	MemberCode string    `json:"member_code"`
	Points     Points    `json:"points"`
	EventType  string    `json:"event_type"`
	EventTime  time.Time `json:"event_time"`
	RecordedAt time.Time `json:"recorded_at"`
	// FirstSentAt is nil for a row that was never sent.
	FirstSentAt *time.Time `json:"first_sent_at"`
	NextAt      time.Time  `json:"next_attempt_at"`
	// Outcome, VendorCode and VendorWords are the last attempt's; empty when
	// there was none.
	Outcome     string `json:"last_outcome"`
	VendorCode  string `json:"vendor_code"`
	VendorWords string `json:"vendor_message"`
}

// sqlListOpen is one page of the outbox in order of recording (outbox_pkey).
// Locks nothing; no rows means that nothing fits after the cursor $14.
const sqlListOpen = `
SELECT x.operation_id, x.target, x.state, COALESCE(x.cause, ''), x.in_doubt,` + openBlocked + `, x.attempts,
       o.kind, o.biz_id, o.reference, o.business_key, COALESCE(x.resolved_member_id, o.member_id, ''),
       COALESCE(o.member_code, ''), o.points, o.event_type, o.event_time, o.recorded_at, x.first_sent_at,
       x.next_attempt_at, COALESCE(last.outcome, ''), COALESCE(last.vendor_code, ''),
       COALESCE(last.vendor_message, last.error, '')` + openFrom + `
  LEFT JOIN LATERAL (SELECT a.outcome, a.vendor_code, a.vendor_message, a.error
                       FROM attempts a
                      WHERE a.operation_id = x.operation_id
                      ORDER BY a.id + 0 DESC
                      LIMIT 1) AS last ON true` + openWhere + `
   AND x.operation_id > $14::bigint
 ORDER BY x.operation_id
 LIMIT $15`

// sqlCountOpen counts what a filter chooses. The key memories are only there
// because openFrom reads them.
const sqlCountOpen = `SELECT count(*)` + openFrom + openWhere

// OpenPage is one page of a list.
type OpenPage struct {
	Operations []OpenOperation
	// Total counts everything that the filter chooses, other pages included.
	Total int64
	// More says that further operations follow the last one of this page.
	More bool
}

// ListOpen returns up to limit open operations recorded after the given one
// (0: from the start), in order of recording.
func (s *Store) ListOpen(ctx context.Context, f OpenFilter, memories []KeyMemory, after OperationID, limit int) (page OpenPage, err error) {
	args := f.args(memories)
	if err := s.pool.QueryRow(ctx, sqlCountOpen, args...).Scan(&page.Total); err != nil {
		return page, fmt.Errorf("count open operations: %w", err)
	}
	rows, err := s.pool.Query(ctx, sqlListOpen, append(args, int64(after), limit+1)...)
	if err != nil {
		return page, fmt.Errorf("list open operations: %w", err)
	}
	page.Operations, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (o OpenOperation, err error) {
		return o, row.Scan(&o.ID, &o.Account, &o.State, &o.Cause, &o.InDoubt, &o.Blocked, &o.Attempts, &o.Kind,
			&o.BizID, &o.Reference, &o.BusinessKey, &o.MemberID, &o.MemberCode, &o.Points, &o.EventType,
			&o.EventTime, &o.RecordedAt, &o.FirstSentAt, &o.NextAt, &o.Outcome, &o.VendorCode, &o.VendorWords)
	})
	if err != nil {
		return page, fmt.Errorf("list open operations: %w", err)
	}
	if len(page.Operations) > limit {
		page.Operations, page.More = page.Operations[:limit], true
	}
	return page, nil
}
