package match

import (
	"container/heap"
	"fmt"
	"slices"
	"time"

	"pointsledger/evidence"
)

// group are postings and records that may be one another's.
type group struct{ postings, records []int }

// propose sets side by side what has no reference in common: by direction, points and
// time. Nothing of it is closed where the account shows references.
func (c *comparing) propose() {
	by := map[int64]*group{}
	of := func(points int64) *group {
		if by[points] == nil {
			by[points] = &group{}
		}
		return by[points]
	}
	for i := range c.Postings {
		if c.mayBeNaked(i) {
			g := of(c.Postings[i].Points)
			g.postings = append(g.postings, i)
		}
	}
	for r := range c.Records {
		if g := by[c.Records[r].Points]; g != nil && !c.taken[r] && !c.Records[r].At.IsZero() {
			g.records = append(g.records, r)
		}
	}
	points := make([]int64, 0, len(by))
	for p := range by {
		points = append(points, p)
	}
	slices.Sort(points) // the same items in every run
	for _, p := range points {
		for _, g := range c.together(by[p]) {
			c.resolve(g)
		}
	}
	if !c.known.References {
		c.otherPoints()
	}
}

// mayBeNaked tells that a record without a reference may be a posting's.
func (c *comparing) mayBeNaked(i int) bool {
	p := &c.Postings[i]
	return !c.done[i] && !p.Elsewhere && (p.State == Posted || p.State == Open && !p.SentAt.IsZero())
}

// together splits a group into those that share no record; what has none is left out.
func (c *comparing) together(g *group) []group {
	type interval struct {
		posting  int
		from, to time.Time
	}
	intervals := make([]interval, len(g.postings))
	for i, p := range g.postings {
		intervals[i].posting = p
		intervals[i].from, intervals[i].to = c.known.span(&c.Postings[p])
	}
	slices.SortStableFunc(intervals, func(a, b interval) int { return a.from.Compare(b.from) })
	records := slices.Clone(g.records)
	slices.SortStableFunc(records, func(a, b int) int { return c.Records[a].At.Compare(c.Records[b].At) })

	parent := make([]int, len(intervals))
	for i := range parent {
		parent[i] = i
	}
	root := func(i int) int {
		for parent[i] != i {
			parent[i] = parent[parent[i]]
			i = parent[i]
		}
		return i
	}
	at := make([]int, 0, len(records)) // an interval that holds the record, or -1
	var active []int
	next := 0
	for _, r := range records {
		t := c.Records[r].At
		for ; next < len(intervals) && !intervals[next].from.After(t); next++ {
			active = append(active, next)
		}
		active = slices.DeleteFunc(active, func(i int) bool { return intervals[i].to.Before(t) })
		for _, i := range active[min(1, len(active)):] {
			parent[root(i)] = root(active[0])
		}
		if len(active) == 0 {
			at = append(at, -1)
		} else {
			at = append(at, active[0])
		}
	}
	return collect(len(intervals), records, at, root, func(i int) int { return intervals[i].posting })
}

// collect makes the groups of what is joined.
func collect(n int, records, at []int, root, posting func(int) int) []group {
	place := map[int]int{}
	var groups []group
	for i, r := range records {
		if at[i] < 0 {
			continue
		}
		top := root(at[i])
		if _, some := place[top]; !some {
			place[top] = len(groups)
			groups = append(groups, group{})
		}
		g := &groups[place[top]]
		g.records = append(g.records, r)
	}
	for i := range n {
		if g, some := place[root(i)]; some {
			groups[g].postings = append(groups[g].postings, posting(i))
		}
	}
	return groups
}

// resolve proposes the pairs of a group, or says that they cannot be told apart.
func (c *comparing) resolve(g group) {
	g = c.byText(g)
	open := 0
	for _, i := range g.postings {
		if c.Postings[i].State == Open {
			open++
		}
	}
	n, records := len(g.postings)-open, len(g.records)
	if records == 0 || n == 0 && open == 0 {
		return
	}
	pairs, perfect := c.pairs(g)
	if records < n || records > n+open || !perfect {
		if n == 0 {
			return // more records than what is in doubt explains: left to the judge of the workers
		}
		c.item(Ambiguous, StepAskVendor, g.postings, g.records, c.groupWords(&g))
		return
	}
	c.agree(g, pairs)
}

// agree takes over pairs of equal numbers.
func (c *comparing) agree(g group, pairs map[int]int) {
	var odd group
	for _, i := range g.postings {
		r, some := pairs[i]
		p := &c.Postings[i]
		switch {
		case !some:
		case p.State == Open && !c.known.within(c.Records[r].At):
		case p.State == Open:
			c.item(InTransit, stepOfOpen(p), []int{i}, []int{r}, fmt.Sprintf("not ended here (%s), and %s without a reference may be it", p.Words, c.recordWords([]int{r})))
		case !c.known.shows(p):
			c.pair(i, r, Proposed)
		default:
			odd.postings, odd.records = append(odd.postings, i), append(odd.records, r)
		}
	}
	if len(odd.postings) > 0 {
		n := int64(len(odd.postings))
		if c.concerns(odd.postings, nil) {
			c.out.Proposed += n
			for _, i := range odd.postings {
				c.out.ProposedPoints += c.Postings[i].Points
			}
		}
		c.item(Ambiguous, StepShow, odd.postings, odd.records, c.groupWords(&odd))
	}
}

func (c *comparing) groupWords(g *group) string {
	first := &c.Postings[g.postings[0]]
	if len(g.postings) == 1 && len(g.records) == 1 && first.Points == c.Records[g.records[0]].Points {
		return fmt.Sprintf("%s; its reference is in no record, and %s without a reference of ours may be it", posted(first), c.recordWords(g.records))
	}
	var sum int64
	for _, i := range g.postings {
		sum += c.Postings[i].Points
	}
	return fmt.Sprintf("%d posted of %d points together, from %s on, and %s without a reference of ours: any may be any", len(g.postings), sum, instant(first.EndedAt), c.recordWords(g.records))
}

// byTextMost bounds the texts that are held against each other: a shop may book all its
// anonymous sales on one member.
const byTextMost = 1_000_000

// byText takes those out whose text tells which is which: it is the beginning of one
// posting's reason and of no other's, and no other record begins so.
func (c *comparing) byText(g group) group {
	if len(g.postings) == 1 && len(g.records) == 1 || len(g.postings)*len(g.records) > byTextMost {
		return g
	}
	postingOf, recordOf := map[int]int{}, map[int]int{} // -1: more than one
	for _, r := range g.records {
		postingOf[r] = none
		for _, i := range g.postings {
			if !evidence.BeginsLike(c.Records[r].Text, c.Postings[i].Reason) {
				continue
			}
			if postingOf[r] = single(postingOf[r], i); postingOf[r] == several {
				break
			}
		}
		if i := postingOf[r]; i >= 0 {
			before, some := recordOf[i]
			if !some {
				before = none
			}
			recordOf[i] = single(before, r)
		}
	}
	left := group{}
	for _, i := range g.postings {
		if r, some := recordOf[i]; some && r >= 0 && c.Postings[i].State == Posted {
			c.agree(group{[]int{i}, []int{r}}, map[int]int{i: r})
		} else {
			left.postings = append(left.postings, i)
		}
	}
	for _, r := range g.records {
		if !c.taken[r] {
			left.records = append(left.records, r)
		}
	}
	return left
}

const none, several = -2, -1

func single(before, now int) int {
	if before == none {
		return now
	}
	return several
}

// pairs gives each record the posting whose time ends first, one that has ended before one
// that is open. perfect: every record and every posting that has ended has one.
func (c *comparing) pairs(g group) (pairs map[int]int, perfect bool) {
	waiting := make([]deadline, 0, len(g.postings))
	for _, i := range g.postings {
		from, to := c.known.span(&c.Postings[i])
		waiting = append(waiting, deadline{i, from, to, c.Postings[i].State == Open})
	}
	slices.SortStableFunc(waiting, func(a, b deadline) int { return a.from.Compare(b.from) })
	records := slices.Clone(g.records)
	slices.SortStableFunc(records, func(a, b int) int { return c.Records[a].At.Compare(c.Records[b].At) })
	pairs, perfect = make(map[int]int, len(records)), true
	active := &deadlines{}
	for _, r := range records {
		at := c.Records[r].At
		for len(waiting) > 0 && !waiting[0].from.After(at) {
			heap.Push(active, waiting[0])
			waiting = waiting[1:]
		}
		found := false
		for active.Len() > 0 && !found {
			next := heap.Pop(active).(deadline)
			if found = !next.to.Before(at); found {
				pairs[next.posting] = r
			}
		}
		perfect = perfect && found
	}
	for _, i := range g.postings {
		if _, has := pairs[i]; !has && c.Postings[i].State == Posted {
			perfect = false
		}
	}
	return pairs, perfect
}

// deadline is until when a posting's record may have been made; deadlines is a heap of them.
type deadline struct {
	posting  int
	from, to time.Time
	open     bool
}

type deadlines []deadline

func (d deadlines) Len() int      { return len(d) }
func (d deadlines) Swap(i, j int) { d[i], d[j] = d[j], d[i] }
func (d deadlines) Less(i, j int) bool {
	if d[i].open != d[j].open {
		return d[j].open
	}
	return d[i].to.Before(d[j].to)
}
func (d *deadlines) Push(x any) { *d = append(*d, x.(deadline)) }
func (d *deadlines) Pop() any {
	last := (*d)[len(*d)-1]
	*d = (*d)[:len(*d)-1]
	return last
}

// otherPoints joins grants that have no record with records that are no posting's and were
// made at that time: where references are not shown, it may be that of other points.
func (c *comparing) otherPoints() {
	var g group
	for i := range c.Postings {
		p := &c.Postings[i]
		if c.mayBeNaked(i) && p.State == Posted && p.Points > 0 && !p.ByHand && c.known.due(p, c.ReadAt) {
			g.postings = append(g.postings, i)
		}
	}
	for r := range c.Records {
		if record := &c.Records[r]; !c.taken[r] && record.Points > 0 && !record.At.IsZero() {
			g.records = append(g.records, r)
		}
	}
	if len(g.postings) == 0 || len(g.records) == 0 {
		return
	}
	for _, of := range c.together(&g) {
		if len(of.postings) > 0 {
			c.item(Ambiguous, StepAskVendor, of.postings, of.records, c.groupWords(&of))
		}
	}
}
