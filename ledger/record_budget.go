package ledger

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// budgetDays is how long the counters of a day are kept: longer than a stream
// keeps its messages.
const budgetDays = 60

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
// before the commit. One that is rebuilt and may have been sent keeps its doubt, and
// one that is parked already its cause.
const sqlParkExcess = `
WITH parked AS (
    UPDATE outbox x
       SET state = 'parked', cause = 'over_budget', lease_token = NULL, lease_until = NULL, shape = NULL,
           first_sent_at = CASE WHEN x.in_doubt THEN x.first_sent_at END
      FROM unnest($1::text[], $2::text[], $3::text[], $4::date[], $5::bigint[], $6::bigint[])
           AS t (target, biz_id, bound, day, limit_points, spent_points)
     CROSS JOIN LATERAL (SELECT id FROM operations WHERE target = t.target AND biz_id = t.biz_id OFFSET 0) AS o
     WHERE x.operation_id = ANY (ARRAY[o.id]) AND x.state <> 'parked'
    RETURNING x.operation_id, t.bound, t.day, t.limit_points, t.spent_points
)
INSERT INTO budget_excesses (operation_id, bound, day, limit_points, spent_points)
SELECT operation_id, bound, day, limit_points, spent_points FROM parked`

// chargeBudgets reads what is left of the budgets that the operations are bound by,
// and says what recording them does to these. It is nil when none is: then nothing
// was asked. What other transactions record meanwhile is not seen, so a budget may
// be exceeded by what they admit, a batch for each worker and no more.
func (s *Store) chargeBudgets(ctx context.Context, operations []newOperation) (*budgetMoves, error) {
	if !slices.ContainsFunc(operations, func(o newOperation) bool { return o.entry.Event.Budget != nil }) {
		return nil, nil
	}
	m := budgetMoves{spent: map[budgetKey]Points{}, added: map[budgetKey]Points{}}
	for i := range operations {
		for _, share := range sharesOf(&operations[i]) {
			m.spent[share.budgetKey] = 0
		}
	}
	if len(m.spent) == 0 {
		return nil, nil
	}
	keys := sortedKeys(m.spent)
	days, bounds, subjects := budgetColumns(keys)
	rows, err := s.pool.Query(ctx, sqlBudgetSpent, days, bounds, subjects)
	if err != nil {
		return nil, fmt.Errorf("read budgets: %w", err)
	}
	var n int
	var points Points
	if _, err = pgx.ForEachRow(rows, []any{&n, &points}, func() error {
		m.spent[keys[n-1]] = points
		return nil
	}); err != nil {
		return nil, fmt.Errorf("read budgets: %w", err)
	}
	m.charge(operations)
	return &m, nil
}

func budgetColumns(keys []budgetKey) (days []time.Time, bounds, subjects []string) {
	for i := range keys {
		days, bounds, subjects = append(days, keys[i].date()), append(bounds, string(keys[i].bound)), append(subjects, keys[i].subject)
	}
	return days, bounds, subjects
}

// writeBudgeted is write for operations that are bound by budgets: counted, and
// parked where they are above one, in the transaction that records them.
func (s *Store) writeBudgeted(ctx context.Context, w *recordWrite) (leased []Claimed, err error) {
	writer := s.budgetWriters.take()
	defer s.budgetWriters.give(writer)
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if r := w.how.rebuilt; r != nil && r.While != nil {
			if err := r.While.StandsTx(ctx, tx); err != nil {
				return err
			}
		}
		if w.isCopied(s.copyLeast) {
			leased, err = w.copyTx(ctx, tx)
		} else {
			leased, err = w.send(ctx, tx)
		}
		if err != nil {
			return err
		}
		return w.budgets.writeTx(ctx, tx, writer, w.how.rebuilt != nil)
	})
	if err != nil {
		return nil, err
	}
	w.behind.committed(w.highest)
	return w.budgets.withoutExcess(leased), nil
}

// writeTx counts what was admitted and parks the rest. rebuilt: what is parked
// already stays as it is.
func (m *budgetMoves) writeTx(ctx context.Context, tx pgx.Tx, writer int64, rebuilt bool) error {
	var batch pgx.Batch
	if keys := sortedKeys(m.added); len(keys) > 0 {
		days, bounds, subjects := budgetColumns(keys)
		points := make([]int64, len(keys))
		for i, k := range keys {
			points[i] = int64(m.added[k])
		}
		batch.Queue(sqlCountBudgets, days, bounds, subjects, points, writer)
		batch.Queue(sqlForgetBudgets, keys[len(keys)-1].date().AddDate(0, 0, -budgetDays), len(keys))
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

func (m *budgetMoves) excessColumns() []any {
	var accounts, bizIDs, bounds []string
	var days []time.Time
	var limits, spent []int64
	for i := range m.excesses {
		e := &m.excesses[i]
		accounts, bizIDs, bounds = append(accounts, e.key.Account), append(bizIDs, string(e.key.BizID)), append(bounds, string(e.share.bound))
		days, limits, spent = append(days, e.share.date()), append(limits, int64(e.share.limit)), append(spent, int64(e.spent))
	}
	return []any{accounts, bizIDs, bounds, days, limits, spent}
}
