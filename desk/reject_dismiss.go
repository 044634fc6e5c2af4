package desk

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"pointsledger/ledger"
)

// Dismissal is a person's decision that rejects need nothing more.
type Dismissal struct {
	Filter RejectFilter
	// FilterText is the filter as the record of the act shows it.
	FilterText string
	// Expect is the number of open rejects that the person expects; 0 means not
	// said, which is enough up to MaxUnexpected.
	Expect int64
	// Actor and Reason are recorded; neither may be empty.
	Actor, Reason string
}

// Dismissed says what became of the rejects that a dismissal found.
type Dismissed struct {
	// Act is the id of the row of ops_actions; 0 when nothing was found.
	Act int64 `json:"action_id"`
	// Found = Dismissed + Skipped.
	Found     int64 `json:"found"`
	Dismissed int64 `json:"dismissed"`
	// Skipped were resolved by somebody else meanwhile.
	Skipped int64 `json:"skipped_already_resolved"`
	// WaitsEnded are events that waited for what they are about, and do not any more.
	WaitsEnded int64 `json:"waits_ended"`
}

// sqlEndWaits ends the waits of events whose rejects are dismissed (by the message,
// which reads the whole table). It goes before the rejects are locked, as a join does it, and
// leaves what is being recorded right now: its reject is closed by that.
const sqlEndWaits = `
DELETE FROM waiting w
 WHERE w.fact_key = ANY (ARRAY(
       SELECT v.fact_key
         FROM rejects r
         JOIN waiting v ON v.stream = r.stream AND v.stream_created = r.stream_created AND v.stream_seq = r.stream_seq AND v.broker_time = r.broker_time
        WHERE r.id = ANY ($1::bigint[]) AND r.reason_code = 'origin_unknown' AND r.resolved_at IS NULL
          FOR UPDATE OF v SKIP LOCKED))`

// dismissBatch bounds what one statement locks.
const dismissBatch = 1000

// DismissRejects resolves open rejects without recording anything else, and
// keeps who did it, in one transaction. A refund that waits for its sale waits no more:
// published again, it counts anew. The error is a *SetSizeError when their
// number is not what is expected. It holds eight bytes for each, and a batch.
func (d *Desk) DismissRejects(ctx context.Context, what Dismissal) (result Dismissed, err error) {
	if strings.TrimSpace(what.Actor) == "" || strings.TrimSpace(what.Reason) == "" {
		return result, fmt.Errorf("dismiss rejects: %w", ErrNoReason)
	}
	err = pgx.BeginFunc(ctx, d.pool, func(tx pgx.Tx) error {
		result = Dismissed{}
		return dismissTx(ctx, tx, what, &result)
	})
	if err != nil {
		return Dismissed{}, fmt.Errorf("dismiss rejects: %w", err)
	}
	return result, nil
}

func dismissTx(ctx context.Context, tx pgx.Tx, d Dismissal, result *Dismissed) error {
	d.Filter.State = RejectsOpen
	ids, err := collectRejectIDs(tx.Query(ctx, sqlFindRejects, d.Filter.args()))
	if err != nil {
		return fmt.Errorf("find rejects: %w", err)
	}
	result.Found = int64(len(ids))
	size := NewPlan{Expect: d.Expect, MaxSize: MaxUnexpected}
	if err := size.checkSize(result.Found); err != nil || len(ids) == 0 {
		return err
	}
	resolution := "dismissed: " + ledger.Storable(d.Reason)
	for len(ids) > 0 {
		batch := ids[:min(len(ids), dismissBatch)]
		ids = ids[len(batch):]
		ended, err := tx.Exec(ctx, sqlEndWaits, batch)
		if err != nil {
			return fmt.Errorf("end waits: %w", err)
		}
		result.WaitsEnded += ended.RowsAffected()
		open, err := collectRejectIDs(tx.Query(ctx, sqlLockRejects, batch))
		if err != nil {
			return fmt.Errorf("lock rejects: %w", err)
		}
		resolutions := make([]string, len(open))
		for i := range resolutions {
			resolutions[i] = resolution
		}
		tag, err := tx.Exec(ctx, sqlResolveRejects, open, resolutions, ledger.Storable(d.Actor))
		if err != nil {
			return fmt.Errorf("resolve rejects: %w", err)
		}
		result.Dismissed += tag.RowsAffected()
	}
	result.Skipped = result.Found - result.Dismissed
	result.Act, err = ledger.RecordActOn(ctx, tx, ledger.Act{Actor: d.Actor, Name: ActRejectsDismiss, Filter: d.FilterText, Reason: d.Reason, SetSize: result.Found,
		Result: fmt.Sprintf("dismissed %d of %d rejects, skipped %d already resolved", result.Dismissed, result.Found, result.Skipped)})
	return err
}

func collectRejectIDs(rows pgx.Rows, err error) ([]ledger.RejectID, error) {
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[ledger.RejectID])
}
