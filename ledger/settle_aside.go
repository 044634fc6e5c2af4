package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"pointsledger/ledger/database"
)

// SetAside is a row whose result could not be written, and the database's words.
type SetAside struct {
	ID    OperationID
	Words string
}

// allRefused is after how many rows, each refused by itself and none written,
// the database is taken to be at fault and not they.
const allRefused = 8

// refusedRow is a row that was refused by itself.
type refusedRow[T any] struct {
	row T
	err *pgconn.PgError
}

// settleApart writes a batch. If the database refuses it for what may be one
// row, it is halved until that one is alone. written counts the rows of the
// batches that were accepted. Bounded: it gives up when nothing was written and
// allRefused rows were refused.
type settleApart[T any] struct {
	write   func([]T) error
	written int
	refused []refusedRow[T]
}

func (a *settleApart[T]) run(rows []T) error {
	err := a.write(rows)
	switch {
	case err == nil:
		a.written += len(rows)
		return nil
	case !database.MayBeOneRow(err):
		return database.Explain(err)
	case len(rows) == 1:
		var pg *pgconn.PgError
		errors.As(err, &pg)
		a.refused = append(a.refused, refusedRow[T]{rows[0], pg})
		if a.written == 0 && len(a.refused) >= allRefused {
			return database.Explain(err)
		}
		return nil
	}
	half := len(rows) / 2
	if err := a.run(rows[:half]); err != nil {
		return err
	}
	return a.run(rows[half:])
}

// verdict is what the refused rows are: bad, when others were written by the
// same statement; else nobody can tell, and the database may be at fault: the
// caller tries again, with others.
func (a *settleApart[T]) verdict() error {
	if len(a.refused) == 0 || a.written > 0 {
		return nil
	}
	return fmt.Errorf("every result is refused: %w", database.Explain(a.refused[0].err))
}

// sqlSetAside parks open rows whose result is refused. What was heard of the
// vendor counts whoever has the lease (the rows with a token of 0); any other
// result only under its live lease. Doubt is never cleared. Locks the rows in
// order (outbox_pkey). A row that is missing from the answer was closed, or
// taken, by somebody else.
const sqlSetAside = `
WITH aside AS (
    SELECT a.operation_id, a.doubt, a.words, a.quiet_ms
      FROM unnest($1::bigint[], $2::bigint[], $3::boolean[], $4::text[], $5::bigint[]) AS a (operation_id, lease_token, doubt, words, quiet_ms)
      JOIN outbox x ON x.operation_id = ANY (ARRAY[a.operation_id])
       AND (a.lease_token = 0 OR x.lease_token = a.lease_token AND x.lease_until > now())
     ORDER BY a.operation_id
       FOR UPDATE OF x
), parked AS (
    UPDATE outbox x
       SET state = 'parked', cause = '` + string(CauseSettlingRefused) + `', in_doubt = x.in_doubt OR a.doubt,
           first_sent_at = CASE WHEN a.doubt THEN COALESCE(x.first_sent_at, now()) ELSE x.first_sent_at END,
           quiet_since = CASE WHEN a.doubt THEN GREATEST(x.quiet_since, now() + a.quiet_ms * interval '1 millisecond')
                              ELSE x.quiet_since END,
           lease_token = NULL, lease_until = NULL
      FROM aside a
     WHERE x.operation_id = ANY (ARRAY[a.operation_id])
    RETURNING x.operation_id, a.words
)
INSERT INTO attempts (operation_id, outcome, error, duration_ms)
SELECT operation_id, 'unknown', words, 0 FROM parked
RETURNING operation_id`

// asideRow is a row to be set aside.
type asideRow struct {
	id    OperationID
	token LeaseToken // 0: whoever has it
	doubt bool
	words string
	// quiet is how long after now the call that caused the doubt may still run.
	quiet time.Duration
}

// setAside parks rows and returns what to tell, nil when none was open.
func (s *Store) setAside(ctx context.Context, rows []asideRow) error {
	if len(rows) == 0 {
		return nil
	}
	ids, tokens, quiet := make([]int64, len(rows)), make([]int64, len(rows)), make([]int64, len(rows))
	doubts, words := make([]bool, len(rows)), make([]string, len(rows))
	said := make(map[OperationID]string, len(rows))
	for i, r := range rows {
		ids[i], tokens[i], doubts[i], words[i] = int64(r.id), int64(r.token), r.doubt, Storable(r.words)
		quiet[i] = r.quiet.Milliseconds()
		said[r.id] = words[i]
	}
	parked, err := queryIDs(ctx, s.pool, sqlSetAside, ids, tokens, doubts, words, quiet)
	if err != nil {
		return fmt.Errorf("set rows aside: %w", database.Explain(err))
	}
	if len(parked) == 0 {
		return nil
	}
	told := &SetAsideError{}
	for _, id := range parked {
		told.Rows = append(told.Rows, SetAside{ID: id, Words: said[id]})
	}
	return told
}

// wordsOf says in a row's attempts what was to be written and why it was not.
func wordsOf(what string, pg *pgconn.PgError) string {
	return fmt.Sprintf("%s; the ledger's database refuses to write it (%s %s): %s", what, pg.Code, pg.ConstraintName, pg.Message)
}

// asideConfirmations are the rows of confirmations that were refused: the vendor
// has applied them, and there is no posting that would say so.
func asideConfirmations(refused []refusedRow[*Confirmation]) []asideRow {
	rows := make([]asideRow, len(refused))
	for i, r := range refused {
		rows[i] = asideRow{id: r.row.ID, doubt: true,
			words: wordsOf(fmt.Sprintf("the vendor confirmed it (%s, HTTP %d, code %q, %q)", r.row.Evidence, r.row.HTTPStatus, r.row.VendorCode, r.row.VendorWords), r.err)}
	}
	return rows
}

// asideChanges are the rows of other results that were refused. In doubt they
// are unless nothing can have left.
func asideChanges(refused []refusedRow[Change]) []asideRow {
	rows := make([]asideRow, len(refused))
	for i, r := range refused {
		what, took := "its result", time.Duration(0)
		if a := r.row.Attempt; a != nil {
			what, took = fmt.Sprintf("its attempt ended %s (HTTP %d, code %q, %q)", a.Outcome, a.HTTPStatus, a.VendorCode, a.VendorWords), a.Duration
		}
		rows[i] = asideRow{id: r.row.ID, token: r.row.Token, doubt: r.row.Doubt, quiet: r.row.QuietIn,
			words: wordsOf(fmt.Sprintf("%s after %v", what, took.Round(time.Millisecond)), r.err)}
	}
	return rows
}

// correctionAppliedAfterVoid: the vendor applied what a person had given up.
const correctionAppliedAfterVoid = "applied_after_void"

// sqlLateConfirmation keeps a confirmation for an operation that a person had
// voided, and corrects the void, once; the views show the points as arrived. No
// row means that the operation is posted: nothing is wrong (postings_pkey).
const sqlLateConfirmation = `
WITH voided AS (
    SELECT p.operation_id, COALESCE(NULLIF(@member, ''), p.member_id, o.member_id) AS member_id
      FROM postings p
      JOIN operations o ON o.id = p.operation_id
     WHERE p.operation_id = @operation AND p.kind = 'voided'
), corrected AS (
    INSERT INTO corrections (operation_id, kind, evidence, member_id, http_status, vendor_code, vendor_message)
    SELECT operation_id, '` + correctionAppliedAfterVoid + `', @evidence, member_id, NULLIF(@http_status::smallint, 0::smallint), NULLIF(@vendor_code, ''), NULLIF(@vendor_words, '')
      FROM voided
     WHERE member_id <> ''
    ON CONFLICT ON CONSTRAINT corrections_pkey DO NOTHING
)
INSERT INTO attempts (operation_id, outcome, http_status, vendor_code, vendor_message, duration_ms, call)
SELECT operation_id, @outcome, NULLIF(@http_status::smallint, 0::smallint), NULLIF(@vendor_code, ''), NULLIF(@vendor_words, ''), @duration_ms, 'points'
  FROM voided`

// confirmClosed handles confirmations for rows that had left the outbox. A
// confirmation after a void is a correction (TestAppliedAfterVoidIsCorrected).
func (s *Store) confirmClosed(ctx context.Context, heard map[OperationID]*Confirmation, result *Confirmed) error {
	for id, h := range heard {
		outcome := "applied"
		if h.Evidence == AlreadyApplied {
			outcome = "already_applied"
		}
		tag, err := s.pool.Exec(ctx, sqlLateConfirmation, pgx.StrictNamedArgs{"operation": int64(id), "outcome": outcome,
			"http_status": int16(h.HTTPStatus), "vendor_code": Storable(h.VendorCode), "vendor_words": Storable(h.VendorWords),
			"duration_ms": h.Duration.Milliseconds(), "evidence": string(h.Evidence), "member": Storable(h.MemberID)})
		if err != nil {
			s.behind.Note(err)
			return fmt.Errorf("keep late confirmation: %w", database.Explain(err))
		}
		if tag.RowsAffected() > 0 {
			result.AfterVoid = append(result.AfterVoid, id)
		} else {
			result.Before++
		}
	}
	return nil
}
