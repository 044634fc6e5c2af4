package ledger

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// RejectCode says why an event could not be accepted. The codes are a closed
// list (AllRejectCodes), so that they can be counted.
type RejectCode string

const (
	NotJSON             RejectCode = "not_json"
	NotUTF8             RejectCode = "not_utf8"
	NotCloudEvent       RejectCode = "not_cloudevent"
	MissingField        RejectCode = "missing_field"
	BadType             RejectCode = "bad_type"
	OutOfRange          RejectCode = "out_of_range"
	UnknownType         RejectCode = "unknown_type"
	UnknownChannel      RejectCode = "unknown_channel"
	SubjectMismatch     RejectCode = "subject_mismatch"
	Conflict            RejectCode = "conflict"
	OverLimit           RejectCode = "over_limit"
	Clock               RejectCode = "clock"
	TooLarge            RejectCode = "too_large"
	NoVendorCall        RejectCode = "no_vendor_call"
	VendorNotConfigured RejectCode = "vendor_not_configured"
)

// AllRejectCodes are the codes that a reject can have
// (rejects_reason_code_known).
func AllRejectCodes() []RejectCode {
	return []RejectCode{NotJSON, NotUTF8, NotCloudEvent, MissingField, BadType, OutOfRange, UnknownType, UnknownChannel,
		SubjectMismatch, Conflict, OverLimit, Clock, TooLarge, NoVendorCall, VendorNotConfigured}
}

// Rejection is why an event was not accepted, in words its publisher can act
// on: the field, what was wanted, what was there.
type Rejection struct {
	Code   RejectCode
	Reason string
}

func (r *Rejection) Error() string { return fmt.Sprintf("%s: %s", r.Code, r.Reason) }

// Rejectf makes a Rejection.
func Rejectf(code RejectCode, format string, args ...any) *Rejection {
	return &Rejection{Code: code, Reason: fmt.Sprintf(format, args...)}
}

// sqlRejectCodes counts rejects by code, with one of each as an example
// (rejects_pkey). No rows means that nothing fits.
const sqlRejectCodes = `
SELECT c.reason_code, c.n, c.example, e.reason
  FROM (SELECT r.reason_code, count(*) AS n, min(r.id) AS example FROM rejects r` + rejectWhere + ` GROUP BY r.reason_code) AS c
  JOIN rejects e ON e.id = c.example
 ORDER BY c.n DESC, c.reason_code`

// RejectCodes counts the rejects that fit by code, the most frequent first.
func (s *Store) RejectCodes(ctx context.Context, f RejectFilter) ([]RetryCode, error) {
	rows, err := s.pool.Query(ctx, sqlRejectCodes, f.args()...)
	if err != nil {
		return nil, fmt.Errorf("count rejects by code: %w", err)
	}
	codes, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (c RetryCode, err error) {
		return c, row.Scan(&c.Code, &c.Count, &c.Example, &c.Reason)
	})
	if err != nil {
		return nil, fmt.Errorf("count rejects by code: %w", err)
	}
	return codes, nil
}
