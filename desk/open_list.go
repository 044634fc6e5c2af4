package desk

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"pointsledger/ledger"
)

// OpenOperation is one row of the outbox with the operation it stands for and
// what its last attempt came to.
type OpenOperation struct {
	ID      ledger.OperationID `json:"id"`
	Account string             `json:"account"`
	State   ledger.State       `json:"state"`
	Cause   ledger.Cause       `json:"cause"`
	InDoubt bool               `json:"in_doubt"`
	// Blocked is why it may not be sent again while in doubt, BlockedKeyMemory
	// or BlockedUnknownAccount, and empty when it may.
	Blocked string `json:"blocked"`
	// Attempts counts since the row was recorded or last put back.
	Attempts    int          `json:"attempts"`
	Kind        ledger.Kind  `json:"kind"`
	BizID       ledger.BizID `json:"biz_id"`
	Reference   string       `json:"reference"`
	BusinessKey string       `json:"business_key"`
	// MemberID is empty while only MemberCode is known.
	MemberID   string        `json:"member_id"`
	MemberCode string        `json:"member_code"`
	Points     ledger.Points `json:"points"`
	EventType  string        `json:"event_type"`
	EventTime  time.Time     `json:"event_time"`
	RecordedAt time.Time     `json:"recorded_at"`
	// FirstSentAt is nil for a row that was never sent.
	FirstSentAt *time.Time `json:"first_sent_at"`
	NextAt      time.Time  `json:"next_attempt_at"`
	// Outcome, VendorCode and VendorWords are those of the last call for the points;
	// before there was one, of the last one that asked who the member is (Call says
	// which). Empty when there was none. What a reading of records was answered is
	// never among them. Error is our own words where the vendor gave none.
	Call        ledger.Call `json:"last_call"`
	Outcome     string      `json:"last_outcome"`
	VendorCode  string      `json:"vendor_code"`
	VendorWords string      `json:"vendor_message"`
	Error       string      `json:"error"`
	// FailedAt is when the last attempt of any kind was, nil when there was none.
	FailedAt *time.Time `json:"last_attempt_at"`

	EventSource string `json:"event_source"`
	// SourceType and PointsChannel are 0 for a freeze.
	SourceType    int    `json:"source_type"`
	PointsChannel int    `json:"points_channel"`
	ShopCode      string `json:"shop_code"`

	// order is its value in the order of the list.
	order int64
}

// OpenSort is an order of a list. Operations that are equal in it follow each
// other in order of recording.
type OpenSort string

const (
	// SortRecorded, the default (also ""): recorded first, first.
	SortRecorded OpenSort = "recorded"
	// SortDue: what is due for longest first.
	SortDue OpenSort = "due"
	// SortPoints: the most points first.
	SortPoints OpenSort = "points"
	// SortFailed: the newest failure first; what never failed comes last.
	SortFailed OpenSort = "failed"
)

// OpenCursor is a place in a list: behind the operation ID, whose value in the
// list's order is Order. The zero value is the start. An operation whose place
// changes between two pages may be on both, or on none; parked ones stay.
type OpenCursor struct {
	Order int64
	ID    ledger.OperationID
}

// OpenList says which page of a list to read.
type OpenList struct {
	Sort  OpenSort
	After OpenCursor
	// Limit is the most operations of the page, at least 1.
	Limit int
}

// addTo adds the parameters of sqlListOpen to those of the filter.
func (l *OpenList) addTo(args pgx.StrictNamedArgs) {
	order := l.After.Order
	if l.After.ID == 0 {
		order = math.MinInt64
	}
	args["sort"], args["after_order"], args["after_id"], args["limit"] = string(l.Sort), order, int64(l.After.ID), l.Limit+1
}

// sqlListOpen is one page of the outbox in the order @sort, behind the place
// (@after_order, @after_id). In order of recording it walks along outbox_pkey; other orders
// sort all that the filter chooses. Locks nothing; no rows means that nothing
// fits behind that place.
const sqlListOpen = `
SELECT *
  FROM (SELECT x.operation_id, x.target, x.state, COALESCE(x.cause, ''), x.in_doubt,` + openBlocked + `, x.attempts,
               o.kind, o.biz_id, o.reference, o.business_key, COALESCE(x.resolved_member_id, o.member_id, ''),
               COALESCE(o.member_code, ''), COALESCE(x.points, o.points), o.event_type, o.event_time, o.recorded_at, x.first_sent_at,
               x.next_attempt_at, COALESCE(said.call, ''), COALESCE(said.outcome, ''), COALESCE(said.vendor_code, ''),
               COALESCE(said.vendor_message, ''), COALESCE(said.error, ''), last.at, o.event_source, COALESCE(o.source_type, 0),
               COALESCE(o.points_channel, 0), COALESCE(o.shop_code, ''),
               CASE @sort::text WHEN 'due' THEN (EXTRACT(epoch FROM x.next_attempt_at) * 1000000)::bigint
                              WHEN 'points' THEN -COALESCE(x.points, o.points)
                              WHEN 'failed' THEN -COALESCE((EXTRACT(epoch FROM last.at) * 1000000)::bigint, 0)
                              ELSE 0 END AS place` + openFrom + `
          LEFT JOIN LATERAL (SELECT` + attemptCall + ` AS call, a.outcome, a.vendor_code, a.vendor_message, a.error
                               FROM attempts a
                              WHERE a.operation_id = x.operation_id` + attemptCounts + `
                              ORDER BY a.id + 0 DESC
                              LIMIT 1) AS said ON true
          LEFT JOIN LATERAL (SELECT a.at
                               FROM attempts a
                              WHERE a.operation_id = x.operation_id
                              ORDER BY a.id + 0 DESC
                              LIMIT 1) AS last ON true` + openWhere + `) AS chosen
 WHERE (place, operation_id) > (@after_order::bigint, @after_id::bigint)
 ORDER BY place, operation_id
 LIMIT @limit`

// sqlCountOpen counts what a filter chooses. The key memories are only there
// because openFrom reads them.
const sqlCountOpen = `SELECT count(*)` + openFrom + openWhere

// OpenPage is one page of a list.
type OpenPage struct {
	Operations []OpenOperation
	// Total counts everything that the filter chooses, other pages included.
	Total int64
	// More says that further operations follow the last one of this page, and
	// Next is the place behind it.
	More bool
	Next OpenCursor
}

// ListOpen returns a page of the open operations that a filter chooses.
func (d *Desk) ListOpen(ctx context.Context, f OpenFilter, memories []KeyMemory, l OpenList) (page OpenPage, err error) {
	args := f.args(memories)
	if err := d.pool.QueryRow(ctx, sqlCountOpen, args).Scan(&page.Total); err != nil {
		return page, fmt.Errorf("count open operations: %w", err)
	}
	l.addTo(args)
	rows, err := d.pool.Query(ctx, sqlListOpen, args)
	if err != nil {
		return page, fmt.Errorf("list open operations: %w", err)
	}
	page.Operations, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (o OpenOperation, err error) {
		return o, row.Scan(&o.ID, &o.Account, &o.State, &o.Cause, &o.InDoubt, &o.Blocked, &o.Attempts, &o.Kind,
			&o.BizID, &o.Reference, &o.BusinessKey, &o.MemberID, &o.MemberCode, &o.Points, &o.EventType,
			&o.EventTime, &o.RecordedAt, &o.FirstSentAt, &o.NextAt, &o.Call, &o.Outcome, &o.VendorCode, &o.VendorWords,
			&o.Error, &o.FailedAt, &o.EventSource, &o.SourceType, &o.PointsChannel, &o.ShopCode, &o.order)
	})
	if err != nil {
		return page, fmt.Errorf("list open operations: %w", err)
	}
	if len(page.Operations) > l.Limit {
		page.Operations, page.More = page.Operations[:l.Limit], true
	}
	if n := len(page.Operations); n > 0 {
		page.Next = OpenCursor{Order: page.Operations[n-1].order, ID: page.Operations[n-1].ID}
	}
	return page, nil
}
