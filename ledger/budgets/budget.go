package budgets

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

// Budget bounds what a day may grant. Only grants count; what is above it is parked,
// and uses none of it.
type Budget struct {
	// Day is the broker's day of the event in the programme's zone, as a midnight
	// in UTC.
	Day time.Time
	// Source is the event's, in its one form.
	Source string
	// PerMember bounds the points that one member of an account gets that day,
	// PerSource those that one source grants. 0 is no bound. A scanned code counts for
	// itself: whose it is nobody knows yet.
	PerMember, PerSource int64
}

// Bound is what a budget is for (budget_counters_bound_known).
type Bound string

const (
	// OfMember is that of a member of an account.
	OfMember Bound = "member"
	// OfSource is that of a source.
	OfSource Bound = "source"
)

// Grant is an operation that is to be recorded, and bound by a budget.
type Grant struct {
	// Account and BizID are the operation's dedup key.
	Account, BizID string
	// Member is who gets it, or the code that stands for him, at the account.
	Member string
	Points int64
	Budget *Budget
}

// key is whose budget of which day. day is in Unix seconds: times of equal
// days may differ as values.
type key struct {
	day     int64
	bound   Bound
	subject string
}

// date is the day as Postgres wants it.
func (k *key) date() time.Time { return time.Unix(k.day, 0).UTC() }

// share is the part of a budget that a grant needs.
type share struct {
	key
	limit int64
}

// shares are the budgets that a grant is bound by.
func (g *Grant) shares() (shares []share) {
	b := g.Budget
	day := b.Day.Unix()
	if b.PerMember > 0 {
		shares = append(shares, share{key{day, OfMember, g.Account + " " + g.Member}, b.PerMember})
	}
	if b.PerSource > 0 {
		shares = append(shares, share{key{day, OfSource, b.Source}, b.PerSource})
	}
	return shares
}

// Moves is what recording a batch does to the budgets.
type Moves struct {
	spent, added map[key]int64
	excesses     []excess
}

// excess is a grant that is above a budget.
type excess struct {
	grant *Grant
	share share
	spent int64
}

// charge takes what the grants need from what is left, in their order, and notes
// those for which not enough is left.
func (m *Moves) charge(grants []Grant) {
	for i := range grants {
		g := &grants[i]
		shares := g.shares()
		over := slices.IndexFunc(shares, func(s share) bool { return m.sum(s.key)+g.Points > s.limit })
		if over >= 0 {
			m.excesses = append(m.excesses, excess{g, shares[over], m.sum(shares[over].key)})
			continue
		}
		for _, s := range shares {
			m.added[s.key] += g.Points
		}
	}
}

func (m *Moves) sum(k key) int64 { return m.spent[k] + m.added[k] }

// sortedKeys are the keys in the one order in which transactions write them.
func sortedKeys(of map[key]int64) []key {
	return slices.SortedFunc(maps.Keys(of), func(a, b key) int {
		return cmp.Or(cmp.Compare(a.day, b.day), strings.Compare(string(a.bound), string(b.bound)), strings.Compare(a.subject, b.subject))
	})
}

// Parked are the keys (biz_id) of what was parked. nil moves parked nothing.
func (m *Moves) Parked() map[string]bool {
	if m == nil || len(m.excesses) == 0 {
		return nil
	}
	parked := make(map[string]bool, len(m.excesses))
	for i := range m.excesses {
		parked[m.excesses[i].grant.BizID] = true
	}
	return parked
}

// Writers hands out the numbers under which transactions count: each has its own
// while it lasts, so that none waits for another's rows. Safe for concurrent use.
type Writers struct {
	mu   sync.Mutex
	next int64
	free []int64
}

// NewWriters begins at a number of chance: other processes have others.
func NewWriters() *Writers { return &Writers{next: rand.Int64N(1 << 62)} }

// Take hands out a number, until Give.
func (w *Writers) Take() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	if last := len(w.free) - 1; last >= 0 {
		writer := w.free[last]
		w.free = w.free[:last]
		return writer
	}
	w.next++
	return w.next
}

// Give takes a number back when its transaction has ended.
func (w *Writers) Give(writer int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.free = append(w.free, writer)
}
