package workitems

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"pointsledger/desk"
	"pointsledger/desk/wording"
	"pointsledger/ledger"
)

// Settlement is what a file did, or would do.
type Settlement struct {
	Rows []Row `json:"rows"`
	// Counts are of the outcomes; Operations, Points and Members of what is settled, or
	// would be.
	Counts     map[Outcome]int `json:"counts"`
	Operations int64           `json:"operations"`
	Members    int64           `json:"members"`
	Points     ledger.Points   `json:"points"`
	// Acts are the rows of ops_actions, one for each batch; none for a preview.
	Acts []int64 `json:"action_ids"`
}

// Tally sums up rows.
func Tally(rows []Row) Settlement {
	s := Settlement{Rows: rows, Counts: map[Outcome]int{}, Acts: []int64{}}
	members := map[string]bool{}
	for _, r := range rows {
		s.Counts[r.Outcome]++
		if r.Outcome == WouldSettle || r.Outcome == Settled {
			s.Operations++
			s.Points += r.Points
			members[r.Account+" "+r.member] = true
		}
	}
	s.Members = int64(len(members))
	return s
}

// sqlSettleItems ends work items as the file says: the posting is written by the
// statement that deletes the row. It locks the rows in order (outbox_pkey), and looks at
// each again. A row that is missing in the answer is no work item any more.
const sqlSettleItems = `
WITH told AS (
    SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[]) AS t (operation_id, kind, note)
), picked AS (
    SELECT x.operation_id, w.member_id
      FROM outbox x
      JOIN work_items w ON w.operation_id = ANY (ARRAY[x.operation_id])
     WHERE x.operation_id = ANY ($1::bigint[]) AND x.state = 'parked' AND x.cause = 'no_vendor_call' AND w.member_id <> ''
     ORDER BY x.operation_id
       FOR UPDATE OF x
), gone AS (
    DELETE FROM outbox x
     USING picked p
     WHERE x.operation_id = p.operation_id
    RETURNING x.operation_id, p.member_id, x.attempts, x.points
)
INSERT INTO postings (operation_id, kind, evidence, member_id, attempts, vendor_message, points)
SELECT g.operation_id, t.kind, 'manual', g.member_id, g.attempts, t.note, g.points
  FROM gone g
  JOIN told t USING (operation_id)
RETURNING operation_id`

// Settle ends the work items that the answers say are done, or not possible, in
// batches: each is done and recorded as an act, or neither. file is the file's name, for
// the act. Beside an error the settlement says what was done before it; what was settled
// by somebody else meanwhile is judged anew.
func (x *Items) Settle(ctx context.Context, answers []Answer, who desk.Decision, file string) (Settlement, error) {
	if strings.TrimSpace(who.Actor) == "" || strings.TrimSpace(who.Reason) == "" {
		return Settlement{}, fmt.Errorf("settle work items: %w", desk.ErrNoReason)
	}
	rows, err := x.Judge(ctx, answers)
	if err != nil {
		return Settlement{}, err
	}
	var ready, late []int
	for i := range rows {
		if rows[i].Outcome == WouldSettle {
			ready = append(ready, i)
		}
	}
	var acts []int64
	for batch := range slices.Chunk(ready, x.batch) {
		var act int64
		if act, err = x.settleBatch(ctx, rows, batch, who, file); err != nil {
			break
		}
		if act != 0 {
			acts = append(acts, act)
		}
		for _, i := range batch {
			if rows[i].Outcome == WouldSettle {
				late = append(late, i)
			}
		}
	}
	if err == nil && len(late) > 0 {
		err = x.judgeAgain(ctx, answers, rows, late)
	}
	s := Tally(slices.DeleteFunc(slices.Clone(rows), func(r Row) bool { return err != nil && r.Outcome == WouldSettle }))
	s.Acts = append(s.Acts, acts...)
	return s, err
}

// judgeAgain says what became of rows that somebody else was faster with.
func (x *Items) judgeAgain(ctx context.Context, answers []Answer, rows []Row, late []int) error {
	again := make([]Answer, len(late))
	for i, at := range late {
		again[i] = answers[at]
	}
	judged, err := x.Judge(ctx, again)
	if err != nil {
		return err
	}
	for i, at := range late {
		rows[at] = judged[i]
		if rows[at].Outcome == WouldSettle { // there again, or without a member
			rows[at].Outcome, rows[at].Words = NoWorkItem, "somebody else was changing it: run the same command again"
		}
	}
	return nil
}

// settleBatch settles rows, marks those that it settled, and returns the act; 0 when
// nothing was left to settle.
func (x *Items) settleBatch(ctx context.Context, rows []Row, batch []int, who desk.Decision, file string) (act int64, err error) {
	var ids []int64
	var kinds, notes []string
	for _, i := range batch {
		kind := ledger.Posted
		if rows[i].Result == NotPossible {
			kind = ledger.Voided
		}
		ids, kinds, notes = append(ids, int64(rows[i].Operation)), append(kinds, string(kind)), append(notes, ledger.Storable(cmp.Or(rows[i].note, "in the list "+file)))
	}
	var settled []ledger.OperationID
	err = pgx.BeginFunc(ctx, x.pool, func(tx pgx.Tx) error {
		found, err := tx.Query(ctx, sqlSettleItems, ids, kinds, notes)
		if err != nil {
			return err
		}
		if settled, err = pgx.CollectRows(found, pgx.RowTo[ledger.OperationID]); err != nil || len(settled) == 0 {
			return err
		}
		slices.Sort(settled)
		act, err = ledger.RecordActOn(ctx, tx, ledger.Act{Actor: who.Actor, Reason: who.Reason, Name: desk.ActSettleWork, Filter: "work items of file " + file,
			SetSize: int64(len(settled)), Result: resultWords(rows, batch, settled)})
		if err != nil {
			return err
		}
		return ledger.RecordActedTx(ctx, tx, act, settled)
	})
	if err != nil {
		return 0, fmt.Errorf("settle work items: %w", err)
	}
	for _, i := range batch {
		if _, did := slices.BinarySearch(settled, rows[i].Operation); did {
			rows[i].Outcome = Settled
		}
	}
	return act, nil
}

// resultWords are what ops_actions keeps.
func resultWords(rows []Row, batch []int, settled []ledger.OperationID) string {
	counts, points := map[Result]int{}, map[Result]ledger.Points{}
	for _, i := range batch {
		if _, did := slices.BinarySearch(settled, rows[i].Operation); did {
			counts[rows[i].Result]++
			points[rows[i].Result] += rows[i].Points
		}
	}
	return fmt.Sprintf("%s done (%s); %s not possible (%s)", wording.Count(counts[Done]), wording.Plural(points[Done], "point"),
		wording.Count(counts[NotPossible]), wording.Plural(points[NotPossible], "point"))
}

// Look lists the rows that a person has to look at.
func (s *Settlement) Look() (rows []Row) {
	for _, r := range s.Rows {
		if !slices.Contains(ok, r.Outcome) {
			rows = append(rows, r)
		}
	}
	return rows
}

// Facts say what else became of the rows.
func (s *Settlement) Facts() (f wording.Facts) {
	done := map[Result]int64{}
	for _, r := range s.Rows {
		if r.Outcome == Settled || r.Outcome == WouldSettle {
			done[r.Result]++
		}
	}
	f.Count("done", done[Done], "posted, by your word; nothing is sent")
	f.Count("not possible", done[NotPossible], "given up: the member keeps the points")
	f.Count("not done yet", int64(s.Counts[Open]), "no result: left alone")
	f.Count("already", int64(s.Counts[Already]), "settled like this before")
	return f
}
