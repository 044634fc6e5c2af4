package runs

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"pointsledger/evidence"
	"pointsledger/ledger"
	"pointsledger/reconcile/match"
)

// sqlWindow counts what ended in the window, by account and whether its kind shows in records.
// It reads postings as a whole.
const sqlWindow = `
SELECT o.target, count(*) FILTER (WHERE o.kind IN ('points_add', 'points_deduct')),
       count(*) FILTER (WHERE o.kind NOT IN ('points_add', 'points_deduct')),
       COALESCE(sum(COALESCE(p.points, o.points)) FILTER (WHERE o.kind NOT IN ('points_add', 'points_deduct')), 0)::bigint
  FROM postings p
  JOIN operations o ON o.id = p.operation_id
  LEFT JOIN corrections c ON c.operation_id = p.operation_id
 WHERE o.target = ANY (@accounts::text[]) AND COALESCE(p.points, o.points) > 0 AND (p.kind = 'posted' OR c.operation_id IS NOT NULL) AND p.evidence <> 'netted'
   AND COALESCE(c.corrected_at, p.posted_at) >= @from AND COALESCE(c.corrected_at, p.posted_at) < @until
 GROUP BY o.target`

// comparing is the comparison of a run.
type comparing struct {
	*running
	postings *stream[postingRow]
	records  *stream[recordRow]
	members  *stream[memberRow]
	strays   *strays
	matched  map[ledger.OperationID]time.Time
	known    map[string]*match.Known
	// offsets are what the times of an account's records are to be moved by.
	offsets map[string]time.Duration
	// uncut are the accounts whose lists go back to the beginning, as far as balances tell.
	uncut   map[string]bool
	totals  match.Totals
	counted int64
	// window are all postings of the window, of those of each account; withoutRecords are
	// those of other kinds.
	of                                           map[string]int64
	window, withoutRecords, withoutRecordsPoints int64
	// holdsFrom and holdsUntil are what a file holds.
	holdsFrom, holdsUntil time.Time
	// byMember: only what is in the stream of members is compared.
	byMember bool
	// all accounts together
	shows bool

	member match.Member // used again for each
}

// compare sets ledger and records side by side and keeps what comes of it.
func (run *running) compare(ctx context.Context) error {
	s := &sink{run: run}
	defer s.close(ctx)
	c := &comparing{running: run, known: map[string]*match.Known{}, offsets: map[string]time.Duration{}, uncut: map[string]bool{}, of: map[string]int64{}, byMember: run.source != fromFile || run.choice == List}
	err := pgx.BeginTxFunc(ctx, run.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if err := c.prepare(ctx, tx); err != nil {
			return err
		}
		return c.merge(ctx, s)
	})
	if err != nil {
		return fmt.Errorf("compare: %w", err)
	}
	t := &c.totals
	return s.end(ctx, pgx.StrictNamedArgs{"run": run.id, "members": c.counted, "postings": c.window, "compared": t.Compared, "records": t.Records,
		"matched": t.MatchedByReference, "matched_points": t.MatchedPoints, "proposed": t.Proposed, "proposed_points": t.ProposedPoints, "in_transit": t.InTransit,
		"not_ours": t.NotOurs, "not_ours_points": t.NotOursPoints, "beyond_reach": t.BeyondReach, "beyond_reach_points": t.BeyondReachPoints,
		"without_records": c.withoutRecords, "without_records_points": c.withoutRecordsPoints, "balances": t.Balances,
		"ledger_points": t.LedgerPoints, "vendor_points": t.VendorPoints, "shows_references": c.shows})
}

// postingArgs are the bounds of what is read of the ledger.
func (run *running) postingArgs() pgx.StrictNamedArgs {
	return pgx.StrictNamedArgs{"accounts": run.names, "from": run.reachBack, "until": run.until.Add(run.pad), "open_until": run.until}
}

// sqlRoomToSort lets the one transaction of a comparison sort and join in memory: it goes
// through all postings of a month.
const sqlRoomToSort = `SET LOCAL work_mem = '64MB'`

// prepare opens the streams and finds out what is known of each account.
func (c *comparing) prepare(ctx context.Context, tx pgx.Tx) (err error) {
	if _, err := tx.Exec(ctx, sqlRoomToSort); err != nil {
		return fmt.Errorf("make room to sort: %w", err)
	}
	window := pgx.StrictNamedArgs{"accounts": c.names, "from": c.from, "until": c.until}
	rows, err := tx.Query(ctx, sqlWindow, window)
	if err != nil {
		return fmt.Errorf("count the window's postings: %w", err)
	}
	var account string
	var shown, others, points int64
	if _, err := pgx.ForEachRow(rows, []any{&account, &shown, &others, &points}, func() error {
		c.of[account] = shown
		c.window, c.withoutRecords, c.withoutRecordsPoints = c.window+shown, c.withoutRecords+others, c.withoutRecordsPoints+points
		return nil
	}); err != nil {
		return fmt.Errorf("count the window's postings: %w", err)
	}
	if c.strays, err = c.running.strays(ctx, tx, !c.byMember); err != nil {
		return err
	}
	if c.source == fromFile {
		if c.matched, err = c.running.matched(ctx, tx); err != nil {
			return err
		}
	}
	if err := c.findOut(ctx, tx); err != nil {
		return err
	}
	args := c.postingArgs()
	args["run"], args["by_member"] = c.id, c.byMember
	if _, err := tx.Exec(ctx, sqlDeclarePostings, args); err != nil {
		return fmt.Errorf("open the stream of postings: %w", err)
	}
	for _, sql := range []string{sqlDeclareRecords, sqlDeclareMembers} {
		if _, err := tx.Exec(ctx, sql, c.id); err != nil {
			return fmt.Errorf("open the streams of records: %w", err)
		}
	}
	c.postings = &stream[postingRow]{tx: tx, fetch: fetchPostings, scan: scanPosting, key: func(p *postingRow) whose { return p.whose }}
	c.records = &stream[recordRow]{tx: tx, fetch: fetchRecords, scan: scanRecord, key: func(r *recordRow) whose { return r.whose }}
	c.members = &stream[memberRow]{tx: tx, fetch: fetchMembers, scan: scanMember, key: func(m *memberRow) whose { return m.whose }}
	return nil
}

// merge goes through the streams member by member.
func (c *comparing) merge(ctx context.Context, s *sink) error {
	for {
		of, some, err := sooner(ctx, c.postings, whose{}, false)
		if err == nil {
			of, some, err = sooner(ctx, c.records, of, some)
		}
		if err == nil {
			of, some, err = sooner(ctx, c.members, of, some)
		}
		if err != nil || !some {
			return err
		}
		if err := c.next(ctx, of, s); err != nil {
			return err
		}
	}
}

// next compares one member.
func (c *comparing) next(ctx context.Context, of whose, s *sink) error {
	m := &c.member
	*m = match.Member{Account: of.account, ID: of.member, Postings: m.Postings[:0], Records: m.Records[:0], ReadAt: c.exportedAt}
	if err := c.postings.take(ctx, of, func(p *postingRow) { m.Postings = append(m.Postings, p.Posting) }); err != nil {
		return err
	}
	if err := c.records.take(ctx, of, func(r *recordRow) { m.Records = append(m.Records, r.Record) }); err != nil {
		return err
	}
	read := false
	var held evidence.Held
	if err := c.members.take(ctx, of, func(row *memberRow) {
		read, held = true, row.held
		if m.Balance, m.Told = row.balance, row.told; c.source == fromVendor {
			m.ReadAt = row.held.BeganAt
		}
	}); err != nil {
		return err
	}
	if c.byMember && !read {
		return nil // not compared: what the coverage lacks
	}
	c.counted++
	known := c.known[of.account]
	for i := range m.Postings {
		p := &m.Postings[i]
		p.Elsewhere = c.strays.counts[p.ID]
		// What is in this window, or what a vendor is asked for, is among the records if it is there.
		if at := c.matched[p.ID]; at.Before(c.from) || !at.Before(c.until) {
			p.MatchedAt = at
		}
		p.Reached = c.reached(of.account, p, &held)
	}
	for i := range m.Records {
		r := &m.Records[i]
		if r.Stray = c.strays.by[r.ID]; !r.At.IsZero() {
			r.At = r.At.Add(c.offsets[of.account])
		}
	}
	out := match.Compare(m, known)
	c.totals.Add(&out.Totals)
	if c.counted%1000 == 0 {
		c.tell(Progress{Phase: Comparing, Done: c.totals.Postings, Total: c.window})
	}
	return s.add(ctx, &out)
}

// fileEdge is how long after its call a record's time may be: what was posted just before a
// file ends may stand in the next one.
const fileEdge = 2 * time.Minute

// reached tells that the records surely hold a posting's, if there is one.
func (c *comparing) reached(account string, p *match.Posting, held *evidence.Held) bool {
	if p.SentAt.Before(c.reachBack) { // its record is not among those that are kept
		return false
	}
	if c.source == fromFile {
		return !p.SentAt.Before(c.holdsFrom) && p.EndedAt.Before(c.holdsUntil.Add(-fileEdge))
	}
	return (held.ReachesBack(p.SentAt, c.running.known[account]) || held.Complete && held.Whole && c.uncut[account])
}
