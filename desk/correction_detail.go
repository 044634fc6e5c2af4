package desk

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"pointsledger/ledger"
)

// sqlCorrections reads the corrections of operations (corrections_pkey). No rows
// means that everything is as their postings say.
const sqlCorrections = `
SELECT operation_id, kind, evidence, member_id, COALESCE(http_status, 0), COALESCE(vendor_code, ''), COALESCE(vendor_message, ''), corrected_at
  FROM corrections
 WHERE operation_id = ANY ($1::bigint[])`

// corrections adds to postings how they were corrected.
func (d *Desk) corrections(ctx context.Context, ids []int64, byID map[ledger.OperationID]*OperationDetail) error {
	rows, err := d.pool.Query(ctx, sqlCorrections, ids)
	if err != nil {
		return fmt.Errorf("read corrections: %w", err)
	}
	var id ledger.OperationID
	var c CorrectionDetail
	_, err = pgx.ForEachRow(rows, []any{&id, &c.Kind, &c.Evidence, &c.MemberID, &c.HTTPStatus, &c.VendorCode, &c.VendorWords, &c.CorrectedAt}, func() error {
		if d := byID[id]; d != nil && d.Posting != nil {
			correction := c
			d.Posting.Correction = &correction
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read corrections: %w", err)
	}
	return nil
}
