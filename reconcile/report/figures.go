package report

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"pointsledger/ledger"
	"pointsledger/reconcile/match"
	"pointsledger/reconcile/runs"
)

// Figures are the sums of a report. Points are signed, but those of held and owed.
type Figures struct {
	runs.Summary
	Kinds []KindSum `json:"kinds"`
	// Pairs are what was matched, by reference and proposed.
	Pairs []PairSum `json:"pairs"`
	Ages  []AgeSum  `json:"in_transit_by_age"`
	// Held is what is accepted up to the end of the window and neither ended nor on its way,
	// Owed what is to be taken back; both at ReadAt.
	Held []WhySum `json:"held"`
	Owed []WhySum `json:"to_be_taken_back"`
	Days []DaySum `json:"days"`
	// ReadAt is the moment that the report is of.
	ReadAt time.Time `json:"read_at"`
}

// KindSum adds up the differences of a kind.
type KindSum struct {
	Kind             match.Kind `json:"kind"`
	Items            int64      `json:"items"`
	LedgerPoints     int64      `json:"ledger_points"`
	VendorPoints     int64      `json:"vendor_points"`
	UnexplainedItems int64      `json:"unexplained_items"`
	// UnexplainedPoints are without a sign.
	UnexplainedPoints int64 `json:"unexplained_points"`
}

// PairSum adds up what was matched in one way.
type PairSum struct {
	How          match.How `json:"how"`
	Pairs        int64     `json:"pairs"`
	LedgerPoints int64     `json:"ledger_points"`
	VendorPoints int64     `json:"vendor_points"`
}

// AgeSum adds up what is in transit, by its age when the comparison ended: under_1h,
// under_1d, under_7d, under_30d or older.
type AgeSum struct {
	Age          string `json:"age"`
	Operations   int64  `json:"operations"`
	LedgerPoints int64  `json:"ledger_points"`
	VendorPoints int64  `json:"vendor_points"`
	OpenPoints   int64  `json:"open_points"`
}

// WhySum adds up operations that wait for one reason; Why is that of open_points, or
// given_up.
type WhySum struct {
	Account    string      `json:"account"`
	Kind       ledger.Kind `json:"kind"`
	Why        string      `json:"why"`
	Operations int64       `json:"operations"`
	Points     int64       `json:"points"`
	OldestAt   time.Time   `json:"oldest_at"`
}

// DaySum is what moved on a day of the window's zone: by the ledger when it was posted, by
// the vendor when its records say. Day is null where a record's time cannot be read.
type DaySum struct {
	Day          *string `json:"day"`
	LedgerPoints int64   `json:"ledger_points"`
	VendorPoints int64   `json:"vendor_points"`
}

// sqlMoment is the instant of the transaction, and the window of a run
// (reconcile_runs_pkey).
const sqlMoment = `SELECT now(), from_at, until_at FROM reconcile_runs WHERE id = $1`

// itemAge is how old an item was when its run ended.
const itemAge = `CASE WHEN @ended::timestamptz - COALESCE(at, @ended) < interval '1 hour' THEN 'under_1h' WHEN @ended - at < interval '24 hours' THEN 'under_1d'
             WHEN @ended - at < interval '168 hours' THEN 'under_7d' WHEN @ended - at < interval '720 hours' THEN 'under_30d' ELSE 'older' END`

// sqlItemSums adds up a run's items (reconcile_items_pkey).
const sqlItemSums = `
SELECT kind, CASE WHEN differs THEN '' ELSE ` + itemAge + ` END AS age, count(*), COALESCE(sum(ledger_points), 0)::bigint, COALESCE(sum(vendor_points), 0)::bigint,
       COALESCE(sum(open_points), 0)::bigint, count(*) FILTER (WHERE differs AND explained_at IS NULL),
       COALESCE(sum(abs(ledger_points - vendor_points)) FILTER (WHERE differs AND explained_at IS NULL), 0)::bigint
  FROM reconcile_items
 WHERE run_id = @run
 GROUP BY 1, 2`

// pairs are what was matched in a run: record and operation, and what the operation ended
// with.
const pairs = `
  FROM reconcile_matches m
  JOIN reconcile_records r ON r.id = m.record_id
  JOIN operations o ON o.id = m.operation_id
  LEFT JOIN postings p ON p.operation_id = o.id
  LEFT JOIN corrections c ON c.operation_id = o.id
 WHERE m.run_id = @run AND m.how IN ('reference', 'proposed')`

const (
	pairPoints   = `CASE o.kind WHEN 'points_deduct' THEN -1 ELSE 1 END * COALESCE(p.points, o.points)`
	pairPostedAt = `COALESCE(c.corrected_at, p.posted_at)`
)

// sqlPairSums adds up what was matched.
const sqlPairSums = `SELECT m.how, count(*), sum(` + pairPoints + `)::bigint, sum(r.points)::bigint` + pairs + ` GROUP BY m.how`

// sqlDaySums adds up what was compared by its day. It reads what the run keeps as a whole.
const sqlDaySums = `
SELECT (at AT TIME ZONE @zone)::date::text, sum(ledger)::bigint, sum(vendor)::bigint
  FROM (SELECT ` + pairPostedAt + ` AS at, ` + pairPoints + ` AS ledger, 0 AS vendor` + pairs + `
        UNION ALL
        SELECT at, ledger_points, 0 FROM reconcile_items WHERE run_id = @run AND kind <> 'balance_differs' AND ledger_points <> 0
        UNION ALL
        SELECT r.at, 0, r.points FROM reconcile_matches m JOIN reconcile_records r ON r.id = m.record_id
         WHERE m.run_id = @run AND m.how IN ('reference', 'proposed', 'item', 'in_transit')) AS moved
 GROUP BY 1
 ORDER BY 1`

// heldFrom and owedFrom are what waits, of an account or all, accepted before the window
// ended; both read what is open.
const (
	heldFrom = `
  FROM open_points
 WHERE (@account::text = '' OR target = @account) AND recorded_at < @until AND kind NOT IN ('points_deduct', 'unfreeze_point') AND why <> 'on_its_way'`
	owedFrom = `
  FROM refunds_owed
 WHERE (@account::text = '' OR target = @account) AND recorded_at < @until`

	// withoutFrom is what ended in the window and shows in no records.
	withoutFrom = `
  FROM postings p
  JOIN operations o ON o.id = p.operation_id
  LEFT JOIN corrections c ON c.operation_id = p.operation_id
 WHERE (@account::text = '' OR o.target = @account) AND o.kind NOT IN ('points_add', 'points_deduct') AND COALESCE(p.points, o.points) > 0
   AND (p.kind = 'posted' OR c.operation_id IS NOT NULL) AND p.evidence <> 'netted' AND COALESCE(c.corrected_at, p.posted_at) >= @from AND COALESCE(c.corrected_at, p.posted_at) < @until`
	sqlWithoutSums = `SELECT count(*), COALESCE(sum(COALESCE(p.points, o.points)), 0)::bigint` + withoutFrom

	whySums  = `SELECT target, kind, why, count(*), sum(points)::bigint, min(recorded_at)`
	byWhy    = ` GROUP BY target, kind, why ORDER BY target, kind, why`
	sqlHelds = whySums + heldFrom + byWhy
	sqlOweds = whySums + owedFrom + byWhy
)

// readFigures reads the sums. What people said of items since the summary was read counts.
func (r *Report) readFigures(ctx context.Context) error {
	if err := r.tx.QueryRow(ctx, sqlMoment, r.Run).Scan(&r.ReadAt, &r.from, &r.until); err != nil {
		return err
	}
	r.ReadAt = r.ReadAt.UTC()
	if err := r.readItemSums(ctx); err != nil {
		return err
	}
	var err error
	if r.Pairs, err = collect(ctx, r.tx, sqlPairSums, pgx.StrictNamedArgs{"run": r.Run}, func(row pgx.CollectableRow) (p PairSum, err error) {
		err = row.Scan(&p.How, &p.Pairs, &p.LedgerPoints, &p.VendorPoints)
		return p, err
	}); err != nil {
		return err
	}
	if r.Held, err = r.readWhys(ctx, sqlHelds); err != nil {
		return err
	}
	if r.Owed, err = r.readWhys(ctx, sqlOweds); err != nil {
		return err
	}
	r.withoutSum.Why = withoutName
	if err = r.tx.QueryRow(ctx, sqlWithoutSums, r.window()).Scan(&r.withoutSum.Operations, &r.withoutSum.Points); err != nil {
		return err
	}
	r.Days, err = collect(ctx, r.tx, sqlDaySums, pgx.StrictNamedArgs{"run": r.Run, "zone": r.Zone}, func(row pgx.CollectableRow) (d DaySum, err error) {
		err = row.Scan(&d.Day, &d.LedgerPoints, &d.VendorPoints)
		return d, err
	})
	return err
}

func (r *Report) readItemSums(ctx context.Context) error {
	rows, err := r.tx.Query(ctx, sqlItemSums, pgx.StrictNamedArgs{"run": r.Run, "ended": r.EndedAt})
	if err != nil {
		return err
	}
	kinds, byAge := map[match.Kind]KindSum{}, map[string]AgeSum{}
	var k KindSum
	var a AgeSum
	if _, err := pgx.ForEachRow(rows, []any{&k.Kind, &a.Age, &k.Items, &k.LedgerPoints, &k.VendorPoints, &a.OpenPoints, &k.UnexplainedItems, &k.UnexplainedPoints}, func() error {
		if k.Kind != match.InTransit {
			kinds[k.Kind] = k
			return nil
		}
		a.Operations, a.LedgerPoints, a.VendorPoints = k.Items, k.LedgerPoints, k.VendorPoints
		byAge[a.Age] = a
		return nil
	}); err != nil {
		return err
	}
	r.Kinds, r.Ages = []KindSum{}, []AgeSum{}
	r.Unexplained, r.UnexplainedPoints = 0, 0
	for _, kind := range match.Kinds() {
		if k, some := kinds[kind]; some {
			r.Kinds = append(r.Kinds, k)
			r.Unexplained += k.UnexplainedItems
			r.UnexplainedPoints += k.UnexplainedPoints
		}
	}
	r.Agrees = r.Unexplained == 0 && r.NotCompared.MembersFailed == 0
	for _, age := range ages {
		if a, some := byAge[age]; some {
			r.Ages = append(r.Ages, a)
		}
	}
	return nil
}

func (r *Report) waiting() pgx.StrictNamedArgs {
	return pgx.StrictNamedArgs{"account": r.Account, "until": r.until}
}

// window is the account and the window of the run.
func (r *Report) window() pgx.StrictNamedArgs {
	return pgx.StrictNamedArgs{"account": r.Account, "from": r.from, "until": r.until}
}

func (r *Report) readWhys(ctx context.Context, sql string) ([]WhySum, error) {
	return collect(ctx, r.tx, sql, r.waiting(), func(row pgx.CollectableRow) (w WhySum, err error) {
		err = row.Scan(&w.Account, &w.Kind, &w.Why, &w.Operations, &w.Points, &w.OldestAt)
		w.OldestAt = w.OldestAt.UTC()
		return w, err
	})
}

// collect runs a query and collects its rows; never nil.
func collect[T any](ctx context.Context, tx pgx.Tx, sql string, args pgx.StrictNamedArgs, scan func(pgx.CollectableRow) (T, error)) ([]T, error) {
	rows, err := tx.Query(ctx, sql, args)
	if err != nil {
		return nil, err
	}
	found, err := pgx.CollectRows(rows, scan)
	if found == nil {
		found = []T{}
	}
	return found, err
}
