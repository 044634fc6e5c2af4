package ledger

import (
	"context"
	"fmt"
)

// CorrectionAppliedAfterVoid: the vendor applied what a person had given up.
const CorrectionAppliedAfterVoid = "applied_after_void"

// sqlLateConfirmation keeps a confirmation for an operation that a person had
// voided, and corrects the void, once; the views show the points as arrived. No
// row means that the operation is posted: nothing is wrong (postings_pkey).
const sqlLateConfirmation = `
WITH voided AS (
    SELECT p.operation_id, COALESCE(NULLIF($8, ''), p.member_id, o.member_id) AS member_id
      FROM postings p
      JOIN operations o ON o.id = p.operation_id
     WHERE p.operation_id = $1 AND p.kind = 'voided'
), corrected AS (
    INSERT INTO corrections (operation_id, kind, evidence, member_id, http_status, vendor_code, vendor_message)
    SELECT operation_id, '` + CorrectionAppliedAfterVoid + `', $7, member_id, NULLIF($3::smallint, 0::smallint), NULLIF($4, ''), NULLIF($5, '')
      FROM voided
     WHERE member_id <> ''
    ON CONFLICT ON CONSTRAINT corrections_pkey DO NOTHING
)
INSERT INTO attempts (operation_id, outcome, http_status, vendor_code, vendor_message, duration_ms, call)
SELECT operation_id, $2, NULLIF($3::smallint, 0::smallint), NULLIF($4, ''), NULLIF($5, ''), $6, 'points'
  FROM voided`

// confirmClosed handles confirmations for rows that had left the outbox. A
// confirmation after a void is a correction (TestAppliedAfterVoidIsCorrected).
func (s *Store) confirmClosed(ctx context.Context, heard map[OperationID]*Confirmation, result *Confirmed) error {
	for id, h := range heard {
		outcome := "applied"
		if h.Evidence == AlreadyApplied {
			outcome = "already_applied"
		}
		tag, err := s.pool.Exec(ctx, sqlLateConfirmation, int64(id), outcome, int16(h.HTTPStatus),
			Storable(h.VendorCode), Storable(h.VendorWords), h.Duration.Milliseconds(), string(h.Evidence), Storable(h.MemberID))
		if err != nil {
			s.behind.note(err)
			return fmt.Errorf("keep late confirmation: %w", explain(err))
		}
		if tag.RowsAffected() > 0 {
			result.AfterVoid = append(result.AfterVoid, id)
		} else {
			result.Before++
		}
	}
	return nil
}
