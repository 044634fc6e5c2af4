package rejects

import (
	"strconv"
	"time"

	"pointsledger/desk"
	"pointsledger/desk/privacy"
	"pointsledger/desk/wording"
	"pointsledger/ledger"
)

// Line is a reject as lists show it: without mobile numbers.
type Line struct {
	ID         ledger.RejectID   `json:"id"`
	BrokerTime time.Time         `json:"broker_time"`
	RejectedAt time.Time         `json:"rejected_at"`
	Stream     string            `json:"stream"`
	StreamSeq  uint64            `json:"stream_seq"`
	Subject    string            `json:"subject"`
	Source     string            `json:"event_source"`
	EventID    string            `json:"event_id"`
	Type       string            `json:"event_type"`
	Code       ledger.RejectCode `json:"reason_code"`
	Reason     string            `json:"reason"`
	// ResolvedAt is null while nobody has decided.
	ResolvedAt *time.Time `json:"resolved_at"`
	ResolvedBy string     `json:"resolved_by"`
	Resolution string     `json:"resolution"`
}

func newLine(r ledger.Reject) Line {
	m := &r.Message
	return Line{ID: r.ID, BrokerTime: m.BrokerTime, RejectedAt: r.RejectedAt, Stream: m.Stream, StreamSeq: m.Seq,
		Subject: privacy.Mobiles(m.Subject), Source: privacy.Mobiles(r.Source), EventID: privacy.Mobiles(r.EventID), Type: privacy.Mobiles(r.Type),
		Code: r.Code, Reason: privacy.Mobiles(r.Reason), ResolvedAt: r.ResolvedAt, ResolvedBy: r.ResolvedBy, Resolution: privacy.Mobiles(r.Resolution)}
}

// Listing is a page as it is shown.
type Listing struct {
	Rejects []Line `json:"rejects"`
	// Total counts all that fit, other pages included.
	Total int64 `json:"total"`
	More  bool  `json:"more"`
	// After is the cursor of the next page, 0 when this is the last.
	After ledger.RejectID `json:"after"`

	// State is what was asked for: open, resolved, or empty for all.
	State string `json:"-"`
}

func NewListing(page desk.RejectPage, state string) Listing {
	l := Listing{Rejects: []Line{}, Total: page.Total, More: page.More, State: state}
	for _, r := range page.Rejects {
		l.Rejects = append(l.Rejects, newLine(r))
	}
	if l.More {
		l.After = l.Rejects[len(l.Rejects)-1].ID
	}
	return l
}

// Records are a title and one record for each reject, for a spreadsheet; times in
// UTC.
func (l *Listing) Records() [][]string {
	records := [][]string{{"id", "broker_time", "rejected_at", "stream", "stream_seq", "subject", "event_source", "event_id", "event_type",
		"reason_code", "reason", "resolved_at", "resolved_by", "resolution"}}
	for _, r := range l.Rejects {
		records = append(records, []string{strconv.FormatInt(int64(r.ID), 10), wording.UTC(r.BrokerTime), wording.UTC(r.RejectedAt), wording.Cell(r.Stream),
			strconv.FormatUint(r.StreamSeq, 10), wording.Cell(r.Subject), wording.Cell(r.Source), wording.Cell(r.EventID), wording.Cell(r.Type),
			string(r.Code), wording.Cell(r.Reason), wording.UTCOrNone(r.ResolvedAt), wording.Cell(r.ResolvedBy), wording.Cell(r.Resolution)})
	}
	return records
}
