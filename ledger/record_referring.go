package ledger

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
)

// referringMost is how many facts a transaction locks at most.
const referringMost = 256

// recordReferring is record for a batch in which events refer to earlier ones, or
// declare days: what they may refer to is written first.
func (s *Store) recordReferring(ctx context.Context, entries []Entry, how *queueing) ([]Verdict, error) {
	var plain, referring, declaring []Entry
	var plainAt, referringAt, declaringAt []int
	for i := range entries {
		switch {
		case refers(entries[i]):
			referring, referringAt = append(referring, entries[i]), append(referringAt, i)
		case declares(entries[i]):
			declaring, declaringAt = append(declaring, entries[i]), append(declaringAt, i)
		default:
			plain, plainAt = append(plain, entries[i]), append(plainAt, i)
		}
	}
	verdicts := make([]Verdict, len(entries))
	write := s.record
	if how.rebuilt == nil {
		write = s.recordParts
	}
	first, err := write(ctx, plain, how)
	if err != nil {
		return nil, err
	}
	for i, at := range plainAt {
		verdicts[at] = first[i]
	}
	declared, err := s.recordBy(ctx, declaring, how, s.declareOnce)
	if err != nil {
		return nil, err
	}
	for i, at := range declaringAt {
		verdicts[at] = declared[i]
	}
	for from := 0; from < len(referring); from += referringMost {
		to := min(from+referringMost, len(referring))
		part, err := s.recordBy(ctx, referring[from:to], how, s.referOnce)
		if err != nil {
			return nil, err
		}
		for i, at := range referringAt[from:to] {
			verdicts[at] = part[i]
		}
	}
	return verdicts, nil
}

// referOnce records a batch of referring events in one transaction.
func (s *Store) referOnce(ctx context.Context, entries []Entry, how *queueing) (verdicts []Verdict, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		w := referring{rebuilt: how.rebuilt}
		if how.rebuilt != nil && how.rebuilt.While != nil {
			if err := how.rebuilt.While.StandsTx(ctx, tx); err != nil {
				return err
			}
		}
		verdicts, _, err = s.referTx(ctx, tx, entries, &w)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("record what refers to earlier facts: %w", err)
	}
	return verdicts, nil
}

// referring is what one transaction writes of referring events.
type referring struct {
	rebuilt *Rebuilt
	// joined: the events waited, and are in table waiting.
	joined  bool
	rows    []referringRow
	waits   []*Entry
	rejects []newReject
}

// referringRow is an operation that takes from an origin.
type referringRow struct {
	newOperation
	origin *origin
	taken  taken
	before int64
	netted bool
}

// referTx decides about events that refer to others, in order, and writes them. Each
// sale that they refer to is locked before anything is read: two refunds of one sale
// are counted one after the other, by any worker. A sale itself locks nothing: what
// is recorded beside it waits, and package waiting brings both together.
func (s *Store) referTx(ctx context.Context, tx pgx.Tx, entries []Entry, w *referring) ([]Verdict, map[OperationKey]OperationID, error) {
	if err := lockOrigins(ctx, tx, originKeys(entries)); err != nil {
		return nil, nil, err
	}
	known, err := s.lookUpIn(ctx, tx, entries)
	if err != nil {
		return nil, nil, err
	}
	if !w.joined {
		if err := known.addWaiting(ctx, tx, entries); err != nil {
			return nil, nil, err
		}
	}
	origins, err := readOrigins(ctx, tx, entries)
	if err != nil {
		return nil, nil, err
	}
	if w.rebuilt == nil {
		if err := lockUnsent(ctx, tx, origins); err != nil {
			return nil, nil, err
		}
	}
	verdicts := make([]Verdict, len(entries))
	for i := range entries {
		e := &entries[i]
		if verdicts[i] = decide(e, known); verdicts[i].Kind == Accepted {
			if rejection := w.add(e, e.Event.Refers.find(origins)); rejection != nil {
				verdicts[i] = Verdict{Kind: Rejected, Rejection: rejection}
			} else {
				known.add(e)
			}
		}
		if verdicts[i].Kind == Rejected {
			w.rejects = append(w.rejects, newReject{e, verdicts[i].Rejection})
		}
	}
	written, err := w.write(ctx, tx)
	return verdicts, written, err
}

// add decides what becomes of an event: operations, one for each origin, or a wait.
func (w *referring) add(e *Entry, origins []*origin) *Rejection {
	r := e.Event.Refers
	if len(origins) == 0 {
		w.waits = append(w.waits, e)
		return nil
	}
	about := r.about(origins)
	all := make([]taken, len(about))
	for i, o := range about {
		var rejection *Rejection
		if all[i], rejection = o.take(r); rejection != nil {
			return rejection
		}
	}
	for i, o := range about {
		op := r.operation(e.Event, o, all[i])
		row := referringRow{newOperation: newOperation{Operation: &op, entry: e, leg: i}, origin: o, taken: all[i], before: o.kept}
		// What was not sent is lessened; a freeze that is to be consumed is sent first.
		if o.open && all[i].points > 0 && !r.Consumes {
			row.netted = true
			o.left -= all[i].points
		}
		o.apply(r, all[i])
		w.rows = append(w.rows, row)
	}
	return nil
}

// find are the origins of a referral, under the first of its keys that is known.
func (r *Referral) find(origins map[FactKey][]*origin) []*origin {
	for _, key := range r.Origins {
		if found := origins[key]; len(found) > 0 {
			return found
		}
	}
	return nil
}

// originKeys are all keys that the entries' origins may have, each once, in order.
func originKeys(entries []Entry) [][16]byte {
	var keys []FactKey
	for i := range entries {
		keys = append(keys, entries[i].Event.Refers.Origins...)
	}
	return sortedFacts(keys)
}

func sortedFacts(keys []FactKey) [][16]byte {
	sorted := make([][16]byte, len(keys))
	for i, key := range keys {
		sorted[i] = key
	}
	slices.SortFunc(sorted, func(a, b [16]byte) int { return slices.Compare(a[:], b[:]) })
	return slices.Compact(sorted)
}

// sqlLockOrigins locks sales, in the order of the numbers.
const sqlLockOrigins = `SELECT pg_advisory_xact_lock(n) FROM (SELECT n FROM unnest($1::bigint[]) AS n ORDER BY n) AS sorted`

// lockOrigins locks the sales that are referred to until the transaction ends. Two
// facts may share a number: then one waits for nothing.
func lockOrigins(ctx context.Context, tx pgx.Tx, keys [][16]byte) error {
	var numbers []int64
	for _, key := range keys {
		numbers = append(numbers, int64(binary.BigEndian.Uint64(key[:8])))
	}
	if _, err := tx.Exec(ctx, sqlLockOrigins, numbers); err != nil {
		return fmt.Errorf("lock sales: %w", err)
	}
	return nil
}

// Joining takes events that waited for their origin out of where they waited, in the
// transaction that records them.
type Joining interface {
	// TakeTx is called when the origins are locked, and returns what is to be recorded.
	TakeTx(ctx context.Context, tx pgx.Tx) ([]Entry, error)
	// JoinedTx is called last, with a verdict on each; an error undoes all.
	JoinedTx(ctx context.Context, tx pgx.Tx, entries []Entry, verdicts []Verdict) error
}

// RecordJoined records events that waited for their origins, which are there by now.
// What is rejected is in rejects. The error is a *RaceError, that of joining, or the
// database's.
func (s *Store) RecordJoined(ctx context.Context, origins []FactKey, joining Joining) error {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if err := lockOrigins(ctx, tx, sortedFacts(origins)); err != nil {
			return err
		}
		entries, err := joining.TakeTx(ctx, tx)
		if err != nil || len(entries) == 0 {
			return err
		}
		// What may have been done is left to a person, as if it was read from the
		// stream again now.
		slices.SortStableFunc(entries, func(a, b Entry) int { return cmp.Compare(doneOrNot(a), doneOrNot(b)) })
		fresh := entries
		if i := slices.IndexFunc(entries, func(e Entry) bool { return e.Event.Refers.MayBeDone }); i >= 0 {
			fresh = entries[:i]
		}
		verdicts, _, err := s.referTx(ctx, tx, fresh, &referring{joined: true})
		if err != nil {
			return err
		}
		doubtful, _, err := s.referTx(ctx, tx, entries[len(fresh):], &referring{joined: true, rebuilt: &Rebuilt{}})
		if err != nil {
			return err
		}
		return joining.JoinedTx(ctx, tx, entries, append(verdicts, doubtful...))
	})
	if err != nil && s.lostRace(err) {
		return &RaceError{err}
	}
	return err
}

func doneOrNot(e Entry) int {
	if e.Event.Refers.MayBeDone {
		return 1
	}
	return 0
}

// sqlReadOrigins reads the operations of facts (operations_one_per_fact) and what was
// taken from each (reversals_origin_idx). After a cancellation refunds of any amount are
// accepted, so that their sum may be more than 64 bits hold: then it is the most.
const sqlReadOrigins = `
SELECT o.fact_key, o.id, o.kind, o.target, o.biz_id, o.points, COALESCE(o.member_id, ''), COALESCE(o.member_code, ''),
       COALESCE(o.source_type, 0), COALESCE(o.points_channel, 0), COALESCE(o.shop_code, ''), o.amount_fen,
       r.refunded, r.whole, COALESCE(r.kept, o.points), r.ended
  FROM unnest($1::uuid[]) AS k (fact_key)
 CROSS JOIN LATERAL (SELECT * FROM operations WHERE fact_key = k.fact_key OFFSET 0) AS o
  CROSS JOIN LATERAL (
       SELECT LEAST(COALESCE(sum(amount_fen), 0), 9223372036854775807)::bigint AS refunded, COALESCE(bool_or(amount_fen IS NULL), false) AS whole,
              min(kept_after) AS kept, COALESCE(bool_or(ends), false) AS ended
         FROM reversals WHERE origin_id = o.id) AS r
 ORDER BY o.fact_key, o.fact_leg`

// readOrigins reads what the entries refer to, by fact.
func readOrigins(ctx context.Context, tx pgx.Tx, entries []Entry) (map[FactKey][]*origin, error) {
	rows, err := tx.Query(ctx, sqlReadOrigins, originKeys(entries))
	if err != nil {
		return nil, fmt.Errorf("read origins: %w", err)
	}
	origins := map[FactKey][]*origin{}
	var o origin
	var fact [16]byte
	_, err = pgx.ForEachRow(rows, []any{&fact, &o.id, &o.kind, &o.account, &o.bizID, &o.points, &o.memberID, &o.memberCode,
		&o.sourceType, &o.channel, &o.shopCode, &o.amountFen, &o.refunded, &o.whole, &o.kept, &o.ended}, func() error {
		found := o
		if _, known := endings[o.kind]; known { // what takes back is taken back by nothing
			origins[fact] = append(origins[fact], &found)
		}
		o.amountFen = nil
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read origins: %w", err)
	}
	return origins, nil
}

// sqlUnsent finds the rows of which nothing can have been sent: no lease, no
// attempt, no first send (outbox_pkey), and no call that the vendor turned away for our
// credentials or our pace, which uses no attempt: it has seen the key with these points
// (attempts_operation_id_idx). Locks nothing.
const sqlUnsent = `
SELECT x.operation_id, COALESCE(x.points, o.points)
  FROM outbox x
  JOIN operations o ON o.id = ANY (ARRAY[x.operation_id])
 WHERE x.operation_id = ANY ($1::bigint[]) AND x.state IN ('pending', 'parked') AND x.attempts = 0 AND x.first_sent_at IS NULL AND NOT x.in_doubt
   AND x.waits_for IS NULL
   AND NOT EXISTS (SELECT 1 FROM attempts a WHERE a.operation_id = ANY (ARRAY[x.operation_id]) AND a.call = 'points')
 ORDER BY x.operation_id`

// sqlLockUnsent locks them; what somebody else has locked counts as sent.
const sqlLockUnsent = sqlUnsent + ` FOR UPDATE OF x SKIP LOCKED`

// lockUnsent finds which origins were not sent, and keeps them so.
func lockUnsent(ctx context.Context, tx pgx.Tx, origins map[FactKey][]*origin) error {
	return findUnsent(ctx, tx, sqlLockUnsent, origins)
}

// findUnsent finds which origins were not sent, by one of the statements above.
func findUnsent(ctx context.Context, tx pgx.Tx, sql string, origins map[FactKey][]*origin) error {
	byID := map[OperationID]*origin{}
	var ids []int64
	for _, of := range origins {
		for _, o := range of {
			byID[o.id] = o
			ids = append(ids, int64(o.id))
		}
	}
	rows, err := tx.Query(ctx, sql, ids)
	if err != nil {
		return fmt.Errorf("find what was not sent: %w", err)
	}
	var id OperationID
	var left int64
	_, err = pgx.ForEachRow(rows, []any{&id, &left}, func() error {
		o := byID[id]
		// Something of it was taken back as if it had been sent: then it counts as sent.
		o.open, o.left = left == o.kept, left
		return nil
	})
	if err != nil {
		return fmt.Errorf("find what was not sent: %w", err)
	}
	return nil
}

// ForeseeTx says what would become of an event if it was recorded now. It locks and
// writes nothing; tx may be read-only, and should have one snapshot. It must not be
// the pool's only connection.
func (s *Store) ForeseeTx(ctx context.Context, tx pgx.Tx, e Entry) (f Foresight, err error) {
	entries := []Entry{e}
	known, err := s.lookUpIn(ctx, tx, entries)
	if err != nil {
		return f, err
	}
	if declares(e) {
		if err := known.addDeclared(ctx, tx, entries); err != nil {
			return f, err
		}
	}
	f.Verdict = decide(&e, known)
	if !refers(e) {
		return f, nil
	}
	if f.Verdict.Kind == Accepted {
		if err := known.addWaiting(ctx, tx, entries); err != nil {
			return f, err
		}
		f.Verdict = decide(&e, known)
		f.Waits = f.Verdict.Kind == Duplicate
	}
	if f.Verdict.Kind != Accepted {
		return f, nil
	}
	origins, err := readOrigins(ctx, tx, entries)
	if err != nil {
		return f, err
	}
	if err := findUnsent(ctx, tx, sqlUnsent, origins); err != nil {
		return f, err
	}
	w := referring{}
	if rejection := w.add(&e, e.Event.Refers.find(origins)); rejection != nil {
		f.Verdict = Verdict{Kind: Rejected, Rejection: rejection}
	}
	f.Waits = len(w.waits) > 0
	for _, row := range w.rows {
		f.Takes = append(f.Takes, row.take())
	}
	return f, nil
}

// sortRows puts the operations into the order in which facts are inserted.
func (w *referring) sortRows() {
	slices.SortStableFunc(w.rows, func(a, b referringRow) int {
		x, y := &a.entry.Event.FactKey, &b.entry.Event.FactKey
		return cmp.Or(slices.Compare(x[:], y[:]), cmp.Compare(a.leg, b.leg))
	})
}
