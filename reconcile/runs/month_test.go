package runs_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pointsledger/internal/testkit"
	"pointsledger/internal/testkit/months"
	"pointsledger/reconcile/match"
	"pointsledger/reconcile/runs"
)

// berlin has an hour twice in October 2026.
func berlin(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func october(t testing.TB, c months.Config) *months.Month {
	c.Zone = berlin(t)
	c.From = time.Date(2026, 10, 1, 0, 0, 0, 0, c.Zone)
	c.Days = 31
	return months.New(c)
}

// compared is a month that was compared.
type compared struct {
	*months.Month
	testing.TB
	summary runs.Summary
	items   []runs.ItemView
	byID    map[int64]*months.Posting
}

// compareMonth compares a month with its vendor, or with a file when that is nil.
func compareMonth(t testing.TB, m *months.Month, vendor *shop) *compared {
	t.Helper()
	pool := testkit.Pool(t)
	if err := m.Book(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	a := runs.Asked{Account: account, From: "2026-10-01", To: "2026-10-31", Zone: m.Zone, MadeBy: "test", SoleSource: !m.Hidden}
	accounts := []runs.Account{{Name: account}}
	if vendor == nil {
		a.File = &runs.File{Name: "month", Records: export(m, m.Zone), ExportedAt: time.Now()}
	} else {
		accounts[0].Reader = vendor
	}
	began := time.Now()
	r := runs.New(pool, accounts)
	s, err := r.Run(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	c := &compared{Month: m, TB: t, summary: s, byID: map[int64]*months.Posting{}}
	t.Logf("%d postings, %d records, %d members in %v: %d by reference, %d proposed, %d not ours, %d beyond reach, items %v", s.Postings, s.Records, s.Members,
		time.Since(began).Round(time.Millisecond), s.MatchedByReference, s.Proposed, s.NotOurs, s.NotCompared.BeyondReach, s.Items)
	if err := r.Items(t.Context(), runs.ItemsAsked{Run: s.Run}, func(v *runs.ItemView) error { c.items = append(c.items, *v); return nil }); err != nil {
		t.Fatal(err)
	}
	for i := range m.Postings {
		c.byID[m.Postings[i].ID] = &m.Postings[i]
	}
	c.addUp()
	return c
}

// addUp: the sides of the items are those of the postings and records that they name, and
// the run's difference is theirs.
func (c *compared) addUp() {
	c.Helper()
	var difference int64
	claimed := map[int64]bool{}
	for i := range c.items {
		v := &c.items[i]
		if difference += v.LedgerPoints - v.VendorPoints; v.Kind == match.WrongMember {
			continue // named beside the record
		}
		var sum int64
		for _, id := range v.Operations {
			if p := c.byID[id]; !p.Voided {
				sum += p.Points
			}
			if claimed[id] {
				c.Errorf("operation %d is in two items", id)
			}
			claimed[id] = true
		}
		if sum != v.LedgerPoints {
			c.Errorf("%+v: its postings are %d points", v, sum)
		}
	}
	if s := &c.summary; s.DifferencePoints != difference+s.InTransitPoints || s.LedgerPoints-s.VendorPoints != s.DifferencePoints {
		c.Errorf("the items differ by %d points: %+v", difference, s)
	}
}

// found is an item or a fault in the words of both.
func found(kind, member string, operations []int64, ledger, vendor int64) string {
	operations = slices.Clone(operations)
	slices.Sort(operations)
	if len(operations) > 0 {
		member = ""
	}
	return fmt.Sprint(kind, member, operations, ledger, vendor)
}

// score holds each fault of the month that visible tells of against the items, and says for each
// kind how many of those were found, and how many of what was found are faults.
func (c *compared) score(visible func(*months.Fault) bool) {
	c.Helper()
	wanted, planted, right, reported := map[string]string{}, map[string]int{}, map[string]int{}, map[string]int{}
	for i := range c.Faults {
		f := &c.Faults[i]
		if !visible(f) {
			continue
		}
		kind, member := months.Kinds()[f.Kind], ""
		var ledger, vendor int64
		for _, id := range f.Postings {
			if p := c.byID[id]; !p.Voided {
				ledger += p.Points
			}
		}
		for _, r := range f.Records {
			vendor, member = vendor+c.Records[r].Points, c.Records[r].Member
		}
		wanted[found(kind, member, f.Postings, ledger, vendor)] = kind
		planted[kind]++
	}
	for i := range c.items {
		v := &c.items[i]
		reported[string(v.Kind)]++
		key := found(string(v.Kind), v.MemberID, v.Operations, v.LedgerPoints, v.VendorPoints)
		if kind, some := wanted[key]; some {
			right[kind]++
			delete(wanted, key)
		} else {
			c.Errorf("invented: %s\n%+v", key, v)
		}
	}
	for key, kind := range wanted {
		c.Errorf("not found: %s, %s", kind, key)
	}
	var table strings.Builder
	for _, kind := range match.Kinds() {
		if k := string(kind); planted[k]+reported[k] > 0 {
			fmt.Fprintf(&table, "\n%-20s planted %4d  precision %6.2f %%  recall %6.2f %%", k, planted[k], share(right[k], reported[k]), share(right[k], planted[k]))
		}
	}
	c.Log(table.String())
}

func share(part, of int) float64 {
	if of == 0 {
		return 100
	}
	return 100 * float64(part) / float64(of)
}

func all(*months.Fault) bool { return true }

// month is the size that a test can bear; the benchmark has the whole one.
var month = months.Config{Seed: 7, Postings: 3000, Members: 300, Faults: 110}

// Where references are shown, every fault is found with its kind, and none is invented: by a
// file whose times have an hour twice, by a vendor, by one that writes UTC.
func TestMonthWithReferences(t *testing.T) {
	t.Parallel()
	t.Run("file", func(t *testing.T) {
		t.Parallel()
		compareMonth(t, october(t, month), nil).score(all)
	})
	t.Run("vendor", func(t *testing.T) {
		t.Parallel()
		m := october(t, month)
		compareMonth(t, m, newShop(m)).score(all)
	})
	t.Run("vendor that writes UTC", func(t *testing.T) {
		t.Parallel()
		m := october(t, month)
		vendor := newShop(m)
		vendor.utc = true
		compareMonth(t, m, vendor).score(all)
	})
	t.Run("vendor whose history is short", func(t *testing.T) {
		t.Parallel()
		m := october(t, month)
		vendor := newShop(m)
		vendor.since = m.Begins.AddDate(0, 0, 14)
		c := compareMonth(t, m, vendor)
		// What is before is no fault of anybody's: it was not compared.
		c.score(func(f *months.Fault) bool {
			for _, id := range f.Postings {
				if f.Kind != months.OtherMember && !c.reaches(vendor, c.byID[id]) {
					return false
				}
			}
			for _, r := range f.Records {
				if m.Records[r].At.Before(vendor.since) {
					return false
				}
			}
			return true
		})
		if c.summary.NotCompared.BeyondReach == 0 || c.summary.Coverage > 0.7 {
			t.Errorf("%+v", c.summary)
		}
	})
}

// reaches tells that a member's list begins before a posting was sent, by more than clocks
// may differ.
func (c *compared) reaches(vendor *shop, p *months.Posting) bool {
	for _, r := range vendor.of[p.Member] {
		if !r.At.Before(vendor.since) {
			return r.At.Before(p.SentAt.Add(-2 * time.Minute))
		}
	}
	return false
}

// Where references are not shown, every posting of a fault is in an item, or a record that
// may be it was proposed; every item's sum is exact; and no posting that is all right is
// called lost. Its zone is found by points alone.
func TestMonthWithoutReferences(t *testing.T) {
	t.Parallel()
	for name, utc := range map[string]bool{"vendor": false, "vendor that writes UTC": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hidden := month
			hidden.Hidden, hidden.Others = true, 0.1
			m := october(t, hidden)
			vendor := newShop(m)
			vendor.utc = utc
			withoutReferences(t, m, compareMonth(t, m, vendor))
		})
	}
}

func withoutReferences(t *testing.T, m *months.Month, c *compared) {
	in := map[int64]match.Kind{}
	for i := range c.items {
		for _, id := range c.items[i].Operations {
			in[id] = c.items[i].Kind
		}
	}
	faulty := map[int64]bool{}
	for _, f := range m.Faults {
		for _, id := range f.Postings {
			faulty[id] = true
			switch kind := in[id]; f.Kind {
			case months.Edited: // as all are
				if kind != "" {
					t.Errorf("%s: %s", f.Kind, kind)
				}
			case months.VoidedApplied: // nothing names it: its record is of another source
			case months.Lost, months.LostAtEdge, months.LostAtClock, months.OtherMember:
				if kind != match.OnlyInLedger && kind != match.Ambiguous {
					t.Errorf("%s: %q", f.Kind, kind)
				}
			default:
				if kind != match.Ambiguous {
					t.Errorf("%s: %q", f.Kind, kind)
				}
			}
		}
	}
	for id, kind := range in {
		if !faulty[id] && kind != match.Ambiguous {
			t.Errorf("operation %d is all right and called %s", id, kind)
		}
	}
	if s := &c.summary; s.ShowsReferences || s.MatchedByReference != 0 || s.Proposed < s.Postings*9/10 {
		t.Errorf("%+v", s)
	}
}
