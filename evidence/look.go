package evidence

import (
	"time"

	"pointsledger/ledger"
)

// ZoneSlack covers any time zone, until the vendor's is learned.
const ZoneSlack = zoneSlack

// Sought is a posting that the vendor has confirmed, and whose record is looked
// for to learn what records show.
type Sought struct {
	Reference string
	Points    ledger.Points
	// SentAt is when its call began, or earlier; ConfirmedAt is when the vendor's
	// word was written down.
	SentAt, ConfirmedAt time.Time
}

// Sight is what a reading shows of a Sought.
type Sight struct {
	// Shown: a record ends with its reference and has its points.
	Shown bool
	// OffsetMinutes is how far that record's time is from the call's, a whole number
	// of quarters of an hour; nil when none fits, or the time cannot be read.
	OffsetMinutes *int16
	// Naked are the records of its points, made about then, that show no reference.
	Naked []Record
	// Oldest is the time of the oldest record as the vendor writes it; zero when no
	// record has one.
	Oldest time.Time
}

// fit is how far a record's time may be from the call, after it was moved by
// quarters of an hour: then the vendor's clock is right to within what a judgement
// allows for.
const fit = time.Minute

// Look says what a reading shows of a confirmed posting.
func Look(s Sought, reading Reading, zone Zone) Sight {
	sight := Sight{Oldest: reading.Oldest()}
	for _, r := range reading.Records {
		if !r.Award || r.Points != int64(s.Points) {
			continue
		}
		switch reference := ReferenceAtEnd(r.Text); {
		case reference == s.Reference && !sight.Shown:
			sight.Shown, sight.OffsetMinutes = true, s.offset(r.At)
		case reference == "" && s.near(r.At, zone):
			sight.Naked = append(sight.Naked, r)
		}
	}
	return sight
}

// Unseen counts the references that a reading does not show.
func Unseen(references []string, reading Reading) int {
	seen := map[string]bool{}
	for _, r := range reading.Records {
		if r.Award {
			seen[ReferenceAtEnd(r.Text)] = true
		}
	}
	n := 0
	for _, reference := range references {
		if !seen[reference] {
			n++
		}
	}
	return n
}

// offset is the whole number of quarters of an hour by which a record's time must
// be moved to lie in the call.
func (s Sought) offset(at time.Time) *int16 {
	if at.IsZero() {
		return nil
	}
	const quarter = 15 * time.Minute
	middle := s.SentAt.Add(s.ConfirmedAt.Sub(s.SentAt) / 2)
	moved := middle.Sub(at).Round(quarter)
	if moved < -zoneSlack || moved > zoneSlack {
		return nil
	}
	if t := at.Add(moved); t.Before(s.SentAt.Add(-fit)) || t.After(s.ConfirmedAt.Add(fit)) {
		return nil
	}
	minutes := int16(moved / time.Minute)
	return &minutes
}

// near tells that a record may have been made by the call. One whose time cannot
// be read may.
func (s Sought) near(at time.Time, zone Zone) bool {
	if at.IsZero() {
		return true
	}
	slack := Knowledge{Zone: zone}.slack()
	at = at.Add(zone.Offset)
	return !at.Before(s.SentAt.Add(-slack)) && !at.After(s.ConfirmedAt.Add(slack))
}
