package runs

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"pointsledger/ledger"
	"pointsledger/reconcile/match"
)

// straysMost bounds the records whose reference is another's. So many mean that the
// members of the records are not the ledger's.
const straysMost = 100_000

// sqlStrays finds a run's records that end with the reference of an operation that is not
// among the member's postings of sqlPostings: another member's or account's, one that ended at
// another time, one that was never to be sent. It reads operations as a whole. Its points count
// beside the first such record, if it is of the window and its own member has no record of it
// and was read (reconcile_records_member_idx, reconcile_members_pkey).
const sqlStrays = `
WITH strays AS MATERIALIZED (
    SELECT r.id AS record_id, o.id, o.target, COALESCE(c.member_id, p.member_id, x.resolved_member_id, o.member_id, '') AS owner,
           o.biz_id, o.business_key, o.reference, CASE o.kind WHEN 'points_deduct' THEN -1 ELSE 1 END * COALESCE(p.points, x.points, o.points) AS points,
           CASE WHEN p.evidence IN ('netted', 'reversed', 'nothing_to_take_back', 'no_call_needed') AND c.operation_id IS NULL THEN 'voided'
                WHEN p.operation_id IS NULL AND x.operation_id IS NULL THEN 'voided'
                WHEN p.kind = 'posted' OR c.operation_id IS NOT NULL THEN 'posted' WHEN p.kind = 'voided' THEN 'voided' ELSE 'open' END AS state,
           COALESCE(p.first_sent_at, x.first_sent_at, LEAST(o.broker_time, o.recorded_at)) AS sent_at, COALESCE(c.corrected_at, p.posted_at) AS ended_at,
           CASE WHEN p.evidence = 'manual' AND p.kind = 'voided' THEN 'given up by a person' WHEN p.operation_id IS NOT NULL THEN replace(p.evidence, '_', ' ')
                WHEN x.operation_id IS NULL THEN 'nothing was to be sent' ELSE 'not ended' END AS words,
           r.account, r.member_id
      FROM reconcile_records r
      JOIN operations o ON o.reference = r.reference
      LEFT JOIN postings p ON p.operation_id = o.id
      LEFT JOIN corrections c ON c.operation_id = o.id
      LEFT JOIN outbox x ON x.operation_id = o.id
     WHERE r.run_id = @run AND r.reference IS NOT NULL
       AND (o.target = r.account AND o.kind IN ('points_add', 'points_deduct')
                AND COALESCE(c.member_id, p.member_id, x.resolved_member_id, o.member_id, '') = r.member_id
                AND (p.operation_id IS NULL AND x.operation_id IS NOT NULL AND o.recorded_at < @open_until
                     OR (p.evidence NOT IN ('netted', 'reversed', 'nothing_to_take_back', 'no_call_needed') OR c.operation_id IS NOT NULL)
                        AND (p.posted_at >= @from AND p.posted_at < @until OR c.corrected_at >= @from AND c.corrected_at < @until))) IS NOT TRUE
)
SELECT s.record_id, s.id, s.target, s.owner, s.biz_id, s.business_key, s.reference, s.points, s.state, s.sent_at, s.ended_at, s.words,
       s.state = 'posted' AND s.target = s.account AND s.owner <> s.member_id AND s.ended_at >= @window_from AND s.ended_at < @window_until
       AND row_number() OVER (PARTITION BY s.id ORDER BY s.record_id) = 1
       AND NOT EXISTS (SELECT 1 FROM reconcile_records h WHERE h.run_id = @run AND h.account = s.target AND h.member_id = s.owner AND h.reference = s.reference)
       AND (@all_read OR EXISTS (SELECT 1 FROM reconcile_members m WHERE m.run_id = @run AND m.account = s.target AND m.member_id = s.owner AND m.state = 'read')) AS counts
  FROM strays s
 LIMIT @most`

// strays are those records by their ids, and the operations whose points count there.
type strays struct {
	by     map[int64]*match.Stray
	counts map[ledger.OperationID]bool
}

func (run *running) strays(ctx context.Context, tx pgx.Tx, allRead bool) (*strays, error) {
	args := run.postingArgs()
	args["run"], args["window_from"], args["window_until"], args["all_read"], args["most"] = run.id, run.from, run.until, allRead, straysMost+1
	delete(args, "accounts")
	rows, err := tx.Query(ctx, sqlStrays, args)
	if err != nil {
		return nil, fmt.Errorf("look for references of other members: %w", err)
	}
	defer rows.Close()
	found := &strays{by: map[int64]*match.Stray{}, counts: map[ledger.OperationID]bool{}}
	for rows.Next() {
		s := &match.Stray{}
		var record int64
		var state string
		var sent, ended *time.Time
		if err := rows.Scan(&record, &s.ID, &s.Account, &s.MemberID, &s.BizID, &s.BusinessKey, &s.Reference, &s.Points, &state, &sent, &ended, &s.Words, &s.Counts); err != nil {
			return nil, fmt.Errorf("look for references of other members: %w", err)
		}
		s.SentAt, s.EndedAt, s.State = timeOrZero(sent), timeOrZero(ended), stateOf(state)
		if found.by[record] = s; s.Counts {
			found.counts[s.ID] = true
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("look for references of other members: %w", err)
	}
	if len(found.by) > straysMost {
		return nil, ErrOtherMembers
	}
	return found, nil
}

// sqlMatched finds, of postings near the window whose reference stands on a record of the run,
// the record that the newest other comparison closed them with. It reads postings and matches
// as a whole.
const sqlMatched = `
SELECT DISTINCT ON (o.id) o.id, q.at
  FROM reconcile_records r
  JOIN operations o ON o.reference = r.reference AND o.target = r.account
  JOIN postings p ON p.operation_id = o.id AND (p.posted_at < @window_from AND p.posted_at >= @from OR p.posted_at >= @window_until AND p.posted_at < @until)
  JOIN reconcile_matches m ON m.operation_id = o.id AND m.how = 'reference' AND m.run_id <> @run
  JOIN reconcile_runs w ON w.id = m.run_id AND w.state = 'done'
  JOIN reconcile_records q ON q.id = m.record_id AND q.at IS NOT NULL
 WHERE r.run_id = @run AND r.reference IS NOT NULL
 ORDER BY o.id, m.run_id DESC`

// matched are those times by operation.
func (run *running) matched(ctx context.Context, tx pgx.Tx) (map[ledger.OperationID]time.Time, error) {
	args := run.postingArgs()
	args["run"], args["window_from"], args["window_until"] = run.id, run.from, run.until
	delete(args, "accounts")
	delete(args, "open_until")
	rows, err := tx.Query(ctx, sqlMatched, args)
	if err != nil {
		return nil, fmt.Errorf("look for what other comparisons matched: %w", err)
	}
	found := map[ledger.OperationID]time.Time{}
	var id int64
	var at time.Time
	if _, err := pgx.ForEachRow(rows, []any{&id, &at}, func() error {
		found[ledger.OperationID(id)] = at
		return nil
	}); err != nil {
		return nil, fmt.Errorf("look for what other comparisons matched: %w", err)
	}
	return found, nil
}
