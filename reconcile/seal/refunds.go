package seal

import (
	"context"
	"fmt"
	"math"

	"github.com/jackc/pgx/v5"

	"pointsledger/ledger"
)

// taking is what one operation takes from another.
type taking struct {
	id, originID      int64
	kind, businessKey string
	points            int64
	shareFen          *int64
	before, after     int64
	originKind        string
	originPoints      int64
	originFen         *int64
}

// sqlTakings reads what was taken from each operation, in the order in which less and
// less was kept of it.
const sqlTakings = `
SELECT r.operation_id, r.origin_id, t.kind, t.business_key, t.points, r.amount_fen, r.kept_before, r.kept_after, g.kind, g.points, g.amount_fen
  FROM reversals r
  JOIN operations t ON t.id = r.operation_id
  JOIN operations g ON g.id = r.origin_id
 ORDER BY r.origin_id, r.kept_before DESC, r.kept_after DESC, r.operation_id`

// refunds follows, for each operation, what refunds left of it.
func (v *verification) refunds(ctx context.Context, tx pgx.Tx, c *Check) error {
	rows, err := tx.Query(ctx, sqlTakings)
	if err != nil {
		return fmt.Errorf("read what was taken back: %w", err)
	}
	var t taking
	var kept, refunded, origin int64
	whole := false
	_, err = pgx.ForEachRow(rows, []any{&t.id, &t.originID, &t.kind, &t.businessKey, &t.points, &t.shareFen, &t.before, &t.after, &t.originKind, &t.originPoints, &t.originFen}, func() error {
		if t.originID != origin {
			origin, kept, refunded, whole = t.originID, t.originPoints, 0, false
		}
		c.Checked++
		if t.shareFen == nil {
			whole = true
		} else {
			refunded += min(*t.shareFen, math.MaxInt64-refunded)
		}
		found := func(what string, args ...any) {
			v.found(c, Finding{Kind: Recomputed, Table: "reversals", ID: t.id, BusinessKey: t.businessKey,
				What: fmt.Sprintf("operations %d takes from operation %d: ", t.id, t.originID) + fmt.Sprintf(what, args...)})
		}
		again := t.shareFen != nil && *t.shareFen == 0 && t.points == t.before-t.after && t.points > 0 // what a corrected void takes once more
		if t.before != kept && !again {
			found("kept_before is %d, and what was taken before left %d", t.before, kept)
		}
		if want, ok := t.keeps(refunded, whole); ok && t.after != want && !again {
			found("kept_after is %d; of %d points on %s fen refunds of %d leave %d", t.after, t.originPoints, fen(t.originFen), refunded, want)
		}
		kept = t.after
		return nil
	})
	if err != nil {
		return fmt.Errorf("read what was taken back: %w", err)
	}
	return nil
}

// keeps is what must be left of a grant; ok is false where that is not a formula.
func (t *taking) keeps(refunded int64, whole bool) (points int64, ok bool) {
	switch {
	case t.kind != string(ledger.PointsDeduct):
		return 0, false
	case whole:
		return 0, true
	case t.originFen == nil || *t.originFen <= 0 || refunded > *t.originFen:
		return 0, false
	}
	return int64(ledger.Keeps(ledger.Points(t.originPoints), *t.originFen, refunded)), true
}
