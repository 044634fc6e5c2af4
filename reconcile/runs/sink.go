package runs

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"pointsledger/reconcile/match"
)

// sink writes what became of records, in one transaction that begins with the first rows.
type sink struct {
	run     *running
	tx      pgx.Tx
	matches [][]any
	items   [][]any
	// written are the items before those that are held.
	written int
}

const (
	holdMatches = 20_000
	holdItems   = 2_000
)

var (
	matchColumns = []string{"run_id", "record_id", "operation_id", "how", "item_no"}
	itemColumns  = []string{"run_id", "no", "kind", "account", "member_id", "operation_id", "biz_id", "business_key", "reference", "ledger_points", "vendor_points",
		"open_points", "at", "evidence", "step", "operations", "records", "item_key"}
)

// sqlDropMatches and sqlDropItems take away what a stopped comparison left.
const (
	sqlDropMatches = `DELETE FROM reconcile_matches WHERE run_id = $1`
	sqlDropItems   = `DELETE FROM reconcile_items WHERE run_id = $1`
)

func (s *sink) begin(ctx context.Context) (err error) {
	if s.tx != nil {
		return nil
	}
	if s.tx, err = s.run.pool.BeginTx(ctx, readWrite); err != nil {
		return fmt.Errorf("begin to write a comparison: %w", err)
	}
	for _, sql := range []string{sqlDropMatches, sqlDropItems} {
		if _, err := s.tx.Exec(ctx, sql, s.run.id); err != nil {
			return fmt.Errorf("begin to write a comparison: %w", err)
		}
	}
	return nil
}

// add takes a member's outcome.
func (s *sink) add(ctx context.Context, o *match.Outcome) error {
	for i := range o.Matches {
		m := &o.Matches[i]
		var operation, item any
		if m.Operation != 0 {
			operation = int64(m.Operation)
		}
		if m.Item >= 0 {
			item = s.written + len(s.items) + m.Item + 1
		}
		s.matches = append(s.matches, []any{s.run.id, m.Record, operation, string(m.How), item})
	}
	for i := range o.Items {
		s.items = append(s.items, s.row(&o.Items[i]))
	}
	if len(s.matches) < holdMatches && len(s.items) < holdItems {
		return nil
	}
	return s.flush(ctx)
}

func (s *sink) row(it *match.Item) []any {
	null := func(text string) any {
		if text == "" {
			return nil
		}
		return text
	}
	var operation, at any
	operations, records := make([]int64, len(it.Operations)), it.Records
	for i, id := range it.Operations {
		operations[i] = int64(id)
	}
	if records == nil {
		records = []int64{}
	}
	if it.Operation != 0 {
		operation = int64(it.Operation)
	}
	if !it.At.IsZero() {
		at = it.At
	}
	return []any{s.run.id, s.written + len(s.items) + 1, string(it.Kind), it.Account, it.MemberID, operation, null(it.BizID), null(it.BusinessKey), null(it.Reference),
		it.LedgerPoints, it.VendorPoints, it.OpenPoints, at, it.Evidence, string(it.Step), operations, records, it.Key}
}

func (s *sink) flush(ctx context.Context) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	if _, err := s.tx.CopyFrom(ctx, pgx.Identifier{"reconcile_matches"}, matchColumns, pgx.CopyFromRows(s.matches)); err != nil {
		return fmt.Errorf("write matches: %w", err)
	}
	if _, err := s.tx.CopyFrom(ctx, pgx.Identifier{"reconcile_items"}, itemColumns, pgx.CopyFromRows(s.items)); err != nil {
		return fmt.Errorf("write items: %w", err)
	}
	s.written += len(s.items)
	s.matches, s.items = s.matches[:0], s.items[:0]
	return nil
}

// sqlCarry gives the items of a run what was said of them before, by their keys
// (reconcile_remarks_key_idx).
const sqlCarry = `
UPDATE reconcile_items i
   SET owner = NULLIF(o.text, ''), note = NULLIF(n.text, ''),
       explained_by = CASE e.what WHEN 'explained' THEN e.said_by END, explained_at = CASE e.what WHEN 'explained' THEN e.said_at END,
       explained_why = CASE e.what WHEN 'explained' THEN e.text END
  FROM (SELECT DISTINCT item_key FROM reconcile_remarks) AS k
  LEFT JOIN LATERAL (SELECT text FROM reconcile_remarks WHERE item_key = k.item_key AND what = 'owner' ORDER BY id DESC LIMIT 1) AS o ON true
  LEFT JOIN LATERAL (SELECT text FROM reconcile_remarks WHERE item_key = k.item_key AND what = 'note' ORDER BY id DESC LIMIT 1) AS n ON true
  LEFT JOIN LATERAL (SELECT what, text, said_by, said_at FROM reconcile_remarks
                      WHERE item_key = k.item_key AND what IN ('explained', 'unexplained') ORDER BY id DESC LIMIT 1) AS e ON true
 WHERE i.run_id = $1 AND i.item_key = k.item_key AND i.differs`

// sqlDone ends a run.
const sqlDone = `
UPDATE reconcile_runs
   SET state = 'done', ended_at = clock_timestamp(), members = @members,
       members_failed = (SELECT count(*) FROM reconcile_members WHERE run_id = @run AND state <> 'read'),
       postings = @postings, postings_compared = @compared, records = @records, matched_by_reference = @matched, matched_points = @matched_points,
       proposed = @proposed, proposed_points = @proposed_points, in_transit = @in_transit, not_ours = @not_ours, not_ours_points = @not_ours_points,
       beyond_reach = @beyond_reach, beyond_reach_points = @beyond_reach_points, without_records = @without_records,
       without_records_points = @without_records_points, balances = @balances, ledger_points = @ledger_points, vendor_points = @vendor_points,
       shows_references = @shows_references
 WHERE id = @run`

// end writes the rest, carries over what was said, and ends the run.
func (s *sink) end(ctx context.Context, figures pgx.StrictNamedArgs) error {
	if err := s.flush(ctx); err != nil {
		return err
	}
	if _, err := s.tx.Exec(ctx, sqlCarry, s.run.id); err != nil {
		return fmt.Errorf("carry over what was explained: %w", err)
	}
	if _, err := s.tx.Exec(ctx, sqlDone, figures); err != nil {
		return fmt.Errorf("end a run: %w", err)
	}
	if err := s.tx.Commit(ctx); err != nil {
		return fmt.Errorf("end a run: %w", err)
	}
	return nil
}

func (s *sink) close(ctx context.Context) {
	if s.tx != nil {
		_ = s.tx.Rollback(context.WithoutCancel(ctx)) // after a commit it does nothing
	}
}
