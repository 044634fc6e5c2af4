package ledger

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// CauseReplayed is the cause of a row that a person put back, until its next
// attempt.
const CauseReplayed = "replayed"

// reopenBatch bounds one statement of Reopen: its locks are taken in some ten
// milliseconds, and its parameters are 40 kB.
const reopenBatch = 5000

// Reopening is a person's decision to have parked operations sent again.
type Reopening struct {
	Filter OpenFilter
	// FilterText is the filter as the record of the action shows it.
	FilterText string
	Memories   []KeyMemory
	// Expect is the number of operations that the person expects; 0 means not
	// said, which is enough up to MaxUnexpected.
	Expect int
	// Actor and Reason are recorded; neither may be empty.
	Actor, Reason string
	// Progress hears how many of the found operations are done, between
	// batches; nil hears nothing.
	Progress func(done, found int)
}

// Reopened says what became of the operations that Reopen found.
type Reopened struct {
	// Action is the id of the row of ops_actions; 0 when nothing was found,
	// for then nothing is recorded.
	Action int64 `json:"action_id"`
	// Found = Reopened + KeyMemoryOver + AccountUnknown + Skipped.
	Found    int64 `json:"found"`
	Reopened int64 `json:"put_back"`
	// Points and InDoubt are those of the reopened operations.
	Points  Points `json:"points"`
	InDoubt int64  `json:"in_doubt"`
	// KeyMemoryOver and AccountUnknown stay parked; see ReplayCount.
	KeyMemoryOver  int64 `json:"refused_key_memory_over"`
	AccountUnknown int64 `json:"refused_account_not_configured"`
	// Skipped were no longer parked, or somebody was changing them.
	Skipped int64 `json:"skipped_no_longer_parked"`
}

// sqlFindReopen lists what is to be reopened. Locks nothing: sqlReopen looks at
// each row again. No rows means that nothing fits.
const sqlFindReopen = `SELECT x.operation_id` + openFrom + openWhere + ` ORDER BY x.operation_id`

// sqlReopen puts rows back that are still parked and may be sent again. The
// attempts count anew, so that the whole schedule lies ahead (table attempts
// keeps the old ones). first_sent_at, in_doubt and the resolved member stay:
// what the vendor may have seen is not changed by a decision. Locks the rows in
// order (outbox_pkey) and skips those that somebody is changing, so it waits
// for nobody. No row means that none is parked any more. The parameters are
// the key memories, as openFrom wants them, and the batch.
const sqlReopen = `
WITH picked AS (
    SELECT x.operation_id, o.points,` + openBlocked + ` AS blocked` + openFrom + `
     WHERE x.operation_id = ANY ($3::bigint[]) AND x.state = 'parked'
     ORDER BY x.operation_id
       FOR UPDATE OF x SKIP LOCKED
), reopened AS (
    UPDATE outbox x
       SET state = 'pending', cause = 'replayed', attempts = 0, next_attempt_at = now()
      FROM picked p
     WHERE x.operation_id = p.operation_id AND p.blocked = '' AND x.state = 'parked'
    RETURNING x.operation_id, x.in_doubt, p.points
)
SELECT (SELECT COALESCE(array_agg(operation_id), '{}') FROM reopened), (SELECT COALESCE(sum(points), 0)::bigint FROM reopened),
       (SELECT count(*) FROM reopened WHERE in_doubt),
       count(*) FILTER (WHERE blocked = 'key_memory_over'),
       count(*) FILTER (WHERE blocked = 'account_not_configured')
  FROM picked`

// sqlRecordAction keeps who did what and why (table ops_actions).
const sqlRecordAction = `
INSERT INTO ops_actions (actor, action, filter, reason, set_size, result)
VALUES ($1, $2, $3, $4, $5, $6)
RETURNING id`

// sqlRecordActed keeps which operations an action changed.
const sqlRecordActed = `INSERT INTO action_operations (action_id, operation_id) SELECT $1, unnest($2::bigint[])`

// Reopen puts parked operations back into the queue and records who did it, in
// one transaction. It takes exactly the operations that the filter chooses as
// it begins, in batches; what is not parked any more when its turn comes is
// skipped. A row that is being sent is never touched. It holds eight bytes for
// each operation found, and as much for each put back.
func (s *Store) Reopen(ctx context.Context, r Reopening) (result Reopened, err error) {
	if strings.TrimSpace(r.Reason) == "" || strings.TrimSpace(r.Actor) == "" {
		return result, fmt.Errorf("reopen parked operations: want an actor and a reason")
	}
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		result = Reopened{}
		return reopenTx(ctx, tx, r, &result)
	})
	if err != nil {
		return Reopened{}, fmt.Errorf("reopen parked operations: %w", err)
	}
	return result, nil
}

func reopenTx(ctx context.Context, tx pgx.Tx, r Reopening, result *Reopened) error {
	r.Filter.State = string(Parked)
	rows, err := tx.Query(ctx, sqlFindReopen, r.Filter.args(r.Memories)...)
	if err != nil {
		return fmt.Errorf("find parked operations: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return fmt.Errorf("find parked operations: %w", err)
	}
	if r.Expect == 0 && len(ids) > MaxUnexpected || r.Expect != 0 && len(ids) != r.Expect {
		return &SetSizeError{Found: int64(len(ids)), Expect: int64(r.Expect)}
	}
	if len(ids) == 0 {
		return nil
	}
	result.Found = int64(len(ids))
	accounts, ms := keyMemoryArgs(r.Memories)
	var reopened []int64
	for done := 0; done < len(ids); {
		batch := ids[done:min(done+reopenBatch, len(ids))]
		var b Reopened
		var acted []int64
		err := tx.QueryRow(ctx, sqlReopen, accounts, ms, batch).
			Scan(&acted, &b.Points, &b.InDoubt, &b.KeyMemoryOver, &b.AccountUnknown)
		if err != nil {
			return fmt.Errorf("put batch back: %w", err)
		}
		b.Reopened = int64(len(acted))
		reopened = append(reopened, acted...)
		result.add(b)
		done += len(batch)
		if r.Progress != nil {
			r.Progress(done, len(ids))
		}
	}
	result.Skipped = result.Found - result.Reopened - result.KeyMemoryOver - result.AccountUnknown
	err = tx.QueryRow(ctx, sqlRecordAction, storable(r.Actor), "replay", storable(r.FilterText), storable(r.Reason),
		result.Found, result.text()).Scan(&result.Action)
	if err != nil {
		return fmt.Errorf("record action: %w", err)
	}
	for batch := range slices.Chunk(reopened, reopenBatch) {
		if _, err := tx.Exec(ctx, sqlRecordActed, result.Action, batch); err != nil {
			return fmt.Errorf("record operations of action: %w", err)
		}
	}
	return nil
}

func (r *Reopened) add(b Reopened) {
	r.Reopened += b.Reopened
	r.Points += b.Points
	r.InDoubt += b.InDoubt
	r.KeyMemoryOver += b.KeyMemoryOver
	r.AccountUnknown += b.AccountUnknown
}

// text is the result as ops_actions keeps it.
func (r *Reopened) text() string {
	return fmt.Sprintf("put back %d of %d (%d points, %d in doubt); refused %d key_memory_over, %d account_not_configured; skipped %d no longer parked",
		r.Reopened, r.Found, r.Points, r.InDoubt, r.KeyMemoryOver, r.AccountUnknown, r.Skipped)
}
