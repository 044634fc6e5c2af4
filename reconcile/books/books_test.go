package books_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pointsledger/ledger"
	"pointsledger/reconcile/books"
)

// Random lives of orders: sales, refunds before and after sending, holds, voids,
// corrections, freezes and each of their endings, scanned codes. As of several instants
// and business dates, balance, statement and trial are what the list says that the test
// kept of what it did.
func TestBooksAgreeWithAListOfWhatHappened(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := newWorld(t, seed)
			for range 220 {
				w.step()
			}
			for _, m := range w.list {
				seen[m.movement+" "+string(m.op.kind)]++
			}
			b := books.New(w.pool)
			for _, at := range []int{len(w.marks) / 5, len(w.marks) / 2, len(w.marks) - 20, len(w.marks) - 1} {
				w.compare(b, books.Asked{AsOf: w.marks[at].at}, w.list[:w.marks[at].n], w.marks[at/2])
			}
			w.compare(b, books.Asked{}, w.list, w.marks[len(w.marks)/3])
			for _, date := range []string{"2026-11-19", "2026-11-20", "2026-11-21", "2026-11-22"} {
				w.compare(b, books.Asked{Date: date}, through(w.list, date), mark{})
			}
			w.compare(b, books.Asked{Account: "kylin"}, slices.DeleteFunc(slices.Clone(w.list), func(m moved) bool { return m.op.account() != "kylin" }), mark{})
		})
	}
	for _, what := range []string{"netted points_deduct", "netted unfreeze_point", "posted points_deduct", "voided points_deduct", "posted unfreeze_point",
		"posted consume_frozen", "spent consume_frozen", "voided points_add", "voided freeze_point", "applied_after_void points_add", "applied_after_void freeze_point"} {
		if seen[what] == 0 {
			t.Errorf("nothing was %s in any of the lives: the test looks at too little; there were %v", what, seen)
		}
	}
}

func through(list []moved, date string) (kept []moved) {
	for _, m := range list {
		if m.op.day <= date {
			kept = append(kept, m)
		}
	}
	return kept
}

// member is whose account of the books an operation moves at a place.
func (m *moved) member(place string) string {
	o := m.op.order
	switch {
	case m.op.account() == "kylin":
		return memberID(o.person)
	case !o.coded:
		return customer(o.person)
	case place == "credited" && m.op.kind == ledger.PointsAdd:
		return customer(o.person)
	}
	return "unresolved"
}

func (m *moved) name(place string, folded bool) string {
	switch {
	case place == "issued":
		return m.op.account() + ":issued:1"
	case folded:
		return m.op.account() + ":member:*:" + place
	}
	return m.op.account() + ":member:" + m.member(place) + ":" + place
}

// known: the ledger knows whose it is, by now.
func (m *moved) known() bool {
	return !m.op.order.coded || m.op.account() == "kylin" || m.op.order.resolved
}

func (w *world) compare(b *books.Books, asked books.Asked, list []moved, opening mark) {
	w.t.Helper()
	label := fmt.Sprint(asked.AsOf.Format(time.TimeOnly), asked.Date, asked.Account, " of ", len(list), ": ")
	for _, members := range []bool{false, true} {
		balances := map[string]string{}
		sums, entries := map[string]int64{}, map[string]int64{}
		for i := range list {
			m := &list[i]
			from, to := m.name(m.from, !members), m.name(m.to, !members)
			sums[from], sums[to] = sums[from]-m.points, sums[to]+m.points
			entries[from], entries[to] = entries[from]+1, entries[to]+1
		}
		for name := range entries {
			balances[name] = fmt.Sprint(sums[name], " in ", entries[name])
		}
		found, err := b.Balance(w.t.Context(), asked, members, 1000)
		if err != nil {
			w.t.Fatal(err)
		}
		got := map[string]string{}
		for _, a := range found.Accounts {
			got[a.Account] = fmt.Sprint(a.Points, " in ", a.Entries)
		}
		same(w.t, label+"balances", got, balances)
		if found.TotalPoints != 0 || found.More {
			w.t.Errorf("%sthe sum of all accounts is %d, more: %v", label, found.TotalPoints, found.More)
		}
		w.compareOpen(label, asked, &found, list)
	}
	w.compareTrial(label, b, asked, list)
	for person := range 2 {
		w.compareStatement(label, b, asked, list, person, opening)
	}
}

// compareOpen compares what is open, by age and by reason, with what the list leaves pending.
func (w *world) compareOpen(label string, asked books.Asked, found *books.Balance, list []moved) {
	w.t.Helper()
	pending := map[*played]int64{}
	for _, m := range list {
		of := m.op
		if m.movement == "netted" {
			of = of.origin
		}
		if m.from == "pending" {
			pending[of] -= m.points
		}
		if m.to == "pending" {
			pending[of] += m.points
		}
	}
	want, ages, open := map[string]string{}, map[string]string{}, map[string]int64{}
	operations, points := map[string]int64{}, map[string]int64{}
	for op, n := range pending {
		if key := fmt.Sprint(op.account(), " ", op.kind); n != 0 {
			operations[key]++
			points[key] += n
			want[key] = fmt.Sprint("under_1h ", operations[key], " ", points[key])
		}
	}
	for _, a := range found.Ages {
		ages[fmt.Sprint(a.Account, " ", a.Kind)] = fmt.Sprint(a.Age, " ", a.Operations, " ", a.Points)
	}
	same(w.t, label+"open by age", ages, want)
	if !asked.AsOf.IsZero() || asked.Date != "" {
		return
	}
	for _, r := range found.Open {
		open[fmt.Sprint(r.Account, " ", r.Kind)] += r.Points
	}
	same(w.t, label+"open by reason", open, points)
}

func (w *world) compareTrial(label string, b *books.Books, asked books.Asked, list []moved) {
	w.t.Helper()
	type group struct {
		account, source, channel, shop, day string
	}
	want, got := map[group]map[string]int64{}, map[group]map[string]int64{}
	for _, m := range list {
		o := m.op.order
		g := group{m.op.account(), "1", fmt.Sprint(o.channel), o.shop, m.op.day}
		if g.account == "kylin" {
			g.source = "-"
		}
		if want[g] == nil {
			want[g] = map[string]int64{}
		}
		want[g][m.from] -= m.points
		want[g][m.to] += m.points
		want[g]["entries"] += 2
	}
	found, err := b.Trial(w.t.Context(), asked, books.Dimensions())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range found.Rows {
		g := group{r.Account, "-", fmt.Sprint(*r.Channel), *r.Shop, *r.Day}
		if r.SourceType != nil {
			g.source = fmt.Sprint(*r.SourceType)
		}
		got[g] = map[string]int64{"issued": r.Issued, "pending": r.Pending, "credited": r.Credited, "vendor_balance": r.VendorBalance, "frozen": r.Frozen,
			"spent": r.Spent, "entries": r.Entries}
		maps.DeleteFunc(got[g], func(place string, n int64) bool { _, moved := want[g][place]; return n == 0 && !moved })
		if r.SumPoints != 0 {
			w.t.Errorf("%s%v adds up to %d", label, g, r.SumPoints)
		}
	}
	if !maps.EqualFunc(got, want, maps.Equal[map[string]int64, map[string]int64]) {
		w.t.Errorf("%strial: got %v, want %v", label, got, want)
	}
}

func (w *world) compareStatement(label string, b *books.Books, asked books.Asked, list []moved, person int, opening mark) {
	w.t.Helper()
	var lines []string
	var total, before books.Sums
	for i, m := range list {
		if m.op.order.person != person || !m.known() {
			continue
		}
		d := changeOf(&m)
		total = plus(total, d)
		if i < opening.n {
			before = plus(before, d)
			continue
		}
		lines = append(lines, fmt.Sprint(m.op.order.name, m.op.kind, m.movement, m.points, m.op.day, d))
	}
	for _, id := range []string{customer(person), memberID(person)} {
		if !w.names(id) {
			continue
		}
		found, err := b.Statement(w.t.Context(), books.StatementAsked{Asked: asked, Member: id, Since: opening.at, Limit: 10_000})
		if err != nil {
			w.t.Fatal(err)
		}
		if found.Opening != before || found.Closing != total {
			w.t.Errorf("%sstatement of %s: from %+v to %+v, want %+v to %+v", label, id, found.Opening, found.Closing, before, total)
		}
		var got []string
		running := found.Opening
		for _, l := range found.Lines {
			got = append(got, fmt.Sprint(l.BusinessKey, l.Kind, l.Movement, l.Points, l.BusinessDate, l.Change))
			if running = plus(running, l.Change); running != l.After {
				w.t.Errorf("%sstatement of %s: after %+v the balance is not %+v", label, id, l, running)
			}
		}
		slices.Sort(got)
		if want := slices.Sorted(slices.Values(lines)); !slices.Equal(got, want) {
			w.t.Errorf("%sstatement of %s:\n%s\nwant\n%s", label, id, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		short, err := b.Statement(w.t.Context(), books.StatementAsked{Asked: asked, Member: id, Limit: 3})
		if err != nil || short.Closing != found.Closing || len(short.Lines) > 3 || int(short.Earlier)+len(short.Lines) != int(found.Earlier)+len(found.Lines) {
			w.t.Errorf("%sstatement of %s in 3 lines: %+v, %v", label, id, short, err)
		}
	}
}

// names: an operation names this member itself.
func (w *world) names(id string) bool {
	return slices.ContainsFunc(w.ops, func(op *played) bool {
		m := moved{op: op}
		return m.member("pending") == id
	})
}

func changeOf(m *moved) (d books.Sums) {
	for place, n := range map[string]int64{m.from: -m.points, m.to: m.points} {
		switch place {
		case "credited", "vendor_balance":
			d.Balance += n
		case "pending":
			d.Pending += n
		case "frozen":
			d.Frozen += n
		case "spent":
			d.Spent += n
		}
	}
	return d
}

func plus(a, b books.Sums) books.Sums {
	return books.Sums{Balance: a.Balance + b.Balance, Pending: a.Pending + b.Pending, Frozen: a.Frozen + b.Frozen, Spent: a.Spent + b.Spent}
}

func same[K cmp.Ordered, V comparable](t *testing.T, what string, got, want map[K]V) {
	t.Helper()
	if !maps.Equal(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
