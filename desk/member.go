package desk

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"pointsledger/ledger"
)

// MemberQuery asks for the operations of one member at one account.
type MemberQuery struct {
	Account string
	// MemberID is the vendor's id of the member; empty while only Code is known.
	MemberID string
	// Code is a scanned member code that stands for the member; may be empty.
	Code string
	// IDsOnly leaves scanned codes alone: the account has none.
	IDsOnly bool
	// ScanSince bounds how far back ended operations are looked through for
	// scanned codes, by the time they were recorded; zero is from the start.
	ScanSince time.Time
	// ScanMost bounds the operations that are looked through so, newest first;
	// 0 is no bound. A million takes a second or two.
	ScanMost int64
	// Progress is called while operations are looked through; may be nil.
	Progress func(looked int64)
}

// MemberOperations is what the ledger knows of a member.
type MemberOperations struct {
	// Operations are the newest first, MaxMemberOperations at most.
	Operations []MemberOperation
	// More says that there are older ones, which are not among Operations.
	More bool
	// ScannedFrom is when the oldest operation was recorded that was looked
	// through for scanned codes; zero when there was none.
	ScannedFrom time.Time
	// ScanEnded says that older operations were not looked through for scanned
	// codes.
	ScanEnded bool
}

// MemberOperation is an operation and what became of it.
type MemberOperation struct {
	ID          ledger.OperationID
	Account     string
	Kind        ledger.Kind
	BizID       ledger.BizID
	Reference   string
	BusinessKey string
	EventType   string
	Reason      string
	// MemberID is as recorded, else as resolved, else as posted.
	MemberID, MemberCode string
	Points               ledger.Points
	BrokerTime           time.Time
	RecordedAt           time.Time
	// State is posted, voided, parked, sending, pending, or empty when there is
	// nothing to send.
	State   string
	Cause   ledger.Cause
	InDoubt bool
	// FirstSentAt is zero for a row that was never sent, or has ended; QuietSince
	// is zero unless it is in doubt.
	FirstSentAt, QuietSince time.Time
	// Evidence and PostedAt are set when State is posted or voided.
	Evidence ledger.Evidence
	PostedAt time.Time
}

// MaxMemberOperations bounds the operations of one member that are read.
const MaxMemberOperations = 5000

// sqlMemberIDs reads a member's operations by operations_member_idx. Ordering
// by an expression keeps the planner from walking operations_pkey backwards
// until it has found enough. Locks nothing; no rows means that none was
// recorded with this member id.
const sqlMemberIDs = `
SELECT id FROM operations WHERE target = $1 AND member_id = $2 ORDER BY id + 0 DESC LIMIT $3`

// sqlMemberOpen finds a member's open operations that were recorded with a
// scanned code. It reads the outbox, which is as large as the backlog, and each
// row's operation (operations_pkey): there is no index on codes, as it would
// slow every recording down for a rare question. Locks nothing.
const sqlMemberOpen = `
SELECT x.operation_id
  FROM outbox x
  JOIN operations o ON o.id = x.operation_id
 WHERE x.target = $1 AND o.member_code IS NOT NULL
   AND (x.resolved_member_id = NULLIF($2, '') OR o.member_code = NULLIF($3, ''))
 ORDER BY x.operation_id DESC
 LIMIT $4`

// sqlMemberPosted finds ended operations that were recorded with a scanned code
// and went to a member, among the ids from $3 to $4: it reads that part of
// postings (postings_pkey), a narrow table, and operations_pkey for what fits.
// The caller goes through the history in parts. Locks nothing.
const sqlMemberPosted = `
WITH ended AS MATERIALIZED (
    SELECT operation_id FROM postings WHERE operation_id BETWEEN $3 AND $4 AND member_id = $2)
SELECT e.operation_id
  FROM ended e
  JOIN operations o ON o.id = e.operation_id
 WHERE o.target = $1 AND o.member_id IS NULL`

// sqlMemberCoded finds the operations that were recorded with a scanned code,
// among the ids from $3 to $4 (operations_pkey): the same, for a code.
const sqlMemberCoded = `
SELECT id FROM operations WHERE id BETWEEN $3 AND $4 AND target = $1 AND member_code = $2`

// sqlOperationIDs and sqlRecordedFrom are for finding the ids that were recorded
// in a time (operations_pkey): ids and times of recording go up together, but
// for transactions that overlapped. No row of sqlRecordedFrom means that there
// is no such id.
const (
	sqlOperationIDs = `SELECT COALESCE(min(id), 0), COALESCE(max(id), 0) FROM operations`
	sqlRecordedFrom = `SELECT id, recorded_at FROM operations WHERE id >= $1 ORDER BY id LIMIT 1`
)

// sqlMemberOperations reads operations by id with what became of them (primary
// keys). Locks nothing.
const sqlMemberOperations = `
SELECT o.id, o.target, o.kind, o.biz_id, o.reference, o.business_key, o.event_type, o.reason,
       COALESCE(o.member_id, x.resolved_member_id, p.member_id, ''), COALESCE(o.member_code, ''), COALESCE(p.points, x.points, o.points),
       o.broker_time, o.recorded_at, COALESCE(p.kind, x.state, ''), COALESCE(x.cause, ''), COALESCE(x.in_doubt, false),
       x.first_sent_at, COALESCE(x.quiet_since, x.first_sent_at), COALESCE(p.evidence, ''), p.posted_at
  FROM operations o
  LEFT JOIN outbox x ON x.operation_id = o.id
  LEFT JOIN postings p ON p.operation_id = o.id
 WHERE o.id = ANY ($1::bigint[])
 ORDER BY o.id DESC`

// MemberOperations reads the operations of a member: recorded with the id,
// resolved to it, posted to it, or recorded with the code. What ended and was
// recorded with a code has no index, so that is looked through as far back as
// the query says.
func (d *Desk) MemberOperations(ctx context.Context, q MemberQuery) (found MemberOperations, err error) {
	var ids []int64
	if q.MemberID != "" {
		if ids, err = d.memberIDs(ctx, sqlMemberIDs, q.Account, q.MemberID, MaxMemberOperations+1); err != nil {
			return found, err
		}
	}
	if !q.IDsOnly {
		open, err := d.memberIDs(ctx, sqlMemberOpen, q.Account, q.MemberID, q.Code, MaxMemberOperations+1)
		if err != nil {
			return found, err
		}
		ended, err := d.scanMember(ctx, q, &found)
		if err != nil {
			return found, err
		}
		ids = slices.Concat(ids, open, ended)
	}
	slices.SortFunc(ids, func(a, b int64) int { return cmp.Compare(b, a) })
	ids = slices.Compact(ids)
	if len(ids) > MaxMemberOperations {
		ids, found.More = ids[:MaxMemberOperations], true
	}
	rows, err := d.pool.Query(ctx, sqlMemberOperations, ids)
	if err != nil {
		return found, fmt.Errorf("read operations of member: %w", err)
	}
	found.Operations, err = pgx.CollectRows(rows, scanMemberOperation)
	if err != nil {
		return found, fmt.Errorf("read operations of member: %w", err)
	}
	return found, nil
}

func scanMemberOperation(row pgx.CollectableRow) (o MemberOperation, err error) {
	var sent, quiet, posted *time.Time
	err = row.Scan(&o.ID, &o.Account, &o.Kind, &o.BizID, &o.Reference, &o.BusinessKey, &o.EventType, &o.Reason,
		&o.MemberID, &o.MemberCode, &o.Points, &o.BrokerTime, &o.RecordedAt, &o.State, &o.Cause, &o.InDoubt,
		&sent, &quiet, &o.Evidence, &posted)
	if sent != nil {
		o.FirstSentAt = *sent
	}
	if o.InDoubt {
		o.QuietSince = timeOrZero(quiet)
	}
	if posted != nil {
		o.PostedAt = *posted
	}
	return o, err
}

// memberIDs runs a statement that answers ids of operations.
func (d *Desk) memberIDs(ctx context.Context, sql string, args ...any) ([]int64, error) {
	rows, err := d.pool.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("find operations of member: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return nil, fmt.Errorf("find operations of member: %w", err)
	}
	return ids, nil
}

// sqlKnowsMember looks for a text as a member id (operations_member_idx, and
// the outbox for what is resolved) and as the scanned code of an open operation
// (the outbox again). Locks nothing; always one row.
const sqlKnowsMember = `
SELECT EXISTS (SELECT 1 FROM operations WHERE target = $1 AND member_id = $2)
       OR EXISTS (SELECT 1 FROM outbox WHERE target = $1 AND resolved_member_id = $2),
       EXISTS (SELECT 1 FROM outbox x JOIN operations o ON o.id = x.operation_id
                WHERE x.target = $1 AND o.member_code = $2)`

// KnowsMember tells what a text is to an account, as far as that can be seen
// quickly: the id of a member, the scanned code of an open operation, neither,
// or both.
func (d *Desk) KnowsMember(ctx context.Context, account, text string) (asID, asCode bool, err error) {
	if err := d.pool.QueryRow(ctx, sqlKnowsMember, account, text).Scan(&asID, &asCode); err != nil {
		return false, false, fmt.Errorf("look for member: %w", err)
	}
	return asID, asCode, nil
}

// MemberReject is an open reject whose event names a member.
type MemberReject struct {
	ID   int64
	Code ledger.RejectCode
}

// memberRejectsLooked and memberRejectsFound bound the search for rejects.
const (
	memberRejectsLooked = 50_000
	memberRejectsFound  = 100
)

// sqlMemberRejects looks through the newest open rejects for the bytes of a
// text: it reads rejects_pkey backwards, or rejects_open_idx, and the payloads
// of what is open. Locks nothing; no row means that none has the text.
const sqlMemberRejects = `
SELECT id, reason_code, payload
  FROM (SELECT id, reason_code, payload FROM rejects WHERE resolved_at IS NULL ORDER BY id DESC LIMIT $2) AS newest
 WHERE position(convert_to($1, 'UTF8') IN payload) > 0
 ORDER BY id DESC`

// MemberRejects finds open rejects whose event names a member by one of the
// texts (ids or codes): the newest 50,000 are looked through, and at most 100
// are returned, the newest first. more says that there are others among them.
// It looks for the field and its value in the raw bytes, which need not be JSON.
func (d *Desk) MemberRejects(ctx context.Context, texts []string) (found []MemberReject, more bool, err error) {
	seen := map[int64]bool{}
	for _, text := range texts {
		if text == "" {
			continue
		}
		names, err := regexp.Compile(`"(?:customerId|userCode|memberId)"\s*:\s*"?` + regexp.QuoteMeta(text) + `(?:["\s,}]|$)`)
		if err != nil {
			return nil, false, fmt.Errorf("find rejects of member: %w", err)
		}
		rows, err := d.pool.Query(ctx, sqlMemberRejects, text, memberRejectsLooked)
		if err != nil {
			return nil, false, fmt.Errorf("find rejects of member: %w", err)
		}
		var r MemberReject
		var payload []byte
		_, err = pgx.ForEachRow(rows, []any{&r.ID, &r.Code, &payload}, func() error {
			switch {
			case seen[r.ID] || !names.Match(payload):
			case len(found) == memberRejectsFound:
				more = true
			default:
				seen[r.ID], found = true, append(found, r)
			}
			return nil
		})
		if err != nil {
			return nil, false, fmt.Errorf("find rejects of member: %w", err)
		}
	}
	return found, more, nil
}
