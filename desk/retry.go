package desk

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"pointsledger/ledger"
	"pointsledger/ledger/rulefiles"
)

// RejectRetry maps rejects again and records what is acceptable now.
type RejectRetry struct {
	// Run is the plan's run. Its act is what the operations are recorded
	// under.
	Run *PlanRun
	// IDs are the plan's rejects, rising.
	IDs   []ledger.RejectID
	Remap Remap
	// RulesVersion is that of the rules behind Remap, and RulesText the file
	// when it must be kept in mappings (the workers did not register it).
	RulesVersion, RulesText string
	// Registered is the version that the workers had registered last when a
	// person looked; empty when they had none. The retry stops when it is
	// neither that nor RulesVersion any more.
	Registered string
	// Refunded: events that were refunded or cancelled whole since are recorded as well;
	// else they stay open.
	Refunded bool
	// Progress hears how many are done, between batches; nil hears nothing.
	Progress func(done, found int)
}

// sqlLockRejects locks those of a batch that are open, in order of id
// (rejects_pkey), and waits for whoever is resolving one. Fewer rows than asked
// for mean that the others are resolved.
const sqlLockRejects = `
SELECT id FROM rejects WHERE id = ANY ($1::bigint[]) AND resolved_at IS NULL ORDER BY id FOR UPDATE`

// sqlResolveRejects writes the resolutions of rejects that are locked
// (rejects_pkey). Fewer rows than given mean that one was resolved before.
const sqlResolveRejects = `
UPDATE rejects r
   SET resolved_at = now(), resolved_by = $3, resolution = t.resolution
  FROM unnest($1::bigint[], $2::text[]) AS t (id, resolution)
 WHERE r.id = t.id AND r.resolved_at IS NULL`

// RetryRejects maps rejects again, in batches. One transaction records the
// operations of a batch as Record would, resolves its rejects and keeps both
// with the act: after a kill a reject is open and has left nothing, or is
// resolved and recorded (TestRejectsRetryKilled). What still fails stays open.
// Beside an error the tally says what was done before it. It holds one batch.
//
// In a ledger that was rebuilt, an event from before that may have been retried
// and sent in the one that is lost. So it is recorded as RecordRebuilt would,
// parked and in doubt, in a transaction before that of the batch's others.
func (d *Desk) RetryRejects(ctx context.Context, r RejectRetry) (RetryTally, error) {
	total := RetryTally{Found: int64(len(r.IDs))}
	rebuilt, err := d.rebuiltAt(ctx)
	if err != nil {
		return total, fmt.Errorf("retry rejects: %w", err)
	}
	done := 0
	err = d.book.EachReject(ctx, r.IDs, func(batch []ledger.Reject) error {
		part := RetryTally{}
		inDoubt, others := remapAll(batch, r.Remap, rebuilt, &part)
		if err := d.leaveWaiting(ctx, inDoubt, others); err != nil {
			return err
		}
		others, err := d.leaveRefunded(ctx, &r, others, &part)
		if err != nil {
			return err
		}
		err = d.retryBatch(ctx, &r, inDoubt, &part)
		if err == nil {
			err = d.retryBatch(ctx, &r, others, &part)
		}
		total.add(&part)
		if err != nil {
			return err
		}
		done += len(batch)
		if r.Progress != nil {
			r.Progress(done, len(r.IDs))
		}
		return nil
	})
	total.sort()
	if err != nil {
		return total, fmt.Errorf("retry rejects: %w", err)
	}
	return total, nil
}

// leaveRefunded takes out what was refunded or cancelled whole since, unless that is
// asked for, and counts it. What is recorded in doubt goes on: it may have been granted.
func (d *Desk) leaveRefunded(ctx context.Context, r *RejectRetry, items []retried, tally *RetryTally) ([]retried, error) {
	if r.Refunded {
		return items, nil
	}
	refunded, err := d.refundedSince(ctx, items)
	if err != nil {
		return nil, err
	}
	before := len(items)
	items = slices.DeleteFunc(items, func(x retried) bool { return x.isRefunded(refunded) })
	tally.Refunded += int64(before - len(items))
	return items, nil
}

// retryTries bounds how often a batch begins anew because a worker recorded one of
// its keys, or somebody resolved one of its rejects, meanwhile.
const retryTries = 10

// retryBatch is Record for rejects: it tries again when another transaction was
// faster, and splits a batch that the database refuses for its content.
func (d *Desk) retryBatch(ctx context.Context, r *RejectRetry, items []retried, tally *RetryTally) error {
	var err error
	var race *ledger.RaceError
	var refused *ledger.RefusedError
	for range retryTries {
		if len(items) == 0 {
			return nil
		}
		var part RetryTally
		var resolved *rejectsResolvedError
		part, err = d.retryOnce(ctx, r, items)
		switch {
		case err == nil:
			tally.add(&part)
			return nil
		case errors.As(err, &resolved):
			before := len(items)
			items = slices.DeleteFunc(items, func(x retried) bool { return !slices.Contains(resolved.open, x.reject.ID) })
			tally.Skipped += int64(before - len(items))
			continue
		case errors.As(err, &race):
			continue
		}
		break
	}
	if !errors.As(err, &refused) {
		return err
	}
	if len(items) == 1 {
		tally.fail(items[0].reject.ID, refused.Rejection)
		return nil
	}
	half := len(items) / 2
	if err := d.retryBatch(ctx, r, items[:half:half], tally); err != nil {
		return err
	}
	return d.retryBatch(ctx, r, items[half:], tally)
}

// rejectsResolvedError says that some of a batch were resolved meanwhile. The
// decisions about the others may rest on them, so the batch begins anew.
type rejectsResolvedError struct{ open []ledger.RejectID }

func (e *rejectsResolvedError) Error() string {
	return "somebody resolved rejects of this batch meanwhile"
}

// retryOnce records a batch of rejects. All of it is in doubt, or nothing.
func (d *Desk) retryOnce(ctx context.Context, r *RejectRetry, items []retried) (RetryTally, error) {
	w := retryWrite{retry: r}
	var rebuilt *ledger.Rebuilt
	if items[0].inDoubt {
		rebuilt = &ledger.Rebuilt{Parked: true}
	}
	var entries []ledger.Entry
	for i := range items {
		x := &items[i]
		w.ids = append(w.ids, x.reject.ID)
		if x.ignored {
			w.tally.Ignored++
			w.resolve(x.reject.ID, "ignored: the rules ignore this type")
			continue
		}
		entries, w.judged = append(entries, x.entry), append(w.judged, x)
	}
	if len(r.IDs) > bulkFrom {
		inBulk(entries)
	}
	err := d.book.RecordBeside(ctx, entries, rebuilt, &w)
	return w.tally, err
}

// inBulk puts the operations of entries into the bulk lane. The events are copied:
// they are whose mapped them.
func inBulk(entries []ledger.Entry) {
	for i := range entries {
		if entries[i].Event == nil {
			continue
		}
		event := *entries[i].Event
		event.Operations = slices.Clone(event.Operations)
		for j := range event.Operations {
			event.Operations[j].Bulk = true
		}
		entries[i].Event = &event
	}
}

// retryWrite is what one transaction of RetryRejects does beside the recording.
type retryWrite struct {
	retry *RejectRetry
	tally RetryTally
	// judged are those that the rules do not ignore, in the order of the
	// verdicts.
	judged   []*retried
	accepted []acceptedReject
	// ids are all of the batch; resolved and resolutions those that are
	// resolved without new operations.
	ids         []ledger.RejectID
	resolved    []ledger.RejectID
	resolutions []string
}

type acceptedReject struct {
	id    ledger.RejectID
	event *ledger.Event
}

func (w *retryWrite) resolve(id ledger.RejectID, how string) {
	w.resolved, w.resolutions = append(w.resolved, id), append(w.resolutions, how)
}

// BeforeTx checks that the retry may go on, and counts what becomes of each.
func (w *retryWrite) BeforeTx(ctx context.Context, tx pgx.Tx, verdicts []ledger.Verdict) error {
	for i, verdict := range verdicts {
		x := w.judged[i]
		switch verdict.Kind {
		case ledger.Accepted:
			w.accepted = append(w.accepted, acceptedReject{x.reject.ID, x.entry.Event})
			w.tally.accept(x.entry.Event, x.inDoubt)
		case ledger.Duplicate:
			w.tally.Duplicates++
			w.resolve(x.reject.ID, "duplicate")
		case ledger.Rejected:
			w.tally.fail(x.reject.ID, verdict.Rejection)
		}
	}
	if err := w.checkTx(ctx, tx); err != nil {
		return err
	}
	if len(w.accepted) > 0 && w.retry.RulesText != "" {
		return rulefiles.RegisterMappingTx(ctx, tx, w.retry.RulesVersion, w.retry.RulesText, fmt.Sprintf("action %d", w.retry.Run.Act))
	}
	return nil
}

// AfterTx resolves the rejects: operations are written before, in the order in
// which Record takes its locks.
func (w *retryWrite) AfterTx(ctx context.Context, tx pgx.Tx, written map[ledger.OperationKey]ledger.OperationID) error {
	run := w.retry.Run
	ids := slices.Sorted(maps.Values(written))
	if err := ledger.RecordActedTx(ctx, tx, run.Act, ids); err != nil {
		return err
	}
	if err := w.tally.overBudgetTx(ctx, tx, ids); err != nil {
		return err
	}
	for _, a := range w.accepted {
		w.resolve(a.id, acceptedResolution(a.event, written))
	}
	if len(w.resolved) == 0 {
		return nil
	}
	tag, err := tx.Exec(ctx, sqlResolveRejects, w.resolved, w.resolutions, ledger.Storable(run.start.Actor))
	if err != nil {
		return fmt.Errorf("resolve rejects: %w", err)
	}
	if tag.RowsAffected() != int64(len(w.resolved)) {
		return fmt.Errorf("resolve rejects: %d of %d were open", tag.RowsAffected(), len(w.resolved))
	}
	return nil
}

// checkTx makes sure that the plan may run, that the rules are those a person
// looked at, and that all rejects of the batch are open and stay so.
func (w *retryWrite) checkTx(ctx context.Context, tx pgx.Tx) error {
	if err := w.retry.Run.runnable(ctx, tx); err != nil {
		return err
	}
	// Half a ledger would take a key for a reject that a later event has, which
	// is not there yet.
	rebuilding, err := ledger.RebuildingTx(ctx, tx)
	if err != nil {
		return err
	}
	if rebuilding {
		return ErrRebuilding
	}
	last, _, err := rulefiles.LastMappingTx(ctx, tx)
	if err != nil {
		return err
	}
	if last.Version != w.retry.Registered && last.Version != w.retry.RulesVersion {
		return &RulesChangedError{Then: w.retry.Registered, Now: last.Version}
	}
	rows, err := tx.Query(ctx, sqlLockRejects, w.ids)
	if err != nil {
		return fmt.Errorf("lock rejects: %w", err)
	}
	open, err := pgx.CollectRows(rows, pgx.RowTo[ledger.RejectID])
	if err != nil {
		return fmt.Errorf("lock rejects: %w", err)
	}
	if len(open) != len(w.ids) {
		return &rejectsResolvedError{open: open}
	}
	return nil
}

// acceptedResolution names the operations that a reject led to, or what it is about.
func acceptedResolution(e *ledger.Event, ids map[ledger.OperationKey]ledger.OperationID) string {
	switch {
	case e.Refers != nil:
		return "accepted: about " + e.Refers.Origin
	case e.Declares != nil:
		return "accepted: " + e.Declares.Text()
	}
	texts := make([]string, len(e.Operations))
	for i := range e.Operations {
		texts[i] = strconv.FormatInt(int64(ids[ledger.OperationKey{Account: e.Operations[i].Account, BizID: e.Operations[i].BizID}]), 10)
	}
	return "accepted: operations " + strings.Join(texts, ", ")
}

// EndRetry records how a retry ended, with the new reasons of what still fails.
func (r *PlanRun) EndRetry(ctx context.Context, t RetryTally, trouble string) (act int64, err error) {
	result := t.text()
	if trouble != "" {
		result = "stopped (" + trouble + "); " + result
	}
	return r.End(ctx, t.Found, result)
}
