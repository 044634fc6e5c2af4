package ledger

import (
	"context"
	"fmt"
	"time"

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
	// OverRefunded: refunds together are more than was paid.
	OverRefunded RejectCode = "over_refunded"
	// OriginUnknown: what it is about has not come for long.
	OriginUnknown RejectCode = "origin_unknown"
)

// AllRejectCodes are the codes that a reject can have
// (rejects_reason_code_known).
func AllRejectCodes() []RejectCode {
	return []RejectCode{NotJSON, NotUTF8, NotCloudEvent, MissingField, BadType, OutOfRange, UnknownType, UnknownChannel,
		SubjectMismatch, Conflict, OverLimit, Clock, TooLarge, NoVendorCall, VendorNotConfigured, OverRefunded, OriginUnknown}
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

// RejectID is the ledger's own number of a reject.
type RejectID int64

// Reject is an event that could not be accepted, with what a person decided.
type Reject struct {
	ID RejectID
	// Message is as it came, except that passwords were masked; its times have
	// microseconds.
	Message Message
	// Source, EventID and Type are what the event said of itself, empty where
	// that could not be read.
	Source, EventID, Type string
	Code                  RejectCode
	Reason                string
	RejectedAt            time.Time
	// ResolvedAt is nil while the reject is open; then the others are empty.
	ResolvedAt             *time.Time
	ResolvedBy, Resolution string
}

const rejectColumns = `r.id, r.stream, r.stream_created, r.stream_seq, r.subject, r.broker_time, r.headers, r.payload,
       COALESCE(r.event_source, ''), COALESCE(r.event_id, ''), COALESCE(r.event_type, ''), r.reason_code, r.reason,
       r.rejected_at, r.resolved_at, COALESCE(r.resolved_by, ''), COALESCE(r.resolution, '')`

// sqlReadRejects reads rejects by id (rejects_pkey), in order, until their bytes
// reach the limit: the one that crosses it is the last. Sizes are known without
// reading the bytes. Locks nothing.
const sqlReadRejects = `
SELECT ` + rejectColumns + `
  FROM (SELECT id, sum(octet_length(payload) + octet_length(headers)) OVER (ORDER BY id)
                   - octet_length(payload) - octet_length(headers) AS before
          FROM rejects
         WHERE id = ANY ($1::bigint[])) AS sized
  JOIN rejects r ON r.id = sized.id
 WHERE sized.before < $2
 ORDER BY r.id`

// Bounds of one batch of rejects: what is held in memory, and, in a retry, one
// transaction. A message has at most 1 MiB, so a batch has at most 5 MiB of
// bytes (TestRejectsRetryBoundedMemory).
const (
	rejectBatch      = 1000
	rejectBatchBytes = 4 << 20
)

// EachReject reads rejects by id, in the order given, which must be rising, and
// hands them on in batches. An id that does not exist is left out.
func (s *Store) EachReject(ctx context.Context, ids []RejectID, each func([]Reject) error) error {
	for len(ids) > 0 {
		batch, rest, err := s.readRejects(ctx, ids, rejectBatch)
		if err != nil {
			return err
		}
		if ids = rest; len(batch) == 0 {
			continue
		}
		if err := each(batch); err != nil {
			return err
		}
	}
	return nil
}

// readRejects reads one batch, and says which ids are left.
func (s *Store) readRejects(ctx context.Context, ids []RejectID, most int) (batch []Reject, rest []RejectID, err error) {
	asked := ids[:min(len(ids), most)]
	rows, err := s.pool.Query(ctx, sqlReadRejects, asked, rejectBatchBytes)
	if err != nil {
		return nil, nil, fmt.Errorf("read rejects: %w", err)
	}
	if batch, err = pgx.CollectRows(rows, scanReject); err != nil {
		return nil, nil, fmt.Errorf("read rejects: %w", err)
	}
	rest = ids[len(asked):]
	if len(batch) > 0 {
		last := batch[len(batch)-1].ID
		done := 0
		for done < len(asked) && asked[done] <= last {
			done++
		}
		// What follows was cut off for its bytes, or does not exist; then it is
		// asked for once more, which does no harm.
		rest = ids[done:]
	}
	return batch, rest, nil
}

func scanReject(row pgx.CollectableRow) (r Reject, err error) {
	var seq int64
	m := &r.Message
	err = row.Scan(&r.ID, &m.Stream, &m.StreamCreated, &seq, &m.Subject, &m.BrokerTime, &m.Header, &m.Payload,
		&r.Source, &r.EventID, &r.Type, &r.Code, &r.Reason, &r.RejectedAt, &r.ResolvedAt, &r.ResolvedBy, &r.Resolution)
	m.Seq = uint64(seq)
	return r, err
}

// FactHint says which fact a reject is about, as far as its bytes tell.
type FactHint struct {
	Reject       RejectID
	Source, Type string
	// BusinessKey finds the operations, and Fact tells those of the fact from
	// others that read alike.
	BusinessKey string
	Fact        FactKey
}
