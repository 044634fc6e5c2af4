package torture

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go/jetstream"

	"pointsledger/internal/rehearsal"
	"pointsledger/vendorapi/sim"
)

// judge compares all books after a run.
type judge struct {
	rig  *rig
	plan *rehearsal.Plan
	// stored is the plan's message under each sequence of the stream.
	stored map[uint64]int
	// confirmed are the sequences that the broker confirmed to the publisher.
	confirmed map[int]uint64
	// rules are the rule sets that were added during the run.
	rules []newRules

	report   rehearsal.Report
	findings []Finding
	// parkedApplied and parkedNot are the rows that ended parked in doubt, by
	// what the vendor's book says of them.
	parkedApplied, parkedNot int
	// byOrder were applied and take nothing, beside one of their order in doubt.
	byOrder int
	totals  map[sim.Vendor]sim.Totals
}

func (j *judge) find(invariant Invariant, count int, format string, args ...any) {
	if count > 0 {
		j.findings = append(j.findings, Finding{invariant, count, fmt.Sprintf(format, args...)})
	}
}

// run reads all books and gathers findings.
func (j *judge) run(ctx context.Context) error {
	if err := j.readStream(ctx); err != nil {
		return err
	}
	if err := j.compareBooks(ctx); err != nil {
		return err
	}
	if err := j.compareRejects(ctx); err != nil {
		return err
	}
	for _, c := range checks(j.rig.options) {
		if err := j.ask(ctx, c.invariant, c.sql); err != nil {
			return err
		}
	}
	return j.checkRules(ctx, j.rules)
}

// ask reads what breaks an invariant, one text a row.
func (j *judge) ask(ctx context.Context, invariant Invariant, sql string, args ...any) error {
	rows, err := j.rig.pool.Query(ctx, sql, args...)
	if err != nil {
		return fmt.Errorf("check %s: %w", invariant, err)
	}
	texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("check %s: %w", invariant, err)
	}
	if len(texts) > 0 {
		j.find(invariant, len(texts), "%s", texts[0])
	}
	return nil
}

// readStream reads every stored message.
func (j *judge) readStream(ctx context.Context) error {
	j.stored = map[uint64]int{}
	stream, err := j.rig.js.Stream(ctx, streamName)
	if err != nil {
		return fmt.Errorf("open stream: %w", err)
	}
	left := int(stream.CachedInfo().State.Msgs)
	consumer, err := stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverAllPolicy})
	if err != nil {
		return fmt.Errorf("read stream: %w", err)
	}
	for left > 0 {
		batch, err := consumer.Fetch(min(left, 1000), jetstream.FetchMaxWait(10*time.Second))
		if err != nil {
			return fmt.Errorf("read stream: %w", err)
		}
		got := 0
		for m := range batch.Messages() {
			meta, err := m.Metadata()
			if err != nil {
				return fmt.Errorf("read stream: %w", err)
			}
			index, err := strconv.Atoi(m.Headers().Get(messageHeader))
			if err != nil {
				return fmt.Errorf("read stream: sequence %d is not ours: %w", meta.Sequence.Stream, err)
			}
			j.stored[meta.Sequence.Stream] = index
			got++
		}
		if got == 0 {
			return fmt.Errorf("read stream: %w", errors.Join(fmt.Errorf("%d messages do not come", left), batch.Error()))
		}
		left -= got
	}
	lost := 0
	for index, sequence := range j.confirmed {
		if _, kept := j.stored[sequence]; !kept {
			lost++
			j.find(BrokerKeeps, lost, "message %d was confirmed as sequence %d, and the stream does not have it", index, sequence)
		}
	}
	return nil
}

// sqlOperations reads the ledger's word on every operation, and what it takes from.
const sqlOperations = `
SELECT s.target, s.kind, s.event_type, s.event_source, s.business_key, s.biz_id, s.recorded_points, s.recorded_points - s.points,
       CASE WHEN s.waits_for IS NULL OR s.state LIKE 'parked%' THEN s.state ELSE 'waiting for its origin' END, s.in_doubt, COALESCE(s.evidence, ''), COALESCE(s.cause, '') = 'no_vendor_call', COALESCE(o.biz_id, '')
  FROM operation_status s
  LEFT JOIN operations o ON o.id = s.origin_id`

// compareBooks compares truth, ledger and the vendors' book under every key.
func (j *judge) compareBooks(ctx context.Context) error {
	rows, err := j.rig.pool.Query(ctx, sqlOperations)
	if err != nil {
		return fmt.Errorf("read operations: %w", err)
	}
	ledger, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r rehearsal.LedgerRow, err error) {
		var state, evidence string
		err = row.Scan(&r.Account, &r.Kind, &r.Type, &r.Source, &r.BusinessKey, &r.BizID, &r.Points, &r.Netted, &state, &r.InDoubt,
			&evidence, &r.ByHand, &r.Origin)
		r.State = rehearsal.StateOf(state, evidence)
		return r, err
	})
	if err != nil {
		return fmt.Errorf("read operations: %w", err)
	}
	var answer struct {
		Entries []sim.Entry
		Totals  map[sim.Vendor]sim.Totals
	}
	if err := j.rig.control(ctx, http.MethodGet, "/_sim/book", nil, &answer); err != nil {
		return err
	}
	j.totals = answer.Totals
	book := make([]rehearsal.BookRow, len(answer.Entries))
	for i, e := range answer.Entries {
		book[i] = rehearsal.BookRow{Vendor: string(e.Vendor), Key: e.Key, Points: e.Points, Received: e.Received,
			Applied: e.Applied, AppliedPoints: e.AppliedPoints, Mismatched: e.Mismatched,
			FirstNo: e.FirstNo, AppliedNo: e.AppliedNo}
	}
	j.report = j.plan.Compare(ledger, book)
	known := j.openDoubts(ledger, book)
	for _, kind := range slices.Sorted(maps.Keys(j.report.ByKind)) {
		count := j.report.ByKind[kind]
		if kind == rehearsal.AppliedNotPosted {
			count -= len(known)
		}
		j.find(invariantOf(kind), count, "%s", firstOf(j.report.Shown, kind, known, ledger, book))
	}
	return nil
}

// openDoubts counts the rows that are parked in doubt, and returns the keys
// that were applied and that the ledger says are in doubt: what it says is
// true, and a person must look. A refund that takes nothing may have been applied when
// another one of its order is in doubt: which of them takes how much hangs on which is
// recorded first, and commits that are lost may be recorded again in another order.
func (j *judge) openDoubts(ledger []rehearsal.LedgerRow, book []rehearsal.BookRow) map[string]bool {
	applied := make(map[string]int, len(book))
	for _, b := range book {
		applied[b.Key] = b.Applied
	}
	doubtful := map[string]bool{} // origins of what takes back and is in doubt
	for _, row := range ledger {
		if row.Origin != "" && row.InDoubt && row.State != rehearsal.StatePosted {
			doubtful[row.Origin] = true
		}
	}
	known := map[string]bool{}
	for _, row := range ledger {
		switch {
		case row.State == rehearsal.StatePosted:
			continue
		case !row.InDoubt && applied[row.BizID] > 0 && row.State == rehearsal.StateNothing && doubtful[row.Origin]:
			known[row.BizID] = true
			j.byOrder++
			continue
		case !row.InDoubt:
			continue
		}
		if applied[row.BizID] > 0 {
			known[row.BizID] = true
		}
		switch {
		case row.State != rehearsal.StateParked:
		case applied[row.BizID] > 0:
			j.parkedApplied++
		default:
			j.parkedNot++
		}
	}
	return known
}

// firstOf is the first disagreement of a kind in words. A report shows not all: of those
// beyond, the key of what the ledger does not know to be applied.
func firstOf(shown []rehearsal.Disagreement, kind string, known map[string]bool, ledger []rehearsal.LedgerRow, book []rehearsal.BookRow) string {
	for _, d := range shown {
		if d.Kind == kind && (kind != rehearsal.AppliedNotPosted || !known[d.BizID]) {
			return d.String()
		}
	}
	if kind != rehearsal.AppliedNotPosted {
		return kind
	}
	applied := make(map[string]int64, len(book))
	for _, b := range book {
		applied[b.Key] = b.AppliedPoints
	}
	for _, row := range ledger {
		if applied[row.BizID] > 0 && row.State != rehearsal.StatePosted && !known[row.BizID] {
			return fmt.Sprintf("%s: applied for %d points, and the ledger has %+v", kind, applied[row.BizID], row)
		}
	}
	return kind
}

// compareRejects holds every stored message that must be rejected against the
// reject of its sequence, and every reject against its message.
func (j *judge) compareRejects(ctx context.Context) error {
	rows, err := j.rig.pool.Query(ctx, `SELECT stream_seq, reason_code FROM rejects`)
	if err != nil {
		return fmt.Errorf("read rejects: %w", err)
	}
	type reject struct {
		Seq  int64
		Code string
	}
	rejects, err := pgx.CollectRows(rows, pgx.RowToStructByPos[reject])
	if err != nil {
		return fmt.Errorf("read rejects: %w", err)
	}
	codes := make(map[uint64]string, len(rejects))
	for _, r := range rejects {
		codes[uint64(r.Seq)] = r.Code
	}
	missing, wrong := 0, 0
	var firstMissing, firstWrong string
	for _, sequence := range slices.Sorted(maps.Keys(j.stored)) {
		index := j.stored[sequence]
		want, got := j.plan.Messages[index].Expect.Code, codes[sequence]
		switch {
		case want == got:
		case got == "":
			if missing++; missing == 1 {
				firstMissing = fmt.Sprintf("message %d (sequence %d) must be rejected as %s, and the ledger has no reject", index, sequence, want)
			}
		default:
			if wrong++; wrong == 1 {
				firstWrong = fmt.Sprintf("message %d (sequence %d, %s) is rejected as %s, want %q", index, sequence, j.plan.Messages[index].Expect.About, got, want)
			}
		}
	}
	// An acknowledged event of which nothing is recorded, neither operation
	// nor reject.
	j.find(RecordedBeforeAck, missing, "%s", firstMissing)
	j.find(RejectsComplete, wrong, "%s", firstWrong)
	return nil
}
