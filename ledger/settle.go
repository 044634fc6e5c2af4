package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Confirmation is a heard "applied".
type Confirmation struct {
	ID       OperationID
	Evidence Evidence
	MemberID string
	// HTTPStatus 0 and empty texts are stored as NULL.
	HTTPStatus  int
	VendorCode  string
	VendorWords string
	Duration    time.Duration
}

// Confirmed says what became of a batch of confirmations.
type Confirmed struct {
	// Posted operations got their posting now.
	Posted int
	// Before: somebody had posted them before.
	Before int
	// AfterVoid: a person had voided them, yet the vendor applied them. The
	// confirmation is kept in attempts; somebody must look.
	AfterVoid []OperationID
}

// sqlConfirm writes the postings and deletes the outbox rows in one statement,
// whoever holds the lease: what was heard is true. A row that is missing from
// the answer had no open outbox row. The ids come sorted, so the rows are locked
// in order (outbox_pkey), as sqlSettle does: two workers may have the same rows
// in hand. Answers are few and alike, so each row names its own by number.
const sqlConfirm = confirmGone + confirmAnswer

// sqlConfirmClosed is sqlConfirm for rows of which some are open although they
// have ended: their row goes, and their posting stays as it is.
const sqlConfirmClosed = confirmGone + ` ON CONFLICT ON CONSTRAINT postings_pkey DO NOTHING` + confirmAnswer

const (
	confirmGone = `
WITH gone AS (
    DELETE FROM outbox x
     USING unnest($1::bigint[], $2::text[], $3::integer[]) AS h (operation_id, member_id, answer)
     WHERE x.operation_id = ANY (ARRAY[h.operation_id])
    RETURNING h.operation_id, h.member_id, h.answer, x.attempts, x.first_sent_at, x.resolved_member_id IS NOT NULL AS by_code, x.points
)
INSERT INTO postings (operation_id, kind, evidence, member_id, attempts, http_status, vendor_code, vendor_message,
                      first_sent_at, by_code, points)
SELECT operation_id, 'posted', ($4::text[])[answer], member_id, attempts + 1,
       NULLIF(($5::smallint[])[answer], 0::smallint), NULLIF(($6::text[])[answer], ''), NULLIF(($7::text[])[answer], ''),
       first_sent_at, by_code, points
  FROM gone`
	confirmAnswer = `
RETURNING operation_id`
)

// answer is what the confirmations of many operations have in common.
type answer struct {
	evidence Evidence
	status   int
	code     string
	words    string
}

// confirmArgs turns confirmations, sorted and each for another operation, into
// the columns that sqlConfirm reads.
func confirmArgs(heard []*Confirmation) []any {
	n := len(heard)
	ids, members, numbers := make([]int64, n), make([]string, n), make([]int32, n)
	known := make(map[answer]int32)
	var evidence, codes, words []string
	var statuses []int16
	for i, h := range heard {
		a := answer{h.Evidence, h.HTTPStatus, h.VendorCode, h.VendorWords}
		number, found := known[a]
		if !found {
			evidence, statuses = append(evidence, string(a.evidence)), append(statuses, int16(a.status))
			codes, words = append(codes, Storable(a.code)), append(words, Storable(a.words))
			number = int32(len(evidence)) // Postgres counts from 1
			known[a] = number
		}
		ids[i], members[i], numbers[i] = int64(h.ID), h.MemberID, number
	}
	return []any{ids, members, numbers, evidence, statuses, codes, words}
}

// Confirm posts operations that the vendor says it applied. A confirmation for
// what is posted already is normal, and counted. A result that the database
// refuses for itself is set aside, told by a *SetAsideError beside what became of
// the others; after any other error the caller tries again with all of them.
func (s *Store) Confirm(ctx context.Context, heard []Confirmation) (Confirmed, error) {
	if len(heard) == 0 {
		return Confirmed{}, nil
	}
	byID := make(map[OperationID]*Confirmation, len(heard))
	for i := range heard {
		byID[heard[i].ID] = &heard[i]
	}
	sorted := slices.SortedFunc(maps.Values(byID), func(a, b *Confirmation) int { return cmp.Compare(a.ID, b.ID) })
	result := Confirmed{}
	apart := settleApart[*Confirmation]{write: func(part []*Confirmation) error {
		posted, err := s.confirmOpen(ctx, part)
		for _, id := range posted {
			delete(byID, id)
		}
		result.Posted += len(posted)
		return err
	}}
	err := apart.run(sorted)
	if err == nil {
		err = apart.verdict()
	}
	if err != nil {
		return result, fmt.Errorf("post confirmations: %w", err)
	}
	for _, r := range apart.refused {
		delete(byID, r.row.ID)
	}
	if err := s.confirmClosed(ctx, byID, &result); err != nil {
		return result, err
	}
	return result, s.setAside(ctx, asideConfirmations(apart.refused))
}

// confirmOpen posts those of the operations that have an open row, and returns
// them.
func (s *Store) confirmOpen(ctx context.Context, sorted []*Confirmation) ([]OperationID, error) {
	args := confirmArgs(sorted)
	posted, err := queryIDs(ctx, s.pool, sqlConfirm, args...)
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.ConstraintName == "postings_pkey" {
		return queryIDs(ctx, s.pool, sqlConfirmClosed, args...)
	}
	return posted, err
}

// queryIDs runs a statement that returns operation ids.
func queryIDs(ctx context.Context, pool *pgxpool.Pool, sql string, args ...any) ([]OperationID, error) {
	rows, err := pool.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[OperationID])
}

// Call is what was asked of the vendor.
type Call string

const (
	// CallPoints is the call that an operation is for. It is what "" means, too.
	CallPoints Call = "points"
	// CallRecords reads the member's records; its words say nothing about points.
	CallRecords Call = "records"
	// CallIdentity asks who a scanned code is.
	CallIdentity Call = "identity"
)

// Attempt is an attempt that did not post, for table attempts.
type Attempt struct {
	// Call is the call that the outcome and the words belong to.
	Call Call
	// Outcome is a name of vendorapi.Outcome.
	Outcome     string
	HTTPStatus  int
	VendorCode  string
	VendorWords string
	// Error is our own words when there was no readable answer.
	Error    string
	Duration time.Duration
}

// Change gives a leased row back.
type Change struct {
	ID    OperationID
	Token LeaseToken
	// State is Pending or Parked.
	State State
	// Cause is required for Parked; for Pending it says why it waits again.
	Cause Cause
	// Doubt marks the row in doubt. False leaves the doubt as it is.
	Doubt bool
	// QuietIn is how long after now the call that caused the doubt may still run
	// at the vendor.
	QuietIn time.Duration
	// Lack is what a reading of the member's records lacked; empty keeps none.
	Lack string
	// UseAttempt counts this attempt.
	UseAttempt bool
	// Delay is the time until a pending row is due again.
	Delay time.Duration
	// Unsent: neither this claim nor an earlier one can have had an effect at
	// the vendor (nothing left this machine, or the vendor turned it away for
	// our credentials or our pace): the row counts as never sent.
	Unsent bool
	// Reshape: the row may be sent in another request shape; a row in doubt
	// keeps its shape all the same.
	Reshape bool
	// Attempt is recorded when it is not nil.
	Attempt *Attempt
}

// sqlSettle gives leased rows back and records their attempts. A row changes
// only under its live lease; one that is missing from the answer was lost to
// another worker, which is normal. Doubt is never cleared here. Locks the rows
// in order (outbox_pkey), as sqlConfirm does.
const sqlSettle = `
WITH change AS (
    SELECT *
      FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::boolean[], $6::int[], $7::bigint[],
                  $8::boolean[], $9::text[], $10::smallint[], $11::text[], $12::text[], $13::text[], $14::int[], $15::text[], $16::boolean[],
                  $17::bigint[], $18::text[])
           AS c (operation_id, lease_token, state, cause, doubt, use_attempt, delay_ms, unsent,
                 outcome, http_status, vendor_code, vendor_message, error, duration_ms, call, reshape, quiet_ms, lack)
), locked AS (
    SELECT c.*
      FROM change c
      JOIN outbox x ON x.operation_id = ANY (ARRAY[c.operation_id]) AND x.lease_token = c.lease_token AND x.lease_until > now()
     ORDER BY c.operation_id
       FOR UPDATE OF x
), changed AS (
    UPDATE outbox x
       SET state = c.state, cause = NULLIF(c.cause, ''), in_doubt = x.in_doubt OR c.doubt,
           quiet_since = CASE WHEN c.doubt THEN GREATEST(x.quiet_since, now() + c.quiet_ms * interval '1 millisecond')
                              ELSE x.quiet_since END,
           lack = NULLIF(c.lack, ''),
           attempts = x.attempts + c.use_attempt,
           next_attempt_at = now() + c.delay_ms * interval '1 millisecond',
           first_sent_at = CASE WHEN c.unsent AND NOT x.in_doubt THEN NULL ELSE x.first_sent_at END,
           shape = CASE WHEN c.reshape AND NOT x.in_doubt THEN NULL ELSE x.shape END,
           lease_token = NULL, lease_until = NULL
      FROM locked c
     WHERE x.operation_id = ANY (ARRAY[c.operation_id]) AND x.lease_token = c.lease_token AND x.lease_until > now()
    RETURNING x.operation_id, c.outcome, c.http_status, c.vendor_code, c.vendor_message, c.error, c.duration_ms, c.call
), recorded AS (
    INSERT INTO attempts (operation_id, outcome, http_status, vendor_code, vendor_message, error, duration_ms, call)
    SELECT operation_id, outcome, NULLIF(http_status, 0::smallint), NULLIF(vendor_code, ''),
           NULLIF(vendor_message, ''), NULLIF(error, ''), duration_ms, call
      FROM changed
     WHERE outcome <> ''
)
SELECT operation_id FROM changed`

// Settle gives leased rows back and returns those that were changed; the
// others were no longer this worker's. A result that the database refuses for
// itself is set aside, and told by a *SetAsideError beside the others.
func (s *Store) Settle(ctx context.Context, changes []Change) ([]OperationID, error) {
	if len(changes) == 0 {
		return nil, nil
	}
	if err := s.behind.Check(ctx, s.pool); err != nil {
		return nil, fmt.Errorf("settle outbox batch: %w", err)
	}
	var changed []OperationID
	apart := settleApart[Change]{write: func(part []Change) error {
		some, err := s.settleSome(ctx, part)
		changed = append(changed, some...)
		return err
	}}
	err := apart.run(changes)
	if err == nil {
		err = apart.verdict()
	}
	if err != nil {
		s.behind.Note(err)
		return changed, fmt.Errorf("settle outbox batch: %w", err)
	}
	err = s.setAside(ctx, asideChanges(apart.refused))
	var told *SetAsideError
	if errors.As(err, &told) {
		for _, r := range told.Rows {
			changed = append(changed, r.ID)
		}
	}
	return changed, err
}

func (s *Store) settleSome(ctx context.Context, changes []Change) ([]OperationID, error) {
	n := len(changes)
	ids, tokens, delays := make([]int64, n), make([]int64, n), make([]int64, n)
	states, causes, outcomes := make([]string, n), make([]string, n), make([]string, n)
	codes, words, errs, calls := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	doubts, unsent, reshape := make([]bool, n), make([]bool, n), make([]bool, n)
	quiet, lacks := make([]int64, n), make([]string, n)
	used, durations, statuses := make([]int32, n), make([]int32, n), make([]int16, n)
	for i := range changes {
		c := &changes[i]
		ids[i], tokens[i], delays[i] = int64(c.ID), int64(c.Token), c.Delay.Milliseconds()
		states[i], causes[i], doubts[i], unsent[i] = string(c.State), string(c.Cause), c.Doubt, c.Unsent
		reshape[i] = c.Reshape
		quiet[i], lacks[i] = c.QuietIn.Milliseconds(), c.Lack
		if c.UseAttempt {
			used[i] = 1
		}
		if a := c.Attempt; a != nil {
			outcomes[i], statuses[i], durations[i] = a.Outcome, int16(a.HTTPStatus), int32(a.Duration.Milliseconds())
			codes[i], words[i], errs[i] = Storable(a.VendorCode), Storable(a.VendorWords), Storable(a.Error)
			calls[i] = string(cmp.Or(a.Call, CallPoints))
		}
	}
	return queryIDs(ctx, s.pool, sqlSettle, ids, tokens, states, causes, doubts, used, delays, unsent,
		outcomes, statuses, codes, words, errs, durations, calls, reshape, quiet, lacks)
}

// sqlResolve keeps the member that a scanned code stands for, before the first
// send. No row means that the lease is lost: the row must not be sent.
const sqlResolve = `
UPDATE outbox
   SET resolved_member_id = $3
 WHERE operation_id = $1 AND lease_token = $2 AND lease_until > now() AND resolved_member_id IS NULL`

// Resolve commits the member id that a scanned code resolved to. ok is false
// when the lease is lost: then the row must not be sent.
func (s *Store) Resolve(ctx context.Context, id OperationID, token LeaseToken, memberID string) (ok bool, err error) {
	tag, err := s.pool.Exec(ctx, sqlResolve, int64(id), int64(token), memberID)
	if err != nil {
		return false, fmt.Errorf("keep resolved member: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}
