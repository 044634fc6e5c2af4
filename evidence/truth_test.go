package evidence

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pointsledger/ledger"
)

// truth is a vendor and what really happened at it to one member, made of a
// seed. Times count from one day at noon; all ranges are small, so that borders
// meet.
type truth struct {
	*rand.Rand
	now time.Time // when the reading begins
	// The vendor's habits.
	maxLag     time.Duration
	keepNewest int           // records of a member, 0: all
	cutLately  bool          // longer lists were seen before
	tells      bool          // records say what the member had before
	lost       bool          // … and the record of our call was lost, by the fault that lost the answer
	keepFor    time.Duration // 0: for ever
	echoFrom   time.Time     // texts are shown from then on, …
	echoUntil  time.Time     // … until then
	cutAt      int           // characters of a text that are shown, 0: all
	zone       time.Duration // what its times are behind China's
	skew       time.Duration
	frozen     time.Time // what was made later is not shown; zero: all is
	moved      time.Time // calls before went to another endpoint, and do not show; zero: none

	op      Operation
	applied bool
	issued  []Issued
	made    []entry
}

// entry is a record as the vendor has it.
type entry struct {
	Record
	at, visible time.Time
	ours        bool // called by us
}

func (v *truth) minutes(n int) time.Duration {
	return time.Duration(v.IntN(n*60)) * time.Second
}

func (v *truth) chance(percent int) bool { return v.IntN(100) < percent }

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func newTruth(seed uint64) *truth {
	v := &truth{Rand: rand.New(rand.NewPCG(seed, 10))}
	v.habits()
	first := noon.Add(v.minutes(600))
	v.op = v.operation(0, "")
	v.op.FirstSentAt, v.op.QuietSince = first, first.Add(v.minutes(10))
	firstTime := v.chance(15)
	if !firstTime {
		for i := range v.IntN(5) {
			v.other(i + 1)
		}
	}
	if v.chance(15) && len(v.issued) > 0 {
		// An old text that carries another's reference before its own.
		v.op.Reason = "订单#" + v.issued[0].Reference + " #" + v.op.Reference
	}
	if v.applied = v.chance(50); v.applied {
		points := int64(v.op.Points)
		if v.chance(5) && !v.echoUntil.Before(v.op.QuietSince) && !v.echoFrom.After(first) {
			points++
		}
		v.record(v.op.FirstSentAt.Add(v.within(v.op.QuietSince.Sub(first))), points, v.op.Reason, true)
	}
	if !firstTime {
		v.foreign()
	}
	v.now = v.op.QuietSince.Add(v.minutes(40))
	if v.chance(10) {
		v.now = v.op.QuietSince.Add(30 * time.Hour)
	}
	if v.chance(10) {
		v.moved = first.Add(v.minutes(20) - 5*time.Minute)
	}
	v.spend()
	return v
}

// spend lets the member spend all there is, once; not at a vendor that has lately begun
// to cut: what was given, spent and dropped is not seen there.
func (v *truth) spend() {
	if !v.chance(10) || v.cutLately && v.keepNewest > 0 {
		return
	}
	at := v.op.QuietSince
	if balance := v.balance(at); balance > 0 {
		v.record(at, balance, "兑换", false)
	}
}

// balance is what the member has at a time.
func (v *truth) balance(at time.Time) (points int64) {
	for _, e := range v.made {
		switch elsewhere := e.ours && e.at.Before(v.moved); {
		case elsewhere || e.at.After(at):
		case e.Award:
			points += e.Points
		default:
			points -= e.Points
		}
	}
	return points
}

func (v *truth) within(d time.Duration) time.Duration {
	return time.Duration(v.Int64N(int64(d) + 1))
}

func (v *truth) habits() {
	v.maxLag = v.minutes(3)
	v.echoUntil = noon.Add(1000 * time.Hour)
	if v.chance(20) {
		v.echoUntil = noon.Add(v.minutes(700))
	}
	if v.chance(20) {
		v.echoFrom = noon.Add(v.minutes(700))
	}
	if v.chance(20) {
		v.cutAt = 4 + v.IntN(30)
	}
	if v.chance(25) {
		v.keepNewest = 1 + v.IntN(4)
	}
	if v.chance(25) {
		v.keepFor = v.minutes(900)
	}
	v.cutLately = v.chance(50)
	v.tells = v.chance(50)
	v.lost = v.tells && v.keepFor == 0 && v.keepNewest == 0 && v.chance(30) // what is lost and spent, and dropped then, is not seen
	v.skew = v.minutes(3) - 90*time.Second
	if v.chance(30) {
		v.zone = time.Duration(v.IntN(105)-52) * 15 * time.Minute
	}
	if v.chance(10) {
		v.frozen = noon.Add(v.minutes(620))
	}
}

// operation makes an operation with a text that is like the others'.
func (v *truth) operation(i int, before string) Operation {
	reference := ledger.ReferenceOf(ledger.NewBizID("pa", "zhimai", fmt.Sprint(i, v.Uint64())))
	return Operation{Account: "zhimai", MemberID: "1", Reference: reference, Points: ledger.Points(1 + v.IntN(2)),
		Reason: fmt.Sprintf("订单SO-%d消费积分%s #%s", v.IntN(3), before, reference)}
}

// other adds another operation of this member: confirmed, or under way.
func (v *truth) other(i int) {
	before := ""
	if v.chance(10) {
		// Its text holds our whole text, or our reference: a vendor that cuts shows
		// what looks like ours.
		before = strings.TrimSuffix(v.op.Reason, v.op.Reference) + v.op.Reference
	}
	o := v.operation(i, before)
	if before != "" {
		o.Reason = before + " #" + o.Reference
	}
	sent := noon.Add(v.minutes(620))
	issued := Issued{Reference: o.Reference, Reason: o.Reason, Points: o.Points, SentAt: sent.Add(-v.minutes(2))}
	switch {
	case v.chance(80):
		issued.Confirmed, issued.ConfirmedAt = true, sent.Add(v.minutes(1))
		v.record(sent, int64(o.Points), o.Reason, true)
	case v.chance(50):
		v.record(sent, int64(o.Points), o.Reason, true)
	case v.chance(50):
		issued.SentAt = time.Time{}
	}
	v.issued = append(v.issued, issued)
}

// foreign adds records that are not ours.
func (v *truth) foreign() {
	for range v.IntN(4) {
		text := []string{"", "签到", "订", "退货单#2026112000019", "退货单#20261120000" + fmt.Sprint(10+v.IntN(90)), "订单SO-"}[v.IntN(6)]
		at := noon.Add(v.minutes(640))
		if len(v.issued) > 0 && v.chance(20) {
			if o := v.issued[0]; !o.SentAt.IsZero() {
				// Somebody at a till copies what he sees of another of ours.
				text, at = "退 #"+o.Reference, o.SentAt.Add(5*time.Minute)
			}
		}
		v.record(at, int64(1+v.IntN(2)), text, v.chance(70))
	}
	if v.chance(30) {
		v.record(noon.Add(-time.Duration(v.IntN(72))*time.Hour), 1, "开户", v.chance(50))
	}
}

func (v *truth) record(at time.Time, points int64, text string, award bool) {
	ours := text == v.op.Reason
	if at.Before(v.echoFrom) || !at.Before(v.echoUntil) {
		text = ""
	}
	if runes := []rune(text); v.cutAt > 0 && len(runes) > v.cutAt {
		text = string(runes[:v.cutAt])
	}
	shown := at.Add(v.skew - v.zone).Truncate(time.Second)
	if v.chance(3) {
		shown = time.Time{}
	}
	e := entry{Record: Record{Award: award, Points: points, Text: text, At: shown}, at: at, visible: at.Add(v.within(v.maxLag)), ours: ours}
	if v.lost && !award {
		e.visible = at // what was lost, and spent where that does not show yet, is not seen
	}
	v.made = append(v.made, e)
}

// read is the reading.
func (v *truth) read() (r Reading) {
	r = Reading{Complete: !v.chance(5), BeganAt: v.now}
	slices.SortStableFunc(v.made, func(a, b entry) int { return b.at.Compare(a.at) })
	var kept []entry
	for _, e := range v.made {
		if elsewhere := e.ours && e.at.Before(v.moved); elsewhere || e.visible.After(v.now) || v.lost && e.ours || !v.frozen.IsZero() && e.at.After(v.frozen) {
			continue
		}
		if v.keepFor == 0 || !e.at.Before(v.now.Add(-v.keepFor)) {
			kept = append(kept, e)
		}
	}
	// The vendor keeps the newest by its own count, lagging ones included.
	if v.keepNewest > 0 && len(kept) > v.keepNewest {
		kept = kept[:v.keepNewest]
	}
	for _, e := range kept {
		if v.tells {
			e.Before, e.Tells = v.balance(e.at.Add(-1)), true
		}
		r.Records = append(r.Records, e.Record)
	}
	if balance := v.balance(v.now); v.chance(90) {
		r.Balance = &balance
	}
	return r
}

// readings are two, one after the other; the backend may fail inside in one of them.
func (v *truth) readings() (before, now Reading) {
	before = v.read()
	now = before
	switch {
	case v.chance(5):
		now.Records = nil
	case v.chance(20):
		before.Records = nil
	}
	return before, now
}

// knowledge is what honest samples at this vendor could have taught by now.
func (v *truth) knowledge() Knowledge {
	k := Knowledge{AloneSince: v.moved, MaxLag: v.maxLag, QuietAfter: v.minutes(10), ShownSince: noon.Add(v.minutes(60) - time.Hour)}
	if v.echoFrom.After(k.ShownSince) {
		k.ShownSince = v.echoFrom
	}
	switch {
	case v.chance(10):
		k.References = ReferencesHidden
	case v.chance(90):
		k.References = ReferencesShown
	}
	if v.zone == 0 || v.chance(70) {
		k.Zone = Zone{Known: v.chance(90), Offset: v.zone}
	}
	last := time.Time{}
	for range v.IntN(4) {
		sent := noon.Add(v.minutes(660))
		if sent.After(v.now) {
			continue
		}
		last = later(last, sent)
		read := sent.Add(v.minutes(60))
		hidden := sent.Before(v.echoFrom) || !sent.Before(v.echoUntil) || v.cutAt > 0 || !v.frozen.IsZero() && sent.After(v.frozen)
		if !hidden && !read.Before(sent.Add(v.maxLag)) {
			k.Samples = append(k.Samples, Sample{SentAt: sent, BeganAt: read.Add(-v.minutes(1)), ReadAt: read})
		}
	}
	for _, o := range v.issued {
		if o.Confirmed {
			last = later(last, o.SentAt)
		}
	}
	k.LastSentAt = last
	if !v.frozen.IsZero() && !k.LastSentAt.After(v.op.QuietSince) {
		// A copy that stands still for as long as nothing is posted is not seen; it
		// has moved on by the time an account counts as quiet.
		k.LastSentAt = v.op.QuietSince.Add(time.Second)
	}
	for range v.IntN(3) {
		read := noon.Add(v.minutes(660))
		age, records := v.minutes(3000), 1+v.IntN(8)
		if v.keepFor > 0 {
			age = min(age, v.keepFor)
		}
		if v.keepNewest > 0 && !v.cutLately {
			records = min(records, v.keepNewest)
		}
		k.Extents = append(k.Extents, Extent{Records: records, Oldest: read.Add(-age + v.skew), ReadAt: read})
	}
	return k
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// check judges both readings of one truth, and says what is wrong with a verdict.
func check(seed uint64) (judged []Judgement, err error) {
	v := newTruth(seed)
	before, now := v.readings()
	known := v.knowledge()
	for _, reading := range []Reading{before, now} {
		j := Judge(v.op, reading, v.issued, known)
		wrong := ""
		switch {
		case j.Verdict == Absent && v.applied:
			wrong = "absent, though the vendor applied it"
		case (j.Verdict == Shown || j.Verdict == ShownOtherPoints) && !v.applied:
			wrong = "shown, though the vendor did not apply it"
		case (j.Lack != "") != (j.Verdict == NotKnown):
			wrong = "a lack goes with not known, and only with it"
		}
		if wrong != "" {
			return judged, fmt.Errorf("seed %d: %s: %v\nop %+v\nreading %+v\nissued %+v\nknown %+v\ntruth %+v",
				seed, wrong, j, v.op, reading, v.issued, known, v.made)
		}
		judged = append(judged, j)
		v.op.EmptyBefore = j.Lack == LackEmptyTwice
	}
	return judged, nil
}

// TestJudgeAgainstATruth searches for a vendor that makes the judge say what is
// not so: records that lag each as they like, lists that are cut by length, by
// age, to nothing, or stand still, texts that are cut off, shown from some time
// on or no longer, clocks and zones that are off, and foreign records that look
// like ours.
func TestJudgeAgainstATruth(t *testing.T) {
	t.Parallel()
	seen := map[Verdict]int{}
	lacks := map[Lack]int{}
	for seed := range uint64(100_000) {
		judged, err := check(seed)
		if err != nil {
			t.Fatal(err)
		}
		for _, j := range judged {
			seen[j.Verdict]++
			lacks[j.Lack]++
		}
	}
	t.Log(seen, lacks)
	// A judge that never says anything is never wrong.
	for verdict, least := range map[Verdict]int{Absent: 2000, Shown: 10_000, ShownOtherPoints: 500, PerhapsShown: 10_000} {
		if seen[verdict] < least {
			t.Errorf("verdict %d: %d times, want %d or more", verdict, seen[verdict], least)
		}
	}
	for lack := range lackWords {
		if lacks[lack] < 100 {
			t.Errorf("%s: %d times, want 100 or more", lack, lacks[lack])
		}
	}
}

// FuzzJudge is the same search without an end.
func FuzzJudge(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(func(t *testing.T, seed uint64) {
		if _, err := check(seed); err != nil {
			t.Fatal(err)
		}
	})
}
