package books

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"pointsledger/desk/privacy"
	"pointsledger/ledger"
)

// StatementAsked asks for a member's statement.
type StatementAsked struct {
	Asked
	// Member is an id of the person, as an operation or its event names it.
	Member string
	// Since is the first instant of the lines, From the first business date; what was
	// before is in the opening balance. Zero: from the beginning.
	Since time.Time
	From  string
	// Limit is how many lines there may be, the newest; older ones are in the opening
	// balance.
	Limit int
}

// Statement is what one person was given and lost through this worker.
type Statement struct {
	Standing
	// Members are the ids by which the person is known, the one asked for first.
	Members []string `json:"members"`
	Opening Sums     `json:"opening"`
	Lines   []Line   `json:"lines"`
	Closing Sums     `json:"closing"`
	// Earlier is how many lines are in the opening balance.
	Earlier int64 `json:"earlier"`
	// Accounts is the closing balance by vendor account.
	Accounts []AccountSums `json:"accounts"`
}

// Sums are the balances of a person's accounts in the books.
type Sums struct {
	// Balance is what arrived and is the member's to use, as far as this worker moved
	// it: credited, less what was frozen. What is to be taken back or frozen has left it
	// when it was accepted.
	Balance int64 `json:"balance_points"`
	// Pending is what is accepted and has not ended, either way.
	Pending int64 `json:"pending_points"`
	Frozen  int64 `json:"frozen_points"`
	Spent   int64 `json:"spent_points"`
}

func (s *Sums) add(d Sums) {
	s.Balance, s.Pending, s.Frozen, s.Spent = s.Balance+d.Balance, s.Pending+d.Pending, s.Frozen+d.Frozen, s.Spent+d.Spent
}

// AccountSums are the sums of one vendor account.
type AccountSums struct {
	Account string `json:"account"`
	Sums
}

// Line is one thing that happened to one operation.
type Line struct {
	At           time.Time          `json:"at"`
	BusinessDate string             `json:"business_date"`
	Account      string             `json:"account"`
	Operation    ledger.OperationID `json:"operation_id"`
	Kind         ledger.Kind        `json:"kind"`
	// Movement is accepted, posted, voided, netted, spent (without a call), void_undone
	// or applied_after_void.
	Movement    string `json:"movement"`
	BusinessKey string `json:"business_key"`
	EventType   string `json:"event_type"`
	Reference   string `json:"reference"`
	ShopCode    string `json:"shop_code"`
	// Points is how many moved, without a sign.
	Points int64 `json:"points"`
	// Change is what it did to the sums, After what they were then.
	Change Sums `json:"change"`
	After  Sums `json:"after"`
}

// sqlLines lists what happened to operations, in the accounts of a person (those of
// nobody yet are theirs: the operations are). By instant, or by business date and then
// by instant. No rows means that nothing of it fits.
const sqlLines = `
SELECT at, business_date, target, operation_id, kind, movement, business_key, event_type, reference, COALESCE(shop_code, ''), max(abs(points)),
       COALESCE(sum(points) FILTER (WHERE place IN ('credited', 'vendor_balance')), 0)::bigint, COALESCE(sum(points) FILTER (WHERE place = 'pending'), 0)::bigint,
       COALESCE(sum(points) FILTER (WHERE place = 'frozen'), 0)::bigint, COALESCE(sum(points) FILTER (WHERE place = 'spent'), 0)::bigint
  FROM book_entries
 WHERE operation_id = ANY (@operations::bigint[]) AND member_id = ANY (@ids::text[] || 'unresolved'::text) AND ` + asked + `
 GROUP BY at, business_date, target, operation_id, kind, movement, business_key, event_type, reference, shop_code
 ORDER BY CASE WHEN @by_date THEN business_date END, at, operation_id, array_position(ARRAY['accepted', 'netted', 'posted', 'voided', 'spent', 'void_undone', 'applied_after_void'], movement)`

// Statement reads a member's statement. A member that no operation names is ErrNobody.
func (b *Books) Statement(ctx context.Context, q StatementAsked) (found Statement, err error) {
	found.Lines, found.Accounts = []Line{}, []AccountSums{}
	found.Standing, err = b.read(ctx, &q.Asked, "statement", func(tx pgx.Tx, _ time.Time) error {
		ids, operations, err := person(ctx, tx, q.Member)
		if err != nil {
			return err
		}
		for _, id := range ids {
			found.Members = append(found.Members, q.masked(id))
		}
		args := q.args()
		args["operations"], args["ids"], args["by_date"] = operations, ids, q.Date != "" || q.From != ""
		return q.readLines(ctx, tx, args, ids, &found)
	})
	return found, err
}

func (q *StatementAsked) readLines(ctx context.Context, tx pgx.Tx, args pgx.StrictNamedArgs, ids []string, found *Statement) error {
	rows, err := tx.Query(ctx, sqlLines, args)
	if err != nil {
		return err
	}
	var l Line
	var day time.Time
	byAccount := map[string]int{}
	_, err = pgx.ForEachRow(rows, []any{&l.At, &day, &l.Account, &l.Operation, &l.Kind, &l.Movement, &l.BusinessKey, &l.EventType, &l.Reference, &l.ShopCode, &l.Points,
		&l.Change.Balance, &l.Change.Pending, &l.Change.Frozen, &l.Change.Spent}, func() error {
		l.At, l.BusinessDate = l.At.UTC(), day.Format(time.DateOnly)
		if !q.Unmasked {
			l.BusinessKey = privacy.Hide(l.BusinessKey, ids...)
		}
		at, known := byAccount[l.Account]
		if !known {
			at = len(found.Accounts)
			byAccount[l.Account] = at
			found.Accounts = append(found.Accounts, AccountSums{Account: l.Account})
		}
		found.Accounts[at].add(l.Change)
		found.Closing.add(l.Change)
		l.After = found.Closing
		if l.At.Before(q.Since) || l.BusinessDate < q.From {
			found.Opening.add(l.Change)
			found.Earlier++
			return nil
		}
		if len(found.Lines) == q.Limit {
			found.Opening.add(found.Lines[0].Change)
			found.Earlier++
			found.Lines = found.Lines[1:]
		}
		found.Lines = append(found.Lines, l)
		return nil
	})
	return err
}
