package ledger

import "fmt"

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
