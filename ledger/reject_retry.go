package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// RejectRetry maps rejects again and records what is acceptable now.
type RejectRetry struct {
	// Run is the plan's run. Its act is what the operations are recorded
	// under.
	Run *PlanRun
	// IDs are the plan's rejects, rising.
	IDs   []RejectID
	Remap Remap
	// RulesVersion is that of the rules behind Remap, and RulesText the file
	// when it must be kept in mappings (the workers did not register it).
	RulesVersion, RulesText string
	// Registered is the version that the workers had registered last when a
	// person looked; empty when they had none. The retry stops when it is
	// neither that nor RulesVersion any more.
	Registered string
	// Progress hears how many are done, between batches; nil hears nothing.
	Progress func(done, found int)
}

// RulesChangedError stops a retry: the workers registered other rules since a
// person looked. What was done before is done.
type RulesChangedError struct {
	// Then and Now are versions; Then is empty when there were none.
	Then, Now string
}

func (e *RulesChangedError) Error() string {
	return fmt.Sprintf("the workers have registered other rules since: %s, not %q", e.Now, e.Then)
}

// ErrRebuilding stops a retry: the ledger is being rebuilt from the stream.
var ErrRebuilding = errors.New("the ledger is being rebuilt: finish that first (replay stream --from-seq 1)")

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
func (s *Store) RetryRejects(ctx context.Context, r RejectRetry) (RetryTally, error) {
	total := RetryTally{Found: int64(len(r.IDs))}
	rebuilt, err := s.rebuiltAt(ctx)
	if err != nil {
		return total, fmt.Errorf("retry rejects: %w", err)
	}
	done := 0
	err = s.EachReject(ctx, r.IDs, func(batch []Reject) error {
		part := RetryTally{}
		inDoubt, others := remapAll(batch, r.Remap, rebuilt, &part)
		err := s.retryBatch(ctx, &r, inDoubt, &part)
		if err == nil {
			err = s.retryBatch(ctx, &r, others, &part)
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

// retryBatch is record for rejects: it tries again when another transaction was
// faster, and splits a batch that the database refuses for its content.
func (s *Store) retryBatch(ctx context.Context, r *RejectRetry, items []retried, tally *RetryTally) error {
	var err error
	for range maxRecordTries {
		if len(items) == 0 {
			return nil
		}
		var part RetryTally
		var resolved *rejectsResolvedError
		part, err = s.retryOnce(ctx, r, items)
		switch {
		case err == nil:
			tally.add(&part)
			return nil
		case errors.As(err, &resolved):
			before := len(items)
			items = slices.DeleteFunc(items, func(x retried) bool { return !slices.Contains(resolved.open, x.reject.ID) })
			tally.Skipped += int64(before - len(items))
			continue
		case s.lostRace(err):
			continue
		}
		break
	}
	s.behind.note(err)
	refused := contentError(err)
	if refused == nil {
		return explain(err)
	}
	if len(items) == 1 {
		if items[0].entry.Event == nil {
			return explain(err)
		}
		if err := s.isControlAccepted(ctx); err != nil {
			return err
		}
		tally.fail(items[0].reject.ID, Rejectf(OutOfRange, "the ledger's database refuses this event (%s %s): %s",
			refused.Code, refused.ConstraintName, refused.Message))
		return nil
	}
	half := len(items) / 2
	if err := s.retryBatch(ctx, r, items[:half:half], tally); err != nil {
		return err
	}
	return s.retryBatch(ctx, r, items[half:], tally)
}

// rejectsResolvedError says that some of a batch were resolved meanwhile. The
// decisions about the others may rest on them, so the batch begins anew.
type rejectsResolvedError struct{ open []RejectID }

func (e *rejectsResolvedError) Error() string {
	return "somebody resolved rejects of this batch meanwhile"
}

// retryOnce decides about a batch as recordOnce does, and writes it. All of it is
// in doubt, or nothing.
func (s *Store) retryOnce(ctx context.Context, r *RejectRetry, items []retried) (tally RetryTally, err error) {
	entries := make([]Entry, len(items))
	for i := range items {
		entries[i] = items[i].entry
	}
	known, err := s.lookUp(ctx, entries)
	if err != nil {
		return tally, err
	}
	w := retryWrite{retry: r, write: s.newWrite(&queueing{})}
	if items[0].inDoubt {
		w.write.how.rebuilt = &Rebuilt{Parked: true}
	}
	for i := range items {
		x, e := &items[i], &entries[i]
		w.ids = append(w.ids, x.reject.ID)
		if x.ignored {
			tally.Ignored++
			w.resolve(x.reject.ID, "ignored: the rules ignore this type")
			continue
		}
		verdict := decide(e, known)
		switch verdict.Kind {
		case Accepted:
			known.add(e)
			w.write.add(e)
			w.accepted = append(w.accepted, acceptedReject{x.reject.ID, e.Event})
			tally.accept(e.Event, x.inDoubt)
		case Duplicate:
			tally.Duplicates++
			w.resolve(x.reject.ID, "duplicate")
		case Rejected:
			tally.fail(x.reject.ID, verdict.Rejection)
		}
	}
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error { return w.writeTx(ctx, tx) })
	return tally, err
}

// retryWrite is what one transaction of RetryRejects writes.
type retryWrite struct {
	retry    *RejectRetry
	write    recordWrite
	accepted []acceptedReject
	// ids are all of the batch; resolved and resolutions those that are
	// resolved without new operations.
	ids         []RejectID
	resolved    []RejectID
	resolutions []string
}

type acceptedReject struct {
	id    RejectID
	event *Event
}

func (w *retryWrite) resolve(id RejectID, how string) {
	w.resolved, w.resolutions = append(w.resolved, id), append(w.resolutions, how)
}

// writeTx writes the operations before it touches the rejects, in the order in
// which Record takes its locks.
func (w *retryWrite) writeTx(ctx context.Context, tx pgx.Tx) error {
	if err := w.checkTx(ctx, tx); err != nil {
		return err
	}
	if len(w.accepted) == 0 && len(w.resolved) == 0 {
		return nil
	}
	ids, err := w.recordTx(ctx, tx)
	if err != nil {
		return err
	}
	for _, a := range w.accepted {
		w.resolve(a.id, acceptedResolution(a.event, ids))
	}
	run := w.retry.Run
	tag, err := tx.Exec(ctx, sqlResolveRejects, w.resolved, w.resolutions, Storable(run.start.Actor))
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
	identity, found, err := readIdentity(ctx, tx.Conn())
	if err != nil {
		return err
	}
	if found && identity.Rebuilding() {
		return ErrRebuilding
	}
	var last MappingUse
	err = tx.QueryRow(ctx, sqlLastMapping).Scan(&last.Version, &last.Text, &last.FirstUsed)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("read last rule file: %w", err)
	}
	if last.Version != w.retry.Registered && last.Version != w.retry.RulesVersion {
		return &RulesChangedError{Then: w.retry.Registered, Now: last.Version}
	}
	rows, err := tx.Query(ctx, sqlLockRejects, w.ids)
	if err != nil {
		return fmt.Errorf("lock rejects: %w", err)
	}
	open, err := pgx.CollectRows(rows, pgx.RowTo[RejectID])
	if err != nil {
		return fmt.Errorf("lock rejects: %w", err)
	}
	if len(open) != len(w.ids) {
		return &rejectsResolvedError{open: open}
	}
	return nil
}

// recordTx writes the new operations and their outbox rows by the statement of
// Record, and keeps that the act made them.
func (w *retryWrite) recordTx(ctx context.Context, tx pgx.Tx) (map[key]OperationID, error) {
	if len(w.write.operations) == 0 {
		return nil, nil
	}
	if w.retry.RulesText != "" {
		if _, err := tx.Exec(ctx, sqlRegisterMapping, w.retry.RulesVersion, w.retry.RulesText,
			fmt.Sprintf("action %d", w.retry.Run.Act)); err != nil {
			return nil, fmt.Errorf("register rule file: %w", err)
		}
	}
	args, err := operationArgs(w.write.operations)
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, sqlInsertOperations, append(args, w.write.how.args()...)...)
	if err != nil {
		return nil, fmt.Errorf("record operations: %w", err)
	}
	ids := make(map[key]OperationID, len(w.write.operations))
	var all []OperationID
	var id OperationID
	var k key
	var now time.Time
	_, err = pgx.ForEachRow(rows, []any{&id, &k.Target, &k.BizID, &now}, func() error {
		ids[k] = id
		all = append(all, id)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("record operations: %w", err)
	}
	return ids, RecordActedTx(ctx, tx, w.retry.Run.Act, all)
}

// acceptedResolution names the operations that a reject led to.
func acceptedResolution(e *Event, ids map[key]OperationID) string {
	texts := make([]string, len(e.Operations))
	for i := range e.Operations {
		texts[i] = strconv.FormatInt(int64(ids[key{e.Operations[i].Target, e.Operations[i].BizID}]), 10)
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
