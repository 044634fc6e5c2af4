package runs

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"pointsledger/desk/privacy"
	"pointsledger/reconcile/match"
)

// What is listed beside items, and is no difference.
const (
	// KindNotOurs are records of other sources, and spent points.
	KindNotOurs match.Kind = "not_ours"
	// KindWithoutRecords are postings of kinds that show in no records: each rests on the
	// vendor's answer.
	KindWithoutRecords match.Kind = "without_records"
	// KindNotRead are members that were asked for and could not be read.
	KindNotRead match.Kind = "not_read"
)

// sqlNotRead reads the members of a run that were not read, behind so many of them
// (reconcile_members_pkey).
const sqlNotRead = `
SELECT account, member_id, COALESCE(words, '')
  FROM reconcile_members
 WHERE run_id = @run AND state <> 'read'
 ORDER BY account, member_id
OFFSET @after
 LIMIT @most`

// sqlNotOurs reads records of a run that are not ours (reconcile_matches_pkey,
// reconcile_records_pkey).
const sqlNotOurs = `
SELECT r.id, r.account, r.member_id, r.points, r.text, r.at
  FROM reconcile_matches m
  JOIN reconcile_records r ON r.id = m.record_id
 WHERE m.run_id = @run AND m.how = 'not_ours' AND m.record_id > @after
 ORDER BY m.record_id
 LIMIT @most`

// sqlWithoutRecords reads what ended in a run's window and shows in no records, at the
// accounts named or, for none, at all (postings_pkey). It reads postings from an id on.
const sqlWithoutRecords = `
SELECT o.id, o.target, COALESCE(c.member_id, p.member_id, ''), o.biz_id, o.business_key, o.reference, COALESCE(p.points, o.points), o.kind,
       COALESCE(c.corrected_at, p.posted_at), COALESCE(c.evidence, p.evidence), COALESCE(c.http_status, p.http_status, 0)
  FROM reconcile_runs r
  JOIN postings p ON p.operation_id > @after
  JOIN operations o ON o.id = p.operation_id
  LEFT JOIN corrections c ON c.operation_id = p.operation_id
 WHERE r.id = @run AND (r.account = '' OR o.target = r.account) AND o.kind NOT IN ('points_add', 'points_deduct')
   AND (p.kind = 'posted' OR c.operation_id IS NOT NULL) AND p.evidence <> 'netted'
   AND COALESCE(c.corrected_at, p.posted_at) >= r.from_at AND COALESCE(c.corrected_at, p.posted_at) < r.until_at
 ORDER BY p.operation_id
 LIMIT @most`

// listed reads the next of what is no item, behind an id; last is that of the last.
func (r *Runs) listed(ctx context.Context, a *ItemsAsked, after int64) (views []ItemView, last int64, err error) {
	sql, scan := sqlNotOurs, scanNotOurs
	switch a.Kind {
	case KindWithoutRecords:
		sql, scan = sqlWithoutRecords, scanWithoutRecords
	case KindNotRead:
		sql, scan = sqlNotRead, func(row pgx.Row, v *ItemView) (int64, error) {
			after++
			return after, row.Scan(&v.Account, &v.MemberID, &v.Evidence)
		}
	}
	rows, err := r.pool.Query(ctx, sql, pgx.StrictNamedArgs{"run": a.Run, "after": after, "most": chunkItems})
	if err != nil {
		return nil, 0, fmt.Errorf("read what is %s in run %d: %w", a.Kind, a.Run, err)
	}
	views, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (ItemView, error) {
		v := ItemView{Kind: a.Kind, Operations: []int64{}}
		id, err := scan(row, &v)
		last = id
		return v, err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("read what is %s in run %d: %w", a.Kind, a.Run, err)
	}
	return views, last, nil
}

func scanNotOurs(row pgx.Row, v *ItemView) (id int64, err error) {
	var text string
	var at *time.Time
	err = row.Scan(&id, &v.Account, &v.MemberID, &v.VendorPoints, &text, &at)
	v.Evidence, v.Records, v.At = "the record says: "+privacy.VendorWords(text), 1, inUTC(at)
	return id, err
}

func scanWithoutRecords(row pgx.Row, v *ItemView) (id int64, err error) {
	var kind, how string
	var status int
	var at time.Time
	err = row.Scan(&id, &v.Account, &v.MemberID, &v.BizID, &v.BusinessKey, &v.Reference, &v.LedgerPoints, &kind, &at, &how, &status)
	v.OperationID, v.Operations, v.At = id, []int64{id}, inUTC(&at)
	v.Evidence = fmt.Sprintf("%s, confirmed: %s", kind, how)
	if status != 0 {
		v.Evidence += fmt.Sprintf(" (HTTP %d)", status)
	}
	return id, err
}

func inUTC(at *time.Time) *time.Time {
	if at == nil {
		return nil
	}
	utc := at.UTC()
	return &utc
}
