package desk

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"pointsledger/ledger"
)

// OperationDetail is everything that the ledger knows of one operation.
type OperationDetail struct {
	ID      ledger.OperationID `json:"id"`
	Account string             `json:"account"`
	Kind    ledger.Kind        `json:"kind"`
	BizID   ledger.BizID       `json:"biz_id"`
	// Origin is the dedup key of the operation that this one takes back; empty for what gives.
	Origin      ledger.BizID `json:"origin_biz_id,omitempty"`
	Reference   string       `json:"reference"`
	BusinessKey string       `json:"business_key"`
	// MemberID is as recorded, else as resolved, else as posted.
	MemberID      string        `json:"member_id"`
	MemberCode    string        `json:"member_code"`
	Points        ledger.Points `json:"points"`
	SourceType    int           `json:"source_type"`
	PointsChannel int           `json:"points_channel"`
	Reason        string        `json:"reason"`
	BusinessDate  string        `json:"business_date"`
	ShopCode      string        `json:"shop_code"`
	AmountFen     *int64        `json:"amount_fen"`

	EventSource  string    `json:"event_source"`
	EventID      string    `json:"event_id"`
	EventType    string    `json:"event_type"`
	EventTime    time.Time `json:"event_time"`
	EventSubject string    `json:"event_subject"`
	StreamSeq    int64     `json:"stream_seq"`
	BrokerTime   time.Time `json:"broker_time"`
	// Content is the event's declared fields, canonical JSON.
	Content    string    `json:"content"`
	RecordedAt time.Time `json:"recorded_at"`

	MappingVersion string `json:"mapping_version"`
	// MappingFirstUsed is nil when the rule file is not in table mappings.
	MappingFirstUsed *time.Time `json:"mapping_first_used_at"`

	// Open is nil when the operation has no outbox row.
	Open *OpenState `json:"open"`
	// OverBudget is nil unless it was parked when it was recorded.
	OverBudget *BudgetExcess `json:"over_budget,omitempty"`
	// TakesFrom is what it takes back from, nil for what gives; TakenBack is what takes
	// back from it.
	TakesFrom *Reversal  `json:"takes_from,omitempty"`
	TakenBack []Reversal `json:"taken_back,omitempty"`
	// Posting is nil while the operation has not ended.
	Posting *PostingDetail `json:"posting"`
	// Attempts are the last ones that did not post, oldest first; Earlier
	// counts those before them.
	Attempts        []AttemptDetail `json:"attempts"`
	EarlierAttempts int             `json:"earlier_attempts"`
	// Actions are what people did to it, oldest first.
	Acts []ActDetail `json:"actions"`
	// FoundBy says what the text of Find was of this operation.
	FoundBy FoundBy `json:"found_by"`
}

// ActDetail is an act of a person that changed an operation.
type ActDetail struct {
	ID int64     `json:"id"`
	At time.Time `json:"at"`
	// Name is one of the names of acts, such as ActReplay.
	Name   string `json:"action"`
	Actor  string `json:"actor"`
	Reason string `json:"reason"`
	// Result is what came of it, for all the operations that it was about.
	Result string `json:"result"`
}

// FoundBy is what a text was of an operation that Find found.
type FoundBy string

// What Find looks for, in the order of its answer.
const (
	ByBusinessKey FoundBy = "order number"
	ByID          FoundBy = "id"
	ByBizID       FoundBy = "dedup key"
	ByReference   FoundBy = "reference"
)

// OpenState is an operation's outbox row.
type OpenState struct {
	State       ledger.State `json:"state"`
	Cause       ledger.Cause `json:"cause"`
	InDoubt     bool         `json:"in_doubt"`
	Blocked     string       `json:"blocked"`
	Attempts    int          `json:"attempts"`
	FirstSentAt *time.Time   `json:"first_sent_at"`
	NextAt      time.Time    `json:"next_attempt_at"`
	// LeaseUntil is nil unless the row is being sent.
	LeaseUntil *time.Time `json:"lease_until"`
	// WaitsFor is the operation that must have ended before; 0 is none. HeldUntil is nil
	// unless it is held.
	WaitsFor  ledger.OperationID `json:"waits_for_operation,omitempty"`
	HeldUntil *time.Time         `json:"held_until,omitempty"`
	// Shape is the registered text of the request shape that its attempts have;
	// empty when it has none yet, or its account has none.
	Shape string `json:"request_shape,omitempty"`
}

// PostingDetail is how an operation ended.
type PostingDetail struct {
	// Kind is posted or voided.
	Kind        ledger.PostingKind `json:"kind"`
	Evidence    ledger.Evidence    `json:"evidence"`
	MemberID    string             `json:"member_id"`
	Attempts    int                `json:"attempts"`
	HTTPStatus  int                `json:"http_status"`
	VendorCode  string             `json:"vendor_code"`
	VendorWords string             `json:"vendor_message"`
	PostedAt    time.Time          `json:"posted_at"`
	// Correction is nil unless the vendor applied what was voided.
	Correction *CorrectionDetail `json:"correction"`
}

// CorrectionDetail says that a void was not so (table corrections).
type CorrectionDetail struct {
	// Kind is applied_after_void.
	Kind        string          `json:"kind"`
	Evidence    ledger.Evidence `json:"evidence"`
	MemberID    string          `json:"member_id"`
	HTTPStatus  int             `json:"http_status"`
	VendorCode  string          `json:"vendor_code"`
	VendorWords string          `json:"vendor_message"`
	CorrectedAt time.Time       `json:"corrected_at"`
}

// AttemptDetail is one attempt that did not post. The words are those of Call.
type AttemptDetail struct {
	At          time.Time   `json:"at"`
	Call        ledger.Call `json:"call"`
	Outcome     string      `json:"outcome"`
	HTTPStatus  int         `json:"http_status"`
	VendorCode  string      `json:"vendor_code"`
	VendorWords string      `json:"vendor_message"`
	Error       string      `json:"error"`
	DurationMs  int         `json:"duration_ms"`
}

// maxFound bounds Find: an order has a few operations, one for each account
// and leg. maxAttemptsShown bounds the attempts of each; its actions are few,
// as each is one that a person gave a reason for.
const (
	maxFound         = 50
	maxAttemptsShown = 100
)

// sqlFindByKey reads by operations_business_key_idx, sqlFindByID by
// operations_pkey.
const (
	sqlFindByKey = `SELECT id FROM operations WHERE business_key = $1 ORDER BY id LIMIT $2`
	sqlFindByID  = `SELECT id FROM operations WHERE id = $1 LIMIT $2`
)

// sqlFindByBizID reads the whole of operations_one_per_key, as the account is
// not known, and sqlFindByReference the whole table: no index serves a rare
// question that may take a second per ten million operations.
const (
	sqlFindByBizID     = `SELECT id FROM operations WHERE biz_id = $1 ORDER BY id LIMIT $2`
	sqlFindByReference = `SELECT id FROM operations WHERE reference = $1 ORDER BY id LIMIT $2`
)

// sqlOperationDetail reads operations by id with what became of them (primary
// keys). No row means that no operation has the id.
const sqlOperationDetail = `
SELECT o.id, o.target, o.kind, o.biz_id, o.reference, o.business_key,
       COALESCE(o.member_id, x.resolved_member_id, p.member_id, ''), COALESCE(o.member_code, ''), COALESCE(p.points, x.points, o.points),
       COALESCE(o.source_type, 0), COALESCE(o.points_channel, 0), o.reason, to_char(o.business_date, 'YYYY-MM-DD'),
       COALESCE(o.shop_code, ''), o.amount_fen, o.event_source, o.event_id, o.event_type, o.event_time,
       o.event_subject, o.stream_seq, o.broker_time, o.data, o.recorded_at, o.mapping_version, m.first_used_at,
       x.state, COALESCE(x.cause, ''), COALESCE(x.in_doubt, false),` + openBlocked + `, COALESCE(x.attempts, 0),
       x.first_sent_at, x.next_attempt_at, x.lease_until, COALESCE(x.waits_for, 0), x.held_until, COALESCE(s.shape, ''),
       p.kind, COALESCE(p.evidence, ''), COALESCE(p.member_id, ''), COALESCE(p.attempts, 0),
       COALESCE(p.http_status, 0), COALESCE(p.vendor_code, ''), COALESCE(p.vendor_message, ''), p.posted_at, COALESCE(g.biz_id, '')
  FROM operations o
  LEFT JOIN outbox x ON x.operation_id = o.id
  LEFT JOIN postings p ON p.operation_id = o.id
  LEFT JOIN mappings m ON m.version = o.mapping_version
  LEFT JOIN request_shapes s ON s.hash = x.shape
  LEFT JOIN reversals r ON r.operation_id = o.id
  LEFT JOIN operations g ON g.id = r.origin_id
  LEFT JOIN unnest($1::text[], $2::bigint[]) AS memory (account, ms) ON memory.account = o.target
 WHERE o.id = ANY ($3::bigint[])
 ORDER BY o.id`

// sqlAttempts reads the last attempts of operations (attempts_operation_id_idx),
// and how many each had in all. No rows means that none failed to post.
const sqlAttempts = `
SELECT operation_id, at,` + attemptCall + `, outcome, COALESCE(http_status, 0), COALESCE(vendor_code, ''), COALESCE(vendor_message, ''),
       COALESCE(error, ''), duration_ms, n
  FROM (SELECT a.*, row_number() OVER (PARTITION BY operation_id ORDER BY id DESC) AS newest,
               count(*) OVER (PARTITION BY operation_id) AS n
          FROM attempts a
         WHERE operation_id = ANY ($1::bigint[])) AS a
 WHERE newest <= $2
 ORDER BY operation_id, id`

// sqlActs reads what people did to operations (action_operations_pkey). No
// rows means that nobody did anything.
const sqlActs = `
SELECT ao.operation_id, a.id, a.at, a.action, a.actor, a.reason, a.result
  FROM action_operations ao
  JOIN ops_actions a ON a.id = ao.action_id
 WHERE ao.operation_id = ANY ($1::bigint[])
 ORDER BY a.id`

// Find returns the operations that a person may mean by a text: an operation's
// id, its dedup key, its reference (as ReferenceOf writes it, or typed), or the
// order number, which several may share. Those with the order number come
// first: it is what people have at hand. More says that there are others.
func (d *Desk) Find(ctx context.Context, text string, memories []KeyMemory) (found []OperationDetail, more bool, err error) {
	type search struct {
		by  FoundBy
		sql string
		arg any
	}
	searches := []search{{ByBusinessKey, sqlFindByKey, text}}
	if id, err := strconv.ParseInt(text, 10, 64); err == nil {
		searches = append(searches, search{ByID, sqlFindByID, id})
	}
	if len(text) == ledger.BizIDChars {
		searches = append(searches, search{ByBizID, sqlFindByBizID, text})
	}
	if reference, ok := ledger.CanonicalReference(text); ok {
		searches = append(searches, search{ByReference, sqlFindByReference, reference})
	}
	var ids []int64
	by := map[int64]FoundBy{}
	for _, look := range searches {
		hits, err := d.findIDs(ctx, look.sql, look.arg, maxFound+1)
		if err != nil {
			return nil, false, err
		}
		for _, id := range hits {
			if by[id] == "" {
				ids, by[id] = append(ids, id), look.by
			}
		}
	}
	if len(ids) > maxFound {
		ids, more = ids[:maxFound], true
	}
	if len(ids) == 0 {
		return nil, false, nil
	}
	found, err = d.details(ctx, ids, memories)
	if err != nil {
		return nil, false, err
	}
	for i := range found {
		found[i].FoundBy = by[int64(found[i].ID)]
	}
	slices.SortFunc(found, func(a, b OperationDetail) int {
		return cmp.Compare(slices.Index(ids, int64(a.ID)), slices.Index(ids, int64(b.ID)))
	})
	return found, more, nil
}

func (d *Desk) findIDs(ctx context.Context, sql string, args ...any) ([]int64, error) {
	rows, err := d.pool.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("find operation: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return nil, fmt.Errorf("find operation: %w", err)
	}
	return ids, nil
}

func (d *Desk) details(ctx context.Context, ids []int64, memories []KeyMemory) ([]OperationDetail, error) {
	accounts, ms := keyMemoryArgs(memories)
	rows, err := d.pool.Query(ctx, sqlOperationDetail, accounts, ms, ids)
	if err != nil {
		return nil, fmt.Errorf("read operation: %w", err)
	}
	found, err := pgx.CollectRows(rows, scanDetail)
	if err != nil {
		return nil, fmt.Errorf("read operation: %w", err)
	}
	byID := make(map[ledger.OperationID]*OperationDetail, len(found))
	for i := range found {
		byID[found[i].ID] = &found[i]
	}
	rows, err = d.pool.Query(ctx, sqlAttempts, ids, maxAttemptsShown)
	if err != nil {
		return nil, fmt.Errorf("read attempts: %w", err)
	}
	var id ledger.OperationID
	var a AttemptDetail
	var n int
	_, err = pgx.ForEachRow(rows, []any{&id, &a.At, &a.Call, &a.Outcome, &a.HTTPStatus, &a.VendorCode, &a.VendorWords, &a.Error,
		&a.DurationMs, &n}, func() error {
		d := byID[id]
		d.Attempts = append(d.Attempts, a)
		d.EarlierAttempts = max(n-maxAttemptsShown, 0)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read attempts: %w", err)
	}
	rows, err = d.pool.Query(ctx, sqlActs, ids)
	if err != nil {
		return nil, fmt.Errorf("read actions: %w", err)
	}
	var act ActDetail
	_, err = pgx.ForEachRow(rows, []any{&id, &act.ID, &act.At, &act.Name, &act.Actor, &act.Reason, &act.Result}, func() error {
		byID[id].Acts = append(byID[id].Acts, act)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read actions: %w", err)
	}
	if err := d.corrections(ctx, ids, byID); err != nil {
		return nil, err
	}
	if err := d.reversals(ctx, ids, byID); err != nil {
		return nil, err
	}
	return found, d.budgetExcesses(ctx, ids, byID)
}

// scanDetail reads a row of sqlOperationDetail.
func scanDetail(row pgx.CollectableRow) (d OperationDetail, err error) {
	d.Attempts, d.Acts = []AttemptDetail{}, []ActDetail{}
	var open OpenState
	var posting PostingDetail
	var state *ledger.State
	var kind *ledger.PostingKind
	var nextAt, postedAt *time.Time
	err = row.Scan(&d.ID, &d.Account, &d.Kind, &d.BizID, &d.Reference, &d.BusinessKey, &d.MemberID, &d.MemberCode,
		&d.Points, &d.SourceType, &d.PointsChannel, &d.Reason, &d.BusinessDate, &d.ShopCode, &d.AmountFen,
		&d.EventSource, &d.EventID, &d.EventType, &d.EventTime, &d.EventSubject, &d.StreamSeq, &d.BrokerTime,
		&d.Content, &d.RecordedAt, &d.MappingVersion, &d.MappingFirstUsed,
		&state, &open.Cause, &open.InDoubt, &open.Blocked, &open.Attempts, &open.FirstSentAt, &nextAt, &open.LeaseUntil, &open.WaitsFor, &open.HeldUntil, &open.Shape,
		&kind, &posting.Evidence, &posting.MemberID, &posting.Attempts, &posting.HTTPStatus, &posting.VendorCode,
		&posting.VendorWords, &postedAt, &d.Origin)
	if err != nil {
		return d, err
	}
	if state != nil {
		open.State, open.NextAt = *state, *nextAt
		d.Open = &open
	}
	if kind != nil {
		posting.Kind, posting.PostedAt = *kind, *postedAt
		d.Posting = &posting
	}
	return d, nil
}

// sqlCorrections reads the corrections of operations (corrections_pkey). No rows
// means that everything is as their postings say.
const sqlCorrections = `
SELECT operation_id, kind, evidence, member_id, COALESCE(http_status, 0), COALESCE(vendor_code, ''), COALESCE(vendor_message, ''), corrected_at
  FROM corrections
 WHERE operation_id = ANY ($1::bigint[])`

// corrections adds to postings how they were corrected.
func (d *Desk) corrections(ctx context.Context, ids []int64, byID map[ledger.OperationID]*OperationDetail) error {
	rows, err := d.pool.Query(ctx, sqlCorrections, ids)
	if err != nil {
		return fmt.Errorf("read corrections: %w", err)
	}
	var id ledger.OperationID
	var c CorrectionDetail
	_, err = pgx.ForEachRow(rows, []any{&id, &c.Kind, &c.Evidence, &c.MemberID, &c.HTTPStatus, &c.VendorCode, &c.VendorWords, &c.CorrectedAt}, func() error {
		if d := byID[id]; d != nil && d.Posting != nil {
			correction := c
			d.Posting.Correction = &correction
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read corrections: %w", err)
	}
	return nil
}
