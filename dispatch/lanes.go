package dispatch

import "time"

// lanes draws who has a place: of four, three go to the live lane and one to the
// bulk lane, and of either a share to events younger than a minute. What a lane or
// the young have no row for, the others get (TestLanesShareThePlaces). It is used by
// one goroutine.
type lanes struct {
	// fresh is the share of events younger than a minute.
	fresh float64
	// place counts the places that were drawn; owed is what a lane owes the young.
	place int
	owed  [2]float64
	// lookAt is when the bulk lane is looked into again after it was empty.
	lookAt time.Time
}

// bulkPlace is of how many places one is the bulk lane's.
const bulkPlace = 4

// places are counts by lane: of events younger than a minute, and of any.
type places struct{ fresh, any [2]int }

// The lanes.
const (
	live = 0
	bulk = 1
)

// draw draws for n places.
func (l *lanes) draw(n int) (p places) {
	for range n {
		lane := live
		if l.place++; l.place%bulkPlace == 0 {
			lane = bulk
		}
		if l.owed[lane] += l.fresh; l.owed[lane] >= 1 {
			l.owed[lane]--
			p.fresh[lane]++
		} else {
			p.any[lane]++
		}
	}
	return p
}

// bulkLook is how soon an empty bulk lane is looked into again while the live lane
// has rows for all places.
const bulkLook = 200 * time.Millisecond

// claim claims up to n rows as they are drawn, by claims of one lane each.
func (l *lanes) claim(n int, now time.Time, claim func(lane int, fresh bool, limit int) (int, error)) (claimed int, err error) {
	p := l.draw(n)
	take := func(lane int, fresh bool, limit int) (short bool) {
		if limit <= 0 || err != nil {
			return false
		}
		got, failed := claim(lane, fresh, limit)
		claimed, err = claimed+got, failed
		return got < limit
	}
	take(live, true, p.fresh[live])
	short := false
	if !now.Before(l.lookAt) {
		before := claimed
		take(bulk, true, p.fresh[bulk])
		short = take(bulk, false, p.fresh[bulk]+p.any[bulk]-(claimed-before))
	}
	take(live, false, n-claimed)
	if !short {
		short = take(bulk, false, n-claimed)
	}
	if short {
		l.lookAt = now.Add(bulkLook)
	}
	return claimed, err
}
