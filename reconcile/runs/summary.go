package runs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"pointsledger/reconcile/match"
)

// Summary is a run and what it found. Points are signed: below zero when more was taken
// than given.
type Summary struct {
	Run     int64  `json:"run"`
	Account string `json:"account"`
	// From and To are days in Zone.
	From string `json:"from"`
	To   string `json:"to"`
	// Members were read; of a file, those that are in it or in the ledger.
	Members  int64 `json:"members"`
	Postings int64 `json:"postings"`
	Records  int64 `json:"records"`
	// MatchedByReference and Proposed are pairs. InTransit and NotOurs are no differences.
	MatchedByReference int64 `json:"matched_by_reference"`
	Proposed           int64 `json:"proposed"`
	InTransit          int64 `json:"in_transit"`
	NotOurs            int64 `json:"not_ours"`
	// Items counts the differences of each kind, explained or not.
	Items map[match.Kind]int64 `json:"items"`
	// DifferencePoints is LedgerPoints less VendorPoints: the sum of all items but
	// balance_differs, and of what is in transit.
	LedgerPoints     int64 `json:"ledger_points"`
	VendorPoints     int64 `json:"vendor_points"`
	DifferencePoints int64 `json:"difference_points"`
	// UnexplainedPoints adds up, for each item that nobody has explained, by how many points
	// its two sides differ, without a sign: two differences never cancel each other.
	UnexplainedPoints int64 `json:"unexplained_points"`
	// Coverage is the share of the window's postings that were compared, 0 to 1.
	Coverage float64 `json:"coverage"`
	// Agrees: the run has ended, all members that it asked for were read, and nothing is
	// unexplained.
	Agrees bool `json:"agrees"`

	Unexplained     int64 `json:"unexplained_items"`
	InTransitPoints int64 `json:"in_transit_points"`
	// ToBeMovedPoints are those of what is in transit and has not ended, in neither side.
	ToBeMovedPoints int64       `json:"to_be_moved_points"`
	MatchedPoints   int64       `json:"matched_points"`
	ProposedPoints  int64       `json:"proposed_points"`
	NotOursPoints   int64       `json:"not_ours_points"`
	ShowsReferences bool        `json:"shows_references"`
	NotCompared     NotCompared `json:"not_compared"`
	Balances        int64       `json:"balances"`
	State           string      `json:"state"`
	// Source is vendor, file or none; Choice says which members were asked for.
	Source     string     `json:"source"`
	Choice     Choice     `json:"members_asked"`
	File       string     `json:"file"`
	ExportedAt *time.Time `json:"exported_at"`
	SoleSource bool       `json:"sole_source"`
	Zone       string     `json:"zone"`
	MadeBy     string     `json:"made_by"`
	BeganAt    time.Time  `json:"began_at"`
	EndedAt    *time.Time `json:"ended_at"`
}

// Differences counts the items of all kinds, explained or not.
func (s *Summary) Differences() (n int64) {
	for _, count := range s.Items {
		n += count
	}
	return n
}

// NotCompared is what of the window was not compared, by its cause.
type NotCompared struct {
	// WithoutRecords are postings of kinds that show in no records, as freezes: they rest on
	// the vendor's answer.
	WithoutRecords       int64 `json:"without_records"`
	WithoutRecordsPoints int64 `json:"without_records_points"`
	// BeyondReach were not found, and the records do not reach back to them.
	BeyondReach       int64 `json:"beyond_reach"`
	BeyondReachPoints int64 `json:"beyond_reach_points"`
	// MembersNotRead are postings whose member was not asked for, or could not be read.
	MembersNotRead int64 `json:"members_not_read"`
	// MembersFailed are members that could not be read.
	MembersFailed int64 `json:"members_failed"`
}

// sqlRun reads a run with its figures (reconcile_runs_pkey, reconcile_items_pkey); no row
// means that there is none. sqlRuns are the newest.
const (
	sqlRunColumns = `
SELECT id, account, from_date::text, to_date::text, members, postings, postings_compared, records, matched_by_reference, matched_points, proposed,
       proposed_points, in_transit, not_ours, not_ours_points, beyond_reach, beyond_reach_points, without_records, without_records_points, balances,
       members_failed, ledger_points, vendor_points, difference_points, unexplained_points, unexplained, agrees, shows_references, state, source,
       members_asked, COALESCE(file, ''), read_at, sole_source, zone, made_by, began_at, ended_at
  FROM reconcile_run_status`
	sqlRun  = sqlRunColumns + ` WHERE id = $1`
	sqlRuns = sqlRunColumns + ` ORDER BY id DESC LIMIT $1`
)

// sqlItemCounts counts a run's items by kind (reconcile_items_pkey).
const sqlItemCounts = `
SELECT kind, count(*), COALESCE(sum(ledger_points - vendor_points), 0)::bigint, COALESCE(sum(open_points), 0)::bigint
  FROM reconcile_items
 WHERE run_id = $1
 GROUP BY kind`

func scanSummary(row pgx.Row) (s Summary, err error) {
	var compared int64
	n := &s.NotCompared
	err = row.Scan(&s.Run, &s.Account, &s.From, &s.To, &s.Members, &s.Postings, &compared, &s.Records, &s.MatchedByReference, &s.MatchedPoints, &s.Proposed,
		&s.ProposedPoints, &s.InTransit, &s.NotOurs, &s.NotOursPoints, &n.BeyondReach, &n.BeyondReachPoints, &n.WithoutRecords, &n.WithoutRecordsPoints, &s.Balances,
		&n.MembersFailed, &s.LedgerPoints, &s.VendorPoints, &s.DifferencePoints, &s.UnexplainedPoints, &s.Unexplained, &s.Agrees, &s.ShowsReferences, &s.State, &s.Source,
		&s.Choice, &s.File, &s.ExportedAt, &s.SoleSource, &s.Zone, &s.MadeBy, &s.BeganAt, &s.EndedAt)
	if err != nil {
		return s, err
	}
	n.MembersNotRead = s.Postings - compared - n.BeyondReach
	if s.Coverage = 1; s.Postings > 0 {
		s.Coverage = float64(compared) / float64(s.Postings)
	}
	if s.Postings == 0 && n.WithoutRecords > 0 {
		s.Coverage = 0
	}
	s.BeganAt, s.EndedAt, s.ExportedAt = s.BeganAt.UTC(), inUTC(s.EndedAt), inUTC(s.ExportedAt)
	return s, nil
}

// Show answers for one run. The error is ErrNoRun where there is none.
func (r *Runs) Show(ctx context.Context, run int64) (Summary, error) {
	s, err := scanSummary(r.pool.QueryRow(ctx, sqlRun, run))
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return s, ErrNoRun
	case err != nil:
		return s, fmt.Errorf("read run %d: %w", run, err)
	}
	s.Items = map[match.Kind]int64{}
	for _, kind := range match.Kinds() {
		s.Items[kind] = 0
	}
	rows, err := r.pool.Query(ctx, sqlItemCounts, run)
	if err != nil {
		return s, fmt.Errorf("count items of run %d: %w", run, err)
	}
	var kind match.Kind
	var count, points, open int64
	_, err = pgx.ForEachRow(rows, []any{&kind, &count, &points, &open}, func() error {
		if kind == match.InTransit {
			s.InTransitPoints, s.ToBeMovedPoints = points, open
			return nil
		}
		s.Items[kind] = count
		return nil
	})
	if err != nil {
		return s, fmt.Errorf("count items of run %d: %w", run, err)
	}
	return s, nil
}

// List answers for the newest runs, without the counts of their items.
func (r *Runs) List(ctx context.Context, most int) ([]Summary, error) {
	rows, err := r.pool.Query(ctx, sqlRuns, most)
	if err != nil {
		return nil, fmt.Errorf("list runs: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Summary, error) { return scanSummary(row) })
	if err != nil {
		return nil, fmt.Errorf("list runs: %w", err)
	}
	return found, nil
}
