package ledger

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Budget bounds what a day may grant. Only grants count ([PointsAdd]); what is above
// it is recorded and parked ([CauseOverBudget]), and uses none of it.
type Budget struct {
	// Day is the broker's day of the event in the programme's zone, as a midnight
	// in UTC.
	Day time.Time
	// Source is the event's, in its one form.
	Source string
	// PerMember bounds what one member of an account gets that day, PerSource what
	// one source grants. 0 is no bound. A scanned code counts for itself: whose it
	// is nobody knows yet.
	PerMember, PerSource Points
}

// BudgetBound is what a budget is for (budget_counters_bound_known).
type BudgetBound string

const (
	// BudgetOfMember is that of a member of an account.
	BudgetOfMember BudgetBound = "member"
	// BudgetOfSource is that of a source.
	BudgetOfSource BudgetBound = "source"
)

// budgetKey is whose budget of which day. day is in Unix seconds: times of equal
// days may differ as values.
type budgetKey struct {
	day     int64
	bound   BudgetBound
	subject string
}

// date is the day as Postgres wants it.
func (k *budgetKey) date() time.Time { return time.Unix(k.day, 0).UTC() }

// budgetShare is the part of a budget that an operation needs.
type budgetShare struct {
	budgetKey
	limit Points
}

// sharesOf are the budgets that an operation is bound by; mostly none.
func sharesOf(o *newOperation) (shares []budgetShare) {
	b := o.entry.Event.Budget
	if b == nil || o.Kind != PointsAdd || o.Points == 0 {
		return nil
	}
	day := b.Day.Unix()
	if b.PerMember > 0 {
		member := o.MemberID
		if member == "" {
			member = "code " + o.MemberCode
		}
		shares = append(shares, budgetShare{budgetKey{day, BudgetOfMember, Storable(o.Account + " " + member)}, b.PerMember})
	}
	if b.PerSource > 0 {
		shares = append(shares, budgetShare{budgetKey{day, BudgetOfSource, Storable(b.Source)}, b.PerSource})
	}
	return shares
}

// budgetMoves is what recording a batch does to the budgets.
type budgetMoves struct {
	spent, added map[budgetKey]Points
	excesses     []budgetExcess
}

// budgetExcess is an operation that is above a budget.
type budgetExcess struct {
	key   key
	share budgetShare
	spent Points
}

// charge takes what the operations need from what is left, in their order, and
// notes those for which not enough is left.
func (m *budgetMoves) charge(operations []newOperation) {
	for i := range operations {
		o := &operations[i]
		shares := sharesOf(o)
		over := slices.IndexFunc(shares, func(s budgetShare) bool { return m.sum(s.budgetKey)+o.Points > s.limit })
		if over >= 0 {
			m.excesses = append(m.excesses, budgetExcess{key{o.Account, o.BizID}, shares[over], m.sum(shares[over].budgetKey)})
			continue
		}
		for _, s := range shares {
			m.added[s.budgetKey] += o.Points
		}
	}
}

func (m *budgetMoves) sum(k budgetKey) Points { return m.spent[k] + m.added[k] }

// sortedKeys are the keys in the one order in which transactions write them.
func sortedKeys(of map[budgetKey]Points) []budgetKey {
	return slices.SortedFunc(maps.Keys(of), func(a, b budgetKey) int {
		return cmp.Or(cmp.Compare(a.day, b.day), strings.Compare(string(a.bound), string(b.bound)), strings.Compare(a.subject, b.subject))
	})
}

// withoutExcess leaves out what was parked. nil moves leave out nothing.
func (m *budgetMoves) withoutExcess(leased []Claimed) []Claimed {
	if m == nil || len(m.excesses) == 0 {
		return leased
	}
	parked := make(map[BizID]bool, len(m.excesses))
	for i := range m.excesses {
		parked[m.excesses[i].key.BizID] = true
	}
	return slices.DeleteFunc(leased, func(c Claimed) bool { return parked[c.BizID] })
}

// budgetWriters hands out the numbers under which transactions count: each has its
// own while it lasts, so that none waits for another's rows. A process begins at a
// number of chance.
type budgetWriters struct {
	mu   sync.Mutex
	next int64
	free []int64
}

func (w *budgetWriters) take() int64 {
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

func (w *budgetWriters) give(writer int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.free = append(w.free, writer)
}
