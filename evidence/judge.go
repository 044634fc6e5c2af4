package evidence

import (
	"slices"
	"strings"
	"time"
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

// Judgement is a verdict with what it rests on.
type Judgement struct {
	Verdict Verdict
	// Records are those that show it, or may be it.
	Records []Record
	// Lack is set exactly when the verdict is NotKnown.
	Lack Lack
}

// Judge says what a member's records prove of an operation. issued are the
// ledger's other operations of that account and member: at least those whose
// references stand at the end of a record's text, and those that the vendor
// confirmed since the operation was first sent. It never says Absent of what
// the vendor applied, nor Shown of what it did not, as long as the vendor shows
// calls no later than known.MaxLag tells (TestJudgeAgainstATruth).
func Judge(op Operation, reading Reading, issued []Issued, known Knowledge) Judgement {
	j := newJudging(op, reading, issued, known)
	shown, other := j.withReference()
	switch {
	case len(shown) > 0:
		return Judgement{Verdict: Shown, Records: shown}
	case len(other) > 0:
		return Judgement{Verdict: ShownOtherPoints, Records: other}
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
	// sent is what sentWith answers, made at its first use.
	sent map[int64][]*Issued
	// unnamed: records of its points without a reference were explained away.
	unnamed bool
}

func newJudging(op Operation, reading Reading, issued []Issued, known Knowledge) *judging {
	j := &judging{Operation: op, reading: reading, known: known,
		issued: make(map[string]*Issued, len(issued)), seen: map[string]*Issued{}}
	for i := range issued {
		if issued[i].Reference != op.Reference && issued[i].Reference != "" {
			j.issued[issued[i].Reference] = &issued[i]
		}
	}
	for _, r := range reading.Records {
		// A text that is the beginning of another's may be that one's, cut off.
		if o := j.otherShown(r); o != nil && !j.cutOfAnother(r, o.Reference) && !beginsLike(r.Text, op.Reason) {
			j.seen[o.Reference] = o
		}
	}
	return j
}

// otherShown is the issued operation whose reference a record ends with; nil
// for none.
func (j *judging) otherShown(r Record) *Issued {
	if !r.Award {
		return nil
	}
	return j.issued[ReferenceAtEnd(r.Text)]
}

// withReference are the records that end with the operation's reference, with
// its points and with others.
func (j *judging) withReference() (shown, other []Record) {
	for _, r := range j.reading.Records {
		switch {
		case !r.Award || j.Reference == "" || ReferenceAtEnd(r.Text) != j.Reference || j.cutOfAnother(r, j.Reference):
		case r.Points == int64(j.Points):
			shown = append(shown, r)
		default:
			other = append(other, r)
		}
	}
	return shown, other
}

// cutOfAnother tells that a record which ends with a reference may be the record
// of an operation whose text goes on behind it: texts of before the readable
// part was kept free of # may hold another's reference, and a vendor may cut.
func (j *judging) cutOfAnother(r Record, reference string) bool {
	text := withoutEnd(r.Text)
	if text == "" {
		return false
	}
	sent := j.sentWith(r.Points)
	first, _ := slices.BinarySearchFunc(sent, text, func(o *Issued, text string) int { return strings.Compare(o.Reason, text) })
	for _, o := range sent[first:] {
		switch {
		case !strings.HasPrefix(o.Reason, text):
			return false
		case o.Reference != reference && beginsLike(text, o.Reason):
			return true
		}
	}
	return false
}

// sentWith are the issued operations of these points that were sent, by their
// texts. A shop may book all its anonymous sales on one member, so each record is
// compared with those that can matter alone (TestJudgeOfAMemberWithMany).
func (j *judging) sentWith(points int64) []*Issued {
	if j.sent == nil {
		j.sent = map[int64][]*Issued{}
		for _, o := range j.issued {
			if !o.SentAt.IsZero() {
				j.sent[int64(o.Points)] = append(j.sent[int64(o.Points)], o)
			}
		}
		for _, of := range j.sent {
			slices.SortFunc(of, func(a, b *Issued) int { return strings.Compare(a.Reason, b.Reason) })
		}
	}
	return j.sent[points]
}

// alike are the records that may be the operation: awards that do not show
// another operation of ours, were not made before its first call, and either
// have its points or are the beginning of its reason. Of those with its points
// as many are left out as the ledger's other confirmed operations account for.
// The beginning of its reason is left out only where the vendor is not known to
// show references: by that count, or when it is another operation's as well.
func (j *judging) alike() []Record {
	var equal, cut []Record
	echoes := j.known.References == ReferencesShown
	for _, r := range j.reading.Records {
		own := j.Reference != "" && ReferenceAtEnd(r.Text) == j.Reference // and perhaps another's
		begins := own || beginsLike(r.Text, j.Reason)
		if !r.Award || j.before(r, j.FirstSentAt) || !begins && j.shows(r) {
			continue
		}
		switch {
		case r.Points == int64(j.Points) && (!begins || !echoes):
			equal = append(equal, r)
		case r.Points == int64(j.Points) || own || begins && (echoes || !j.cutOfAnother(r, j.Reference)):
			cut = append(cut, r)
		}
	}
	if len(cut) == 0 && len(equal) <= j.accounted() {
		j.unnamed = len(equal) > 0
		return nil
	}
	return append(cut, equal...)
}

// shows tells that a record surely is another operation's.
func (j *judging) shows(r Record) bool {
	o := j.otherShown(r)
	return o != nil && j.seen[o.Reference] == o
}

// accounted counts the confirmed operations of the same points, called since
// this one was, whose records are among those without a reference.
func (j *judging) accounted() int {
	n := 0
	for reference, o := range j.issued {
		if o.Points == j.Points && j.seen[reference] == nil && !o.SentAt.Before(j.FirstSentAt) && j.mustShow(o) {
			n++
		}
	}
	return n
}

// mustShow tells that an operation is confirmed and shows by now, if the vendor
// shows it at all.
func (j *judging) mustShow(o *Issued) bool {
	return o.Confirmed && !o.SentAt.IsZero() && !o.ConfirmedAt.Add(j.known.MaxLag+j.known.skew()).After(j.reading.BeganAt)
}

// before tells that a record was surely made before a time. One whose time
// cannot be read was not.
func (j *judging) before(r Record, t time.Time) bool {
	return !r.At.IsZero() && j.madeAt(r).Before(t.Add(-j.known.slack()))
}

func (j *judging) madeAt(r Record) time.Time { return r.At.Add(j.known.Zone.Offset) }
