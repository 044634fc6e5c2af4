package evidence

import (
	"slices"
	"time"
)

// Lack is what keeps an operation that is not there from being Absent.
type Lack string

const (
	// LackEndpoint: the call may have gone to another endpoint of the account.
	LackEndpoint Lack = "called_at_another_endpoint"
	// LackReferences: the endpoint is not known to show our references.
	LackReferences Lack = "references_not_known_to_show"
	// LackUnnamed: records of these points show no reference; the confirmed
	// operations of this member account for them, and that is no proof.
	LackUnnamed Lack = "records_of_these_points_without_reference"
	// LackReach: the reading is not known to go back to before the call.
	LackReach Lack = "records_do_not_reach_back"
	// LackBalance: the member's balance is not known, so that nobody knows whether the
	// list is whole. It is said only where nothing but [LackEmptyTwice] or [LackPoints]
	// may be lacking beside, so that nobody need ask for a balance before.
	LackBalance Lack = "balance_not_known"
	// LackPoints: since before the call the member has got more points than the records
	// show. One may be missing, or late.
	LackPoints Lack = "points_without_a_record"
	// LackConfirmed: a confirmed operation of this member is missing too.
	LackConfirmed Lack = "records_lack_a_confirmed_operation"
	// LackCurrent: nothing that was called later is shown yet.
	LackCurrent Lack = "records_not_known_to_be_current"
	// LackEmptyTwice: the list is empty for the first time. Everything else holds,
	// and a backend that fails inside answers the same.
	LackEmptyTwice Lack = "records_empty_once"
)

// lackWords says each of them to people, in one place for all commands.
var lackWords = map[Lack]string{
	LackEndpoint:   "the call may have gone to another address or key of this account, whose records these are not",
	LackReferences: "the vendor is not known to show our references in its records",
	LackUnnamed:    "records of these points show no reference, and may be those of other operations",
	LackReach:      "the records are not known to go back to before the call",
	LackBalance:    "the member's balance could not be read to tell whether the list is whole",
	LackPoints:     "the member has got more points since before the call than the records show",
	LackConfirmed:  "the records lack another operation of this member that the vendor confirmed",
	LackCurrent:    "waits until later postings show that the records are current",
	LackEmptyTwice: "the member's list is empty, and counts when it is empty in the next reading too",
}

// Words says for people what is lacking; empty for none.
func (l Lack) Words() string { return lackWords[l] }

// Passes tells that what is lacking may be there in a later reading without
// anybody's doing: then the reading is worth repeating as soon as more is known.
func (l Lack) Passes() bool { return l == LackCurrent || l == LackReferences }

// lack is what the control lacks, empty when it holds.
func (j *judging) lack() Lack {
	switch {
	case j.known.ElsewhereAt(j.FirstSentAt):
		return LackEndpoint
	case j.known.References != ReferencesShown:
		return LackReferences
	case j.unnamed:
		return LackUnnamed
	}
	reach := j.reach()
	switch {
	case reach != "" && reach != LackBalance:
		return reach
	case j.lacksConfirmed():
		return LackConfirmed
	case !j.current():
		return LackCurrent
	case reach != "":
		return reach
	case len(j.reading.Records) == 0 && !j.EmptyBefore:
		return LackEmptyTwice
	}
	return j.unaccounted()
}

// ElsewhereAt tells that a call which began at a time may have gone to another
// endpoint of the account: neither what this one's records lack nor what is known of
// its keys says anything about it.
func (k Knowledge) ElsewhereAt(sentAt time.Time) bool { return sentAt.Before(k.AloneSince) }

// reach is what keeps the reading from surely holding a record of the call, empty
// when nothing does.
func (j *judging) reach() Lack {
	if !j.reading.Complete {
		return LackReach
	}
	for _, r := range j.reading.Records {
		if j.before(r, j.FirstSentAt) {
			return ""
		}
	}
	// A short list is cut neither by length nor by age where a longer one was seen
	// that went back as far. Ages are compared, not dates: a vendor that keeps so
	// many days has dropped more by now. And it accounts for the balance, or the
	// vendor has begun to cut. Each alone is not enough: the balance agrees, too,
	// when what is dropped was given and spent.
	switch {
	case !j.known.longerSeen(len(j.reading.Records), j.reading.BeganAt.Sub(j.FirstSentAt)):
		return LackReach
	case j.reading.Balance == nil:
		return LackBalance
	case !j.reading.wholeByBalance():
		return LackReach
	}
	return ""
}

// longerSeen tells that a longer list than one of so many records was seen which went
// back as far as an age.
func (k Knowledge) longerSeen(records int, age time.Duration) bool {
	return slices.ContainsFunc(k.Extents, func(e Extent) bool { return e.Records > records && e.ReadAt.Sub(e.Oldest) >= age+k.slack() })
}

// unaccounted compares the points of a list that goes back to before the call with
// what records say the member had before them, and with the balance. A vendor may
// move points and lose the record, by the same fault that lost our answer: no sample
// and no other member's records tell (TestRecordThatIsLostIsNoAbsence). Records of
// other operations that are late explain what they gave. Fewer points than the records
// show say nothing: points may expire in silence.
func (j *judging) unaccounted() Lack {
	var from time.Time // of the newest records that tell, and are older than the call
	for _, r := range j.reading.Records {
		if r.Tells && r.At.After(from) && j.before(r, j.FirstSentAt) {
			from = r.At
		}
	}
	switch {
	case from.IsZero():
		return "" // the vendor does not tell
	case j.reading.Balance == nil:
		return LackBalance
	}
	since, explained := j.reading.since(from)
	explained += atFirst(telling(since[0])) + j.late()
	for i, second := range since {
		if told := telling(second); i > 0 && len(told) > 0 && atFirst(told) > explained {
			return LackPoints
		}
		for _, r := range second {
			explained += r.Moved()
		}
	}
	if *j.reading.Balance > explained {
		return LackPoints
	}
	return ""
}

// atFirst is what the member had before the first of some records of one second,
// which no other of them leads to; where that is not one, the least of all.
func atFirst(records []Record) int64 {
	least, first := records[0].Before, []int64(nil)
	for i, r := range records {
		least = min(least, r.Before)
		if !slices.ContainsFunc(slices.Concat(records[:i], records[i+1:]), func(o Record) bool { return o.Before+o.Moved() == r.Before }) {
			first = append(first, r.Before)
		}
	}
	if len(first) == 1 {
		return first[0]
	}
	return least
}

// late are the points of operations that the vendor had confirmed before the reading
// began, that were called since the doubtful one was, and that no record can be. A
// member who trades all the time at a vendor whose records lag always has some.
func (j *judging) late() (points int64) {
	named, unnamed := map[string]bool{}, map[int64]int{} // by reference, by points
	for _, r := range j.reading.Records {
		if !r.Award {
			continue
		}
		named[ReferenceAtEnd(r.Text)] = true
		if !j.shows(r) {
			unnamed[r.Points]++
		}
	}
	for reference, o := range j.issued {
		switch {
		case named[reference] || !o.Confirmed || o.SentAt.Before(j.FirstSentAt) || o.ConfirmedAt.After(j.reading.BeganAt):
		case unnamed[int64(o.Points)] > 0:
			unnamed[int64(o.Points)]--
		default:
			points += int64(o.Points)
		}
	}
	return points
}

// lacksConfirmed tells that an operation which the vendor confirmed for this
// member is not there either, though it should be: since the endpoint shows
// references, and later than what the list begins with. An empty list must not
// lack any.
func (j *judging) lacksConfirmed() bool {
	empty := len(j.reading.Records) == 0
	from := j.begins()
	for reference, o := range j.issued {
		switch {
		case j.seen[reference] != nil || !j.mustShow(o):
		case empty, !o.ConfirmedAt.Before(j.known.ShownSince) && o.SentAt.After(from):
			return true
		}
	}
	return false
}

// begins is from when on the list surely holds what was called: later than its
// oldest record, and never later than the doubtful call, which it is held to
// reach back to.
func (j *judging) begins() time.Time {
	var oldest time.Time
	for _, r := range j.reading.Records {
		if at := j.madeAt(r); !r.At.IsZero() && (oldest.IsZero() || at.Before(oldest)) {
			oldest = at
		}
	}
	if oldest = oldest.Add(j.known.slack()); oldest.Before(j.FirstSentAt) {
		return oldest
	}
	return j.FirstSentAt
}

// current tells that the reading shows what was called up to QuietSince. Records
// lag, each as it likes: a later one that shows is not enough until the longest
// lag ever seen has gone by.
func (j *judging) current() bool {
	if j.reading.BeganAt.Before(j.QuietSince.Add(j.known.MaxLag)) {
		return false
	}
	for _, o := range j.seen {
		if o.SentAt.After(j.QuietSince) {
			return true
		}
	}
	return j.known.CurrentAt(j.QuietSince, j.reading.BeganAt) || j.quietWith(len(j.seen) > 0)
}

// CurrentAt tells that a sample shows the endpoint's records to hold, in a
// reading that begins at a time, what was called until quietSince. A sample that
// was read later proves nothing about a reading: it was read from other records.
//
// What another reading shows may come from a fresher copy than this one's. So a
// sample counts only when three times the longest lag has gone by: it was
// measured by looking now and then.
func (k Knowledge) CurrentAt(quietSince, beganAt time.Time) bool {
	if k.References != ReferencesShown || beganAt.Before(quietSince.Add(3*k.MaxLag)) {
		return false
	}
	for _, s := range k.Samples {
		if s.SentAt.After(quietSince) && !s.ReadAt.After(beganAt) {
			return true
		}
	}
	if !k.quiet(quietSince, beganAt) {
		return false
	}
	for _, s := range k.Samples {
		if !s.BeganAt.Before(k.QuietFrom(quietSince)) && !s.ReadAt.After(beganAt) {
			return true
		}
	}
	return false
}

// LaterThan is the time before which calls must have ended for a sample of a
// later call to show that a reading which begins at a time is current; zero when
// no sample does.
func (k Knowledge) LaterThan(beganAt time.Time) (before time.Time) {
	if k.References != ReferencesShown {
		return before
	}
	for _, s := range k.Samples {
		if !s.ReadAt.After(beganAt) && s.SentAt.After(before) {
			before = s.SentAt
		}
	}
	if limit := beganAt.Add(-3 * k.MaxLag); before.After(limit) {
		return limit
	}
	return before
}

// IdleSince is the same for an account without traffic: calls that ended from a
// time on, and before another.
func (k Knowledge) IdleSince(beganAt time.Time) (from, before time.Time) {
	if k.References != ReferencesShown {
		return from, before
	}
	for _, s := range k.Samples {
		if read := s.BeganAt.Add(-k.QuietAfter - 3*k.MaxLag); !s.ReadAt.After(beganAt) && read.After(before) {
			before = read
		}
	}
	return k.LastSentAt, before
}

// QuietFrom is from when on an account without traffic is taken for current, for calls
// that had ended by a time.
func (k Knowledge) QuietFrom(quietSince time.Time) time.Time {
	return quietSince.Add(k.QuietAfter + 3*k.MaxLag)
}

// quiet tells that an account had no traffic since, for long enough that an
// older operation may stand for a later one.
func (k Knowledge) quiet(quietSince, beganAt time.Time) bool {
	return !k.LastSentAt.After(quietSince) && !beganAt.Before(k.QuietFrom(quietSince))
}

// quietWith is the control of an account without traffic, where this reading
// itself shows an older operation.
func (j *judging) quietWith(older bool) bool {
	return older && j.known.quiet(j.QuietSince, j.reading.BeganAt)
}
