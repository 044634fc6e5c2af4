package evidence

import (
	"slices"
	"time"

	"pointsledger/ledger"
)

// Record is one movement in a member's history at the vendor.
type Record struct {
	// Award: points were given. Other movements prove that the list reaches back,
	// and nothing about an award.
	Award  bool
	Points int64
	// Text is the record's only free text; it holds our reason where the vendor
	// shows it.
	Text string
	// At is when the vendor says it was made, read as China's time; zero when it
	// cannot be read. [Zone] says how far that is from the truth.
	At time.Time
	// Before is what the member had before it, if Tells: not every vendor says so.
	Before int64
	Tells  bool
}

// Moved is by how much the member's points changed: with or without a sign, the page
// does not say how spent points are written.
func (r Record) Moved() int64 {
	if r.Award {
		return r.Points
	}
	return -max(r.Points, -r.Points)
}

// Reading is one look at a member's records.
type Reading struct {
	Records []Record
	// Complete: all pages were read, in one consistent view.
	Complete bool
	// Balance is the member's points by the vendor's own word, read after the
	// records; nil when it is not known. It is asked for when a judgement lacks it
	// ([LackBalance]).
	Balance *int64
	// BeganAt is when the reading began: what it shows is at least that old.
	BeganAt time.Time
}

// wholeByBalance tells that the records account for all of the member's points. What
// a vendor has begun to cut, or lists as empty because a backend fails, does not. Where
// records tell what was before them, there was nothing before the oldest.
func (r Reading) wholeByBalance() bool {
	if r.Balance == nil {
		return false
	}
	var sum int64
	for _, record := range r.Records {
		sum += record.Moved()
	}
	if sum != *r.Balance {
		return false
	}
	oldest := r.Oldest()
	if oldest.IsZero() {
		return true
	}
	seconds, _ := r.since(oldest)
	told := telling(seconds[0])
	return len(told) == 0 || atFirst(told) == 0
}

// since are the records from a time on, by the second, the oldest first; and what
// those without a time may have taken. What they gave may be from before.
func (r Reading) since(from time.Time) (seconds [][]Record, taken int64) {
	records := slices.SortedStableFunc(slices.Values(r.Records), func(a, b Record) int { return a.At.Compare(b.At) })
	for i, record := range records {
		switch {
		case record.At.IsZero():
			taken += min(record.Moved(), 0)
		case record.At.Before(from):
		case i > 0 && len(seconds) > 0 && records[i-1].At.Equal(record.At):
			seconds[len(seconds)-1] = append(seconds[len(seconds)-1], record)
		default:
			seconds = append(seconds, []Record{record})
		}
	}
	return seconds, taken
}

// telling are the records that tell what was before them.
func telling(records []Record) (told []Record) {
	for _, record := range records {
		if record.Tells {
			told = append(told, record)
		}
	}
	return told
}

// Oldest is the time of the oldest record, as the vendor writes it; zero when no
// record has one.
func (r Reading) Oldest() (oldest time.Time) {
	for _, record := range r.Records {
		if !record.At.IsZero() && (oldest.IsZero() || record.At.Before(oldest)) {
			oldest = record.At
		}
	}
	return oldest
}

// Operation is what is looked for.
type Operation struct {
	Account   string
	MemberID  string
	Reference string
	Reason    string
	Points    ledger.Points
	// FirstSentAt is when the first call that may have had an effect began, or
	// earlier; QuietSince is when the last one had surely ended, or later.
	FirstSentAt time.Time
	QuietSince  time.Time
	// EmptyBefore: the reading before this one, some time ago, lacked nothing but
	// [LackEmptyTwice].
	EmptyBefore bool
}

// Issued is another operation of the ledger, of the same account and member.
type Issued struct {
	Reference string
	// Reason is the text that was sent with it, its reference included.
	Reason string
	Points ledger.Points
	// SentAt is when its first call began, or earlier; zero when it was not sent.
	SentAt time.Time
	// Confirmed: it is posted by the vendor's word (answered, already applied,
	// verified), not by a person's. ConfirmedAt is when.
	Confirmed   bool
	ConfirmedAt time.Time
}

// References says whether an endpoint shows our references in its records.
type References int

const (
	// ReferencesUnknown: no sample has told yet.
	ReferencesUnknown References = iota
	// ReferencesShown: samples show them.
	ReferencesShown
	// ReferencesHidden: samples show records of our operations without them, or
	// never show them.
	ReferencesHidden
)

// Zone is how the vendor's record times relate to the truth.
type Zone struct {
	// Known: samples agree on Offset to within a minute. Until then a record may
	// be off by a day.
	Known bool
	// Offset is what the time of a record, read as China's, must be moved by.
	Offset time.Duration
}

// Sample is an operation whose record was found at the endpoint.
type Sample struct {
	// SentAt is when its call began, or earlier.
	SentAt time.Time
	// BeganAt is when the reading that shows it began, or earlier; ReadAt is when
	// it had ended, or later.
	BeganAt, ReadAt time.Time
}

// Extent is a complete list of records that was seen at the endpoint.
type Extent struct {
	Records int
	// Oldest is the time of its oldest record, moved by the zone's offset; ReadAt
	// is when it was seen, or when a list of that length would go back to Oldest.
	Oldest, ReadAt time.Time
}

// Knowledge is what is known of an account at its endpoint.
type Knowledge struct {
	References References
	// AloneSince is since when all calls of the account surely go to this endpoint;
	// zero when it never had another. What was called before may be shown elsewhere.
	AloneSince time.Time
	// ShownSince is since when the endpoint is known to show references; what was
	// confirmed before need not show.
	ShownSince time.Time
	Zone       Zone
	// Samples are operations that were found in records, by any worker.
	Samples []Sample
	Extents []Extent
	// LastSentAt is when the call of the newest vendor-confirmed posting of the
	// account began, as exactly as it is known; zero when there is none. Too late
	// an account without traffic is never taken for current.
	LastSentAt time.Time
	// MaxLag is the longest time between a confirmation and the first reading that
	// showed it, among the last hundred samples; 0 while there is none.
	MaxLag time.Duration
	// QuietAfter is how long after a call an account without traffic is taken for
	// current, on top of three times MaxLag.
	QuietAfter time.Duration
	// ClockSkew is how far the vendor's clock may be from the database's once its
	// zone is known; 0 is two minutes. Too low: our own record is taken for older
	// than its call.
	ClockSkew time.Duration
}

const (
	defaultClockSkew = 2 * time.Minute
	// zoneSlack covers any time zone, until the vendor's is learned.
	zoneSlack = 26 * time.Hour
)

func (k Knowledge) skew() time.Duration {
	if k.ClockSkew > 0 {
		return k.ClockSkew
	}
	return defaultClockSkew
}

// slack is how far a record's time may be off.
func (k Knowledge) slack() time.Duration {
	if k.Zone.Known {
		return k.skew()
	}
	return zoneSlack
}
