package runs

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"pointsledger/evidence"
	"pointsledger/ledger"
	"pointsledger/reconcile/match"
)

// sqlPostings streams the operations whose kind shows in records: those that ended in the
// window or near it, and what is open, by member; where members were chosen, those alone
// (reconcile_members_pkey).
// What is netted, or given up because of that, was never to be sent. It reads postings as a
// whole and sorts what fits.
const sqlPostings = `
SELECT o.target COLLATE "C" AS target, COALESCE(c.member_id, p.member_id, o.member_id, '') COLLATE "C" AS member_id, o.id, o.biz_id, o.business_key, o.reference, o.reason,
       CASE o.kind WHEN 'points_deduct' THEN -1 ELSE 1 END * COALESCE(p.points, o.points) AS points,
       CASE WHEN p.kind = 'posted' OR c.operation_id IS NOT NULL THEN 'posted' ELSE 'voided' END AS state,
       p.evidence = 'manual' AND c.operation_id IS NULL AS by_hand,
       CASE WHEN p.evidence IN ('already_applied', 'manual') THEN LEAST(p.first_sent_at, o.broker_time, o.recorded_at)
            ELSE COALESCE(p.first_sent_at, LEAST(o.broker_time, o.recorded_at)) END AS sent_at,
       COALESCE(c.corrected_at, p.posted_at) AS ended_at, o.recorded_at,
       CASE WHEN c.operation_id IS NOT NULL THEN 'given up by a person, then heard to be applied: ' || c.evidence
            WHEN p.kind = 'voided' AND p.evidence = 'manual' THEN 'given up by a person'
            WHEN p.kind = 'posted' AND p.evidence = 'manual' THEN 'by a person''s word'
            ELSE replace(p.evidence, '_', ' ') END AS words,
       false AS parked, false AS work_item
  FROM postings p
  JOIN operations o ON o.id = p.operation_id
  LEFT JOIN corrections c ON c.operation_id = p.operation_id
 WHERE o.target = ANY (@accounts::text[]) AND o.kind IN ('points_add', 'points_deduct') AND COALESCE(p.points, o.points) > 0
   AND (p.evidence NOT IN ('netted', 'reversed', 'nothing_to_take_back', 'no_call_needed') OR c.operation_id IS NOT NULL)
   AND (p.posted_at >= @from AND p.posted_at < @until OR c.corrected_at >= @from AND c.corrected_at < @until)
   AND (NOT @by_member::boolean OR EXISTS (SELECT 1 FROM reconcile_members m WHERE m.run_id = @run AND m.account = o.target AND m.member_id = COALESCE(c.member_id, p.member_id, o.member_id)))
UNION ALL
SELECT o.target COLLATE "C", COALESCE(x.resolved_member_id, o.member_id, '') COLLATE "C", o.id, o.biz_id, o.business_key, o.reference, o.reason,
       CASE o.kind WHEN 'points_deduct' THEN -1 ELSE 1 END * COALESCE(x.points, o.points),
       'open', false, x.first_sent_at, NULL, o.recorded_at,
       CASE WHEN x.state = 'parked' THEN CASE WHEN x.in_doubt THEN 'parked in doubt: ' ELSE 'parked: ' END || replace(COALESCE(x.cause, ''), '_', ' ')
            WHEN x.in_doubt THEN 'in doubt'
            WHEN x.waits_for IS NOT NULL THEN 'waits for the end of what it takes from'
            WHEN x.held_until > now() THEN 'held'
            ELSE 'on its way' END,
       x.state = 'parked', COALESCE(x.state = 'parked' AND x.cause = 'no_vendor_call', false)
  FROM outbox x
  JOIN operations o ON o.id = x.operation_id
 WHERE o.target = ANY (@accounts) AND o.kind IN ('points_add', 'points_deduct') AND COALESCE(x.points, o.points) > 0 AND o.recorded_at < @open_until
 ORDER BY 1, 2, 3`

// sqlRecords streams a run's records by member (reconcile_records_member_idx).
const sqlRecords = `
SELECT account, member_id, id, points, text, at
  FROM reconcile_records
 WHERE run_id = $1
 ORDER BY account, member_id, at, id`

// sqlMembers streams whom a run has read (reconcile_members_pkey).
const sqlMembers = `
SELECT account, member_id, read_at, COALESCE(records, 0), COALESCE(complete, false), COALESCE(whole, false), oldest_at, balance, told_points
  FROM reconcile_members
 WHERE run_id = $1 AND state = 'read'
 ORDER BY account, member_id`

// The cursors of a comparison. Each fetch is bounded, so that memory is.
const (
	sqlDeclarePostings = `DECLARE run_postings NO SCROLL CURSOR FOR` + sqlPostings
	sqlDeclareRecords  = `DECLARE run_records NO SCROLL CURSOR FOR` + sqlRecords
	sqlDeclareMembers  = `DECLARE run_members NO SCROLL CURSOR FOR` + sqlMembers

	fetchPostings = `FETCH FORWARD 2000 FROM run_postings`
	fetchRecords  = `FETCH FORWARD 2000 FROM run_records`
	fetchMembers  = `FETCH FORWARD 2000 FROM run_members`
)

// whose is a member at an account; streams are in its order.
type whose struct{ account, member string }

func (w whose) compare(o whose) int {
	return cmp.Or(cmp.Compare(w.account, o.account), cmp.Compare(w.member, o.member))
}

type postingRow struct {
	whose
	match.Posting
}

type recordRow struct {
	whose
	match.Record
}

type memberRow struct {
	whose
	held          evidence.Held
	balance, told *int64
}

// stream reads a cursor, some rows at once.
type stream[T any] struct {
	tx    pgx.Tx
	fetch string
	scan  func(pgx.Rows, *T) error
	key   func(*T) whose
	rows  []T
	at    int
	ended bool
}

// head is the next row; nil at the end.
func (s *stream[T]) head(ctx context.Context) (*T, error) {
	if s.at < len(s.rows) {
		return &s.rows[s.at], nil
	}
	if s.ended {
		return nil, nil
	}
	s.rows, s.at = s.rows[:0], 0
	// The cursors of a run have the names of those before: nothing of them is cached.
	rows, err := s.tx.Query(ctx, s.fetch, pgx.QueryExecModeDescribeExec)
	if err != nil {
		return nil, fmt.Errorf("read a stream: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var row T
		if err := s.scan(rows, &row); err != nil {
			return nil, fmt.Errorf("read a stream: %w", err)
		}
		s.rows = append(s.rows, row)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read a stream: %w", err)
	}
	if s.ended = len(s.rows) == 0; s.ended {
		return nil, nil
	}
	return &s.rows[0], nil
}

// take hands over all rows of a member.
func (s *stream[T]) take(ctx context.Context, of whose, each func(*T)) error {
	for {
		row, err := s.head(ctx)
		if err != nil || row == nil || s.key(row) != of {
			return err
		}
		each(row)
		s.at++
	}
}

// sooner is the first of a member and the stream's next; some says whether there is one.
func sooner[T any](ctx context.Context, s *stream[T], first whose, some bool) (whose, bool, error) {
	row, err := s.head(ctx)
	if err != nil || row == nil {
		return first, some, err
	}
	if next := s.key(row); !some || next.compare(first) < 0 {
		return next, true, nil
	}
	return first, some, nil
}

func scanPosting(rows pgx.Rows, p *postingRow) error {
	var state string
	var sent, ended *time.Time
	var id int64
	if err := rows.Scan(&p.account, &p.member, &id, &p.BizID, &p.BusinessKey, &p.Reference, &p.Reason, &p.Points, &state, &p.ByHand, &sent, &ended,
		&p.RecordedAt, &p.Words, &p.Parked, &p.WorkItem); err != nil {
		return err
	}
	p.ID, p.SentAt, p.EndedAt = ledger.OperationID(id), timeOrZero(sent), timeOrZero(ended)
	p.State = stateOf(state)
	return nil
}

func stateOf(text string) match.State {
	switch text {
	case string(ledger.Posted):
		return match.Posted
	case string(ledger.Voided):
		return match.Voided
	}
	return match.Open
}

func scanRecord(rows pgx.Rows, r *recordRow) error {
	var at *time.Time
	err := rows.Scan(&r.account, &r.member, &r.ID, &r.Points, &r.Text, &at)
	r.At = timeOrZero(at)
	return err
}

func scanMember(rows pgx.Rows, m *memberRow) error {
	var read, oldest *time.Time
	err := rows.Scan(&m.account, &m.member, &read, &m.held.Records, &m.held.Complete, &m.held.Whole, &oldest, &m.balance, &m.told)
	m.held.BeganAt, m.held.Oldest = timeOrZero(read), timeOrZero(oldest)
	return err
}

func timeOrZero(at *time.Time) time.Time {
	if at == nil {
		return time.Time{}
	}
	return *at
}
