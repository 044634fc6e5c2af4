package overview

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"pointsledger/desk/wording"
)

// Lane is what waits in a lane of an account, and how long it takes at the
// account's rate.
type Lane struct {
	// Lane is live or bulk.
	Lane string `json:"lane"`
	// Waiting counts operations that wait or are being sent.
	Waiting int64 `json:"waiting"`
	// DrainsInMs is how long they take when nothing else comes: at the account's
	// rate, without one at the pace of the last minute; nil while neither is known,
	// and while the gate is closed.
	DrainsInMs *int64 `json:"drains_in_ms"`
	// AtLeast: some of them wait for another attempt or to be looked up, so it takes
	// longer.
	AtLeast bool `json:"at_least"`
}

// liveShare is the live lane's part of the places while both lanes wait.
const liveShare = 0.75

// drains says how long each lane takes at so many calls in a second, when nothing
// else comes: while both wait by their shares, and then one has all places.
func drains(live, bulk int64, perSecond float64) (liveIn, bulkIn time.Duration) {
	l, b := float64(live)/(perSecond*liveShare), float64(bulk)/(perSecond*(1-liveShare))
	all := float64(live+bulk) / perSecond
	if l <= b {
		b = all
	} else {
		l = all
	}
	in := func(seconds float64) time.Duration {
		return time.Duration(min(seconds*float64(time.Second), math.MaxInt64/2))
	}
	return in(l), in(b)
}

// fillLanes says of the lanes what the counts of open operations tell.
func (a *Account) fillLanes() {
	live := Lane{Lane: "live", Waiting: a.backlog() - a.bulk}
	late := Lane{Lane: "bulk", Waiting: a.bulk}
	pace := float64(a.RatePerSecond)
	if pace == 0 {
		pace = a.PerSecond
	}
	if pace > 0 && a.Gate == nil {
		liveIn, bulkIn := drains(live.Waiting, late.Waiting, pace)
		live.take(liveIn, a.slow() > 0)
		late.take(bulkIn, a.slow() > 0)
	}
	a.Lanes = []Lane{live, late}
}

func (l *Lane) take(in time.Duration, atLeast bool) {
	if l.Waiting > 0 {
		ms := in.Milliseconds()
		l.DrainsInMs, l.AtLeast = &ms, atLeast
	}
}

// LaneWords say how long what waits takes at the account's rate, lane by lane, and what
// is not due; empty where nothing waits, or nothing is known.
func (a *Account) LaneWords() string {
	words := ""
	for i := range a.Lanes {
		l := &a.Lanes[i]
		if l.DrainsInMs == nil {
			continue
		}
		least := ""
		if l.AtLeast {
			least = "> "
		}
		if words != "" {
			words += ", "
		}
		words += fmt.Sprintf("%s %s in %s%s", l.Lane, wording.Plural(l.Waiting, "operation"), least, wording.Short(min(time.Duration(*l.DrainsInMs)*time.Millisecond, maxDrain)))
	}
	switch {
	case words == "":
	case a.RatePerSecond > 0:
		words += fmt.Sprintf(", if nothing else comes: at the account's rate of %s a second", wording.Count(a.RatePerSecond))
	default:
		words += ", if nothing else comes: at the pace of the last minute; the account has no rate"
	}
	return strings.Join(slices.DeleteFunc([]string{words, a.notDue()}, func(s string) bool { return s == "" }), "; ")
}

// notDue says what waits and is not due; empty for nothing.
func (a *Account) notDue() string {
	var parts []string
	if a.ForOrigin > 0 {
		parts = append(parts, wording.Plural(a.ForOrigin, "operation")+" until what it takes back from has ended")
	}
	if a.Held > 0 {
		parts = append(parts, wording.Plural(a.Held, "operation")+" held by a rule")
	}
	return strings.Join(parts, ", ")
}

// backlog counts what waits for its turn or is being sent.
func (a *Account) backlog() int64 { return a.Waiting + a.Sending - a.ForOrigin - a.Held }
