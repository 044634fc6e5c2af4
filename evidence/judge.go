package evidence

import (
	"strings"
	"time"

	"pointsledger/ledger"
)

// Verdict is what a reading proves of one operation.
type Verdict int

const (
	// NotKnown: nothing is proven. It is the zero value on purpose.
	NotKnown Verdict = iota
	// Shown: a record ends with its reference and has its points.
	Shown
	// ShownOtherPoints: a record ends with its reference and has other points.
	ShownOtherPoints
	// PerhapsShown: a record without a reference of ours may be it.
	PerhapsShown
	// Absent: the vendor has not applied it; the control held.
	Absent
)

// Lack is what keeps an operation that is not there from being Absent.
type Lack string

const (
	// LackReferences: the endpoint is not known to show our references.
	LackReferences Lack = "references_not_known_to_show"
	// LackReach: the reading is not known to go back to before the call.
	LackReach Lack = "records_do_not_reach_back"
	// LackConfirmed: a confirmed operation of this member is missing too.
	LackConfirmed Lack = "records_lack_a_confirmed_operation"
	// LackCurrent: nothing that was called later is shown yet.
	LackCurrent Lack = "records_not_known_to_be_current"
)

// Judgement is a verdict with what it rests on.
type Judgement struct {
	Verdict Verdict
	// Records are those that show it, or may be it.
	Records []Record
	// Lack is set exactly when the verdict is NotKnown.
	Lack Lack
}

const (
	// clockSkew is how far the vendor's clock may be from ours.
	clockSkew = 2 * time.Minute
	// zoneSlack covers any time zone, until the vendor's is learned.
	zoneSlack = 26 * time.Hour
)

// Judge says what a member's records prove of an operation. issued are the
// ledger's other operations of that account and member: at least those whose
// references stand at the end of a record's text, and those that the vendor
// confirmed.
func Judge(op Operation, reading Reading, issued []Issued, known Knowledge) Judgement {
	j := newJudging(op, reading, issued, known)
	for _, r := range reading.Records {
		if !r.Award || ReferenceAtEnd(r.Text) != op.Reference {
			continue
		}
		if r.Points == int64(op.Points) {
			return Judgement{Verdict: Shown, Records: []Record{r}}
		}
		return Judgement{Verdict: ShownOtherPoints, Records: []Record{r}}
	}
	if like := j.alike(); len(like) > 0 {
		return Judgement{Verdict: PerhapsShown, Records: like}
	}
	if lack := j.lack(); lack != "" {
		return Judgement{Verdict: NotKnown, Lack: lack}
	}
	return Judgement{Verdict: Absent}
}

// judging is one judgement under way.
type judging struct {
	Operation
	reading Reading
	known   Knowledge
	issued  map[string]*Issued
	// seen are the issued operations whose references the reading shows.
	seen map[string]*Issued
}

func newJudging(op Operation, reading Reading, issued []Issued, known Knowledge) *judging {
	j := &judging{Operation: op, reading: reading, known: known,
		issued: make(map[string]*Issued, len(issued)), seen: map[string]*Issued{}}
	for i := range issued {
		if issued[i].Reference != op.Reference {
			j.issued[issued[i].Reference] = &issued[i]
		}
	}
	for _, r := range reading.Records {
		if o := j.issued[ReferenceAtEnd(r.Text)]; o != nil && r.Award {
			j.seen[o.Reference] = o
		}
	}
	return j
}

// slack is how far a record's time may be off.
func (j *judging) slack() time.Duration {
	if j.known.Zone.Known {
		return clockSkew
	}
	return zoneSlack
}

// alike are the records that may be the operation: awards that show no
// reference of ours, were not made before its first call, and either have its
// points or are the beginning of its reason. As many as the ledger's other
// confirmed operations of these points account for are left out, but none that
// begins like our reason.
func (j *judging) alike() []Record {
	var equal, cut []Record
	for _, r := range j.reading.Records {
		if !r.Award || j.issued[ReferenceAtEnd(r.Text)] != nil || j.before(r, j.FirstSentAt) {
			continue
		}
		switch {
		case r.Text != "" && r.Points == int64(j.Points) && strings.HasPrefix(j.Reason, r.Text):
			cut = append(cut, r)
		case r.Points == int64(j.Points):
			equal = append(equal, r)
		}
	}
	if len(equal)+len(cut) <= j.accounted() {
		return nil
	}
	return append(cut, equal...)
}

// accounted counts the confirmed operations of the same points, called since
// this one was, whose records are among those without a reference.
func (j *judging) accounted() int {
	n := 0
	for reference, o := range j.issued {
		if o.Confirmed && o.Points == j.Points && j.seen[reference] == nil &&
			!o.SentAt.Before(j.FirstSentAt) && j.mustShow(o) {
			n++
		}
	}
	return n
}

// mustShow tells that a confirmed operation shows by now, if the vendor shows
// it at all.
func (j *judging) mustShow(o *Issued) bool {
	return o.Confirmed && !o.ConfirmedAt.Add(j.known.MaxLag+clockSkew).After(j.reading.BeganAt)
}

// before tells that a record was surely made before a time. One whose time
// cannot be read was not.
func (j *judging) before(r Record, t time.Time) bool {
	return !r.At.IsZero() && r.At.Add(j.known.Zone.Offset).Before(t.Add(-j.slack()))
}

// lack is what the control lacks, empty when it holds.
func (j *judging) lack() Lack {
	switch {
	case j.known.References != ReferencesShown:
		return LackReferences
	case !j.reaches():
		return LackReach
	case j.lacksConfirmed():
		return LackConfirmed
	case !j.current():
		return LackCurrent
	}
	return ""
}

// reaches tells that the reading would hold a record of the call.
func (j *judging) reaches() bool {
	if !j.reading.Complete {
		return false
	}
	if len(j.reading.Records) == 0 {
		// An empty list is what a backend answers that fails inside.
		return j.reading.Balance != nil && *j.reading.Balance == 0
	}
	for _, r := range j.reading.Records {
		if j.before(r, j.FirstSentAt) {
			return true
		}
	}
	for _, e := range j.known.Extents {
		if e.Records > len(j.reading.Records) && e.Oldest.Before(j.FirstSentAt.Add(-j.slack())) {
			return true
		}
	}
	return false
}

// lacksConfirmed tells that an operation which the vendor confirmed for this
// member, since the endpoint shows references, is not there either.
func (j *judging) lacksConfirmed() bool {
	for reference, o := range j.issued {
		if j.seen[reference] == nil && !o.ConfirmedAt.Before(j.known.ShownSince) && j.mustShow(o) {
			return true
		}
	}
	return false
}

// current tells that the reading shows what was called up to QuietSince.
func (j *judging) current() bool {
	for _, o := range j.seen {
		if o.SentAt.After(j.QuietSince) {
			return true
		}
	}
	// A sample was read from other records: they were current before this reading
	// began, and these may lag as far as any ever did.
	lagged := !j.reading.BeganAt.Before(j.QuietSince.Add(j.known.MaxLag))
	for _, s := range j.known.Samples {
		if s.SentAt.After(j.QuietSince) && !s.ReadAt.After(j.reading.BeganAt) && lagged {
			return true
		}
	}
	return j.quiet()
}

// quiet is the control of an account without traffic: nothing was confirmed
// since, so an older operation must do, read long after.
func (j *judging) quiet() bool {
	since := j.QuietSince.Add(j.known.QuietAfter + 3*j.known.MaxLag)
	if j.known.LastSentAt.After(j.QuietSince) || j.reading.BeganAt.Before(since) {
		return false
	}
	if len(j.seen) > 0 {
		return true
	}
	for _, s := range j.known.Samples {
		if !s.ReadAt.Before(since) && !s.ReadAt.After(j.reading.BeganAt) {
			return true
		}
	}
	return false
}

// ReferenceAtEnd is the reference at the end of a text, as the ledger writes
// it: a # and a reference whose check character fits. Empty when there is none.
func ReferenceAtEnd(text string) string {
	text = strings.TrimRight(text, " \t\r\n\u00a0\u3000")
	at := len(text) - ledger.ReferenceChars
	if at < 1 || text[at-1] != '#' {
		return ""
	}
	reference, ok := ledger.CanonicalReference(text[at:])
	if !ok {
		return ""
	}
	return reference
}
