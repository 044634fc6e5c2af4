package budgets

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// keptDays is how long the counters of a day are kept: longer than a stream
// keeps its messages.
const keptDays = 60

// sqlBudgetSpent sums up what was granted within budgets (budget_counters_pkey); n
// is a budget's place in the arrays. Locks nothing; no row means nothing was.
const sqlBudgetSpent = `
SELECT k.n, sum(c.points)::bigint
  FROM unnest($1::date[], $2::text[], $3::text[]) WITH ORDINALITY AS k (day, bound, subject, n)
  JOIN budget_counters c ON c.day = k.day AND c.bound = k.bound AND c.subject = k.subject
 GROUP BY k.n`

// sqlCountBudgets adds to the rows of a writer, which no other transaction has.
const sqlCountBudgets = `
INSERT INTO budget_counters AS c (day, bound, subject, writer, points)
SELECT day, bound, subject, $5, points
  FROM unnest($1::date[], $2::text[], $3::text[], $4::bigint[]) AS t (day, bound, subject, points)
ON CONFLICT ON CONSTRAINT budget_counters_pkey DO UPDATE SET points = c.points + excluded.points`

// sqlForgetBudgets deletes some counters of days before one, twice as many as are
// written, so that it catches up. It waits for nobody; mostly there are none.
const sqlForgetBudgets = `
DELETE FROM budget_counters
 WHERE ctid = ANY (ARRAY(SELECT ctid FROM budget_counters WHERE day < $1 ORDER BY day LIMIT 2 * $2::integer FOR UPDATE SKIP LOCKED))`

// sqlParkExcess parks what this transaction has recorded and is above a budget, and
// keeps by what it was measured. A row that was leased was not sent: nobody sees it
// before the commit. Its scanned code is asked for meanwhile. One that is rebuilt and may have been sent keeps its doubt, and
// one that is parked already its cause.
const sqlParkExcess = `
WITH parked AS (
    UPDATE outbox x
       SET state = 'parked', cause = 'over_budget', lease_token = NULL, lease_until = NULL, shape = NULL,
           first_sent_at = CASE WHEN x.in_doubt THEN x.first_sent_at END,
           code_due_at = CASE WHEN o.by_code THEN now() END
      FROM unnest($1::text[], $2::text[], $3::text[], $4::date[], $5::bigint[], $6::bigint[])
           AS t (target, biz_id, bound, day, limit_points, spent_points)
     CROSS JOIN LATERAL (SELECT id, member_id IS NULL AND member_code IS NOT NULL AS by_code FROM operations WHERE target = t.target AND biz_id = t.biz_id OFFSET 0) AS o
     WHERE x.operation_id = ANY (ARRAY[o.id]) AND x.state <> 'parked'
    RETURNING x.operation_id, t.bound, t.day, t.limit_points, t.spent_points
)
INSERT INTO budget_excesses (operation_id, bound, day, limit_points, spent_points)
SELECT operation_id, bound, day, limit_points, spent_points FROM parked`

// Querier is a pool or a transaction.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// Charge reads what is left of the budgets that the grants are bound by, and says
// what recording them does to these. It is nil when none is bound: then nothing was
// asked. What other transactions record meanwhile is not seen.
func Charge(ctx context.Context, db Querier, grants []Grant) (*Moves, error) {
	if len(grants) == 0 {
		return nil, nil
	}
	m := Moves{spent: map[key]int64{}, added: map[key]int64{}}
	for i := range grants {
		for _, s := range grants[i].shares() {
			m.spent[s.key] = 0
		}
	}
	if len(m.spent) == 0 {
		return nil, nil
	}
	keys := sortedKeys(m.spent)
	days, bounds, subjects := columns(keys)
	rows, err := db.Query(ctx, sqlBudgetSpent, days, bounds, subjects)
	if err != nil {
		return nil, fmt.Errorf("read budgets: %w", err)
	}
	var n int
	var points int64
	if _, err = pgx.ForEachRow(rows, []any{&n, &points}, func() error {
		m.spent[keys[n-1]] = points
		return nil
	}); err != nil {
		return nil, fmt.Errorf("read budgets: %w", err)
	}
	m.charge(grants)
	return &m, nil
}

func columns(keys []key) (days []time.Time, bounds, subjects []string) {
	for i := range keys {
		days, bounds, subjects = append(days, keys[i].date()), append(bounds, string(keys[i].bound)), append(subjects, keys[i].subject)
	}
	return days, bounds, subjects
}

// WriteTx counts what was admitted and parks the rest, in the transaction that has
// recorded it; writer is a number of Writers. rebuilt: what is parked already stays as
// it is. nil moves write nothing.
func (m *Moves) WriteTx(ctx context.Context, tx pgx.Tx, writer int64, rebuilt bool) error {
	if m == nil {
		return nil
	}
	var batch pgx.Batch
	if keys := sortedKeys(m.added); len(keys) > 0 {
		days, bounds, subjects := columns(keys)
		points := make([]int64, len(keys))
		for i, k := range keys {
			points[i] = m.added[k]
		}
		batch.Queue(sqlCountBudgets, days, bounds, subjects, points, writer)
		batch.Queue(sqlForgetBudgets, keys[len(keys)-1].date().AddDate(0, 0, -keptDays), len(keys))
	}
	if n := int64(len(m.excesses)); n > 0 {
		batch.Queue(sqlParkExcess, m.excessColumns()...).Exec(func(tag pgconn.CommandTag) error {
			if tag.RowsAffected() != n && !rebuilt {
				return fmt.Errorf("parked %d of %d operations above their budget", tag.RowsAffected(), n)
			}
			return nil
		})
	}
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("count budgets: %w", err)
	}
	return nil
}

func (m *Moves) excessColumns() []any {
	var accounts, bizIDs, bounds []string
	var days []time.Time
	var limits, spent []int64
	for i := range m.excesses {
		e := &m.excesses[i]
		accounts, bizIDs, bounds = append(accounts, e.grant.Account), append(bizIDs, e.grant.BizID), append(bounds, string(e.share.bound))
		days, limits, spent = append(days, e.share.date()), append(limits, e.share.limit), append(spent, e.spent)
	}
	return []any{accounts, bizIDs, bounds, days, limits, spent}
}
