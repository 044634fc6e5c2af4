package match

import (
	"time"

	"pointsledger/ledger"
)

// State is how an operation stands in the ledger.
type State int

const (
	// Open: it has not ended; the vendor may have applied it.
	Open State = iota
	// Posted: the vendor has applied it, by its word, its records or a person; also what
	// was voided and then heard to be applied.
	Posted
	// Voided: a person gave it up, and nothing else was heard.
	Voided
)

// Posting is an operation of one member, as the ledger has it.
type Posting struct {
	ID          ledger.OperationID
	BizID       string
	BusinessKey string
	Reference   string
	// Reason is the text that was sent, its reference included.
	Reason string
	// Points are those that were or will be sent; below zero when they are taken.
	Points int64
	State  State
	// ByHand: a person did it at the vendor, or said that it is done. Its record has
	// whatever text that person wrote.
	ByHand bool
	// SentAt is when its first call began, or earlier; zero when it was not sent.
	SentAt time.Time
	// EndedAt is when it was posted, or heard to be applied; zero while it is open.
	EndedAt time.Time
	// RecordedAt is when it was recorded.
	RecordedAt time.Time
	// Words say how it stands: how its end is known, or what it waits for.
	Words string
	// Parked: only a person moves it on. WorkItem: it is done at the vendor by hand, as
	// there is no call for it.
	Parked, WorkItem bool
	// Reached: the member's records surely hold what was called at SentAt.
	Reached bool
	// Elsewhere: records of other members end with its reference. They are items
	// there, and it is none here.
	Elsewhere bool
	// MatchedAt is when the record was made that another comparison closed it with; zero: none
	// is known. That record may be out of what was read now.
	MatchedAt time.Time
}

// Record is one movement at the vendor.
type Record struct {
	ID int64
	// Points are below zero when they were taken.
	Points int64
	Text   string
	// At is an instant; zero when the vendor's text cannot be read as one.
	At time.Time
	// Stray is what the ledger has of the reference at the end of the text, where that is
	// none of the member's postings at hand. Nil: nothing, or there is no reference.
	Stray *Stray
}

// Stray is an operation whose reference stands on a record where it is not expected.
type Stray struct {
	Posting
	Account, MemberID string
	// Counts: its points are counted beside this record, as it is in the window and has
	// no record at its own member.
	Counts bool
}

// Member is what is set side by side.
type Member struct {
	Account, ID string
	// Postings are those that ended in the window or near it, and what is open. Their
	// kinds show in records.
	Postings []Posting
	// Records are those of the window and near it.
	Records []Record
	// ReadAt is when the records were read, or the file was written.
	ReadAt time.Time
	// Balance is the member's balance by the vendor's word, and Told what it is by the
	// records; nil when one of them is not known, and nothing is said of it.
	Balance, Told *int64
}

// Known is what is known of the account.
type Known struct {
	// References: its records show our references, of what was posted from ShownFrom to
	// ShownUntil. A vendor may begin to, or cease; zero is no bound.
	References            bool
	ShownFrom, ShownUntil time.Time
	// From is the window's first instant, Until the first after it.
	From, Until time.Time
	// Lag is the longest that a record is shown after its posting, Slack how far its time
	// may be off.
	Lag, Slack time.Duration
	// SoleSource: nothing but this ledger grants points at the account.
	SoleSource bool
}

func (k *Known) within(at time.Time) bool { return !at.Before(k.From) && at.Before(k.Until) }

// shows tells that a posting's record shows its reference, unless somebody edited it.
func (k *Known) shows(p *Posting) bool {
	return k.References && !p.ByHand && !p.EndedAt.Before(k.ShownFrom) && (k.ShownUntil.IsZero() || !p.EndedAt.After(k.ShownUntil))
}

// due tells that a posting shows by the time of the reading, if it is shown at all.
func (k *Known) due(p *Posting, readAt time.Time) bool {
	return !p.EndedAt.Add(k.Lag).After(readAt)
}

// span is from when to when a record of a posting may have been made.
func (k *Known) span(p *Posting) (from, to time.Time) {
	from, to = p.SentAt, p.EndedAt
	if from.IsZero() || !to.IsZero() && to.Before(from) {
		from = to
	}
	if to.IsZero() {
		to = k.Until
	}
	return from.Add(-k.Slack), to.Add(k.Lag + k.Slack)
}
