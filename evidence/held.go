package evidence

import "time"

// Held is what is kept of a reading whose records were let go.
type Held struct {
	Records int
	// Complete is that of the reading. Whole: the records account for the member's
	// balance, which is known.
	Complete, Whole bool
	// Oldest is the time of its oldest record, moved by the zone's offset; zero when no
	// record has one. BeganAt is that of the reading.
	Oldest, BeganAt time.Time
}

// Held keeps of a reading what [Held.ReachesBack] asks for.
func (r Reading) Held(zone Zone) Held {
	h := Held{Records: len(r.Records), Complete: r.Complete, Whole: r.wholeByBalance(), Oldest: r.Oldest(), BeganAt: r.BeganAt}
	if !h.Oldest.IsZero() {
		h.Oldest = h.Oldest.Add(zone.Offset)
	}
	return h
}

// ReachesBack tells that the reading held a record of a call which began at a time, as
// far as its list reaches, if there is one ([LackReach], [LackBalance]).
func (h Held) ReachesBack(sentAt time.Time, known Knowledge) bool {
	switch {
	case !h.Complete:
		return false
	case !h.Oldest.IsZero() && h.Oldest.Before(sentAt.Add(-known.slack())):
		return true
	}
	return h.Whole && known.longerSeen(h.Records, h.BeganAt.Sub(sentAt))
}

// ToldBalance is what the member has by a complete list whose records tell what was
// before them; ok is false when they do not.
func (r Reading) ToldBalance() (points int64, ok bool) {
	oldest := r.Oldest()
	if !r.Complete || oldest.IsZero() {
		return 0, false
	}
	seconds, _ := r.since(oldest)
	told := telling(seconds[0])
	if len(told) == 0 {
		return 0, false
	}
	points = atFirst(told)
	for _, record := range r.Records {
		if record.At.IsZero() {
			return 0, false
		}
		points += record.Moved()
	}
	return points, true
}

// Slack is how far a record's time may be off.
func (k Knowledge) Slack() time.Duration { return k.slack() }
