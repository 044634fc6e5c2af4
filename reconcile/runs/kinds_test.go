package runs_test

import (
	"strings"
	"testing"
	"time"

	"pointsledger/ledger"
	"pointsledger/reconcile/match"
	"pointsledger/reconcile/runs"
	"pointsledger/vendorapi/sim"
)

// Books that agree: exit and figures say 0.
func TestAgrees(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.Config{})
	for i := range 5 {
		w.post(member(i%2), ledger.Points(100+i))
	}
	if err := w.vendor.InsertRow(member(0), 30, true, "积分兑换优惠券"); err != nil {
		t.Fatal(err)
	}
	if err := w.vendor.InsertRow(member(1), 100, false, "门店消费获得积分"); err != nil {
		t.Fatal(err)
	}
	s := w.run(asked())
	if !s.Agrees || s.Postings != 5 || s.Members != 2 || s.MatchedByReference != 5 || s.Records != 7 || s.NotOurs != 2 || s.NotOursPoints != 70 || s.Proposed != 0 ||
		s.LedgerPoints != 510 || s.VendorPoints != 510 || s.Coverage != 1 || s.Balances != 2 || !s.ShowsReferences || len(w.items(s.Run, "")) != 0 {
		t.Errorf("%+v", s)
	}
	a := asked()
	a.SoleSource = true // then a grant of another source is one too many
	w.only(w.run(a), match.OnlyAtVendor, 0, 100)
}

// Each kind of item, by calls that went wrong.
func TestKinds(t *testing.T) {
	t.Parallel()
	lost := func(w *world) { row := w.grant(member(1), 100); w.confirm(&row) }
	for name, c := range map[string]struct {
		kind           match.Kind
		ledger, vendor int64
		evidence       string
		step           match.Step
		plant          func(w *world)
	}{
		"lost at the vendor": {match.OnlyInLedger, 100, 0, "no record ends with its reference", match.StepAskVendor, lost},
		"another's reference": {match.OnlyAtVendor, 0, 70, "never issued", match.StepAskVendor, func(w *world) {
			if err := w.vendor.InsertRow(member(1), 70, false, "订单 #"+ledger.ReferenceOf("paaaaaaaaaaaaaaaaaaaaaaaaaaa")); err != nil {
				t.Fatal(err)
			}
		}},
		"other amount": {match.AmountDiffers, 100, 10, "a record of 10 points", match.StepAskVendor, func(w *world) {
			row := w.grant(member(1), 100)
			w.send(&row, func(c *ledger.VendorCall) { c.Points = 10 })
			w.confirm(&row)
		}},
		"applied twice": {match.AppliedTwice, 100, 200, "2 records of 200 points", match.StepTakeBack, func(w *world) {
			row := w.post(member(1), 100)
			w.send(&row, func(c *ledger.VendorCall) { c.BizID = "another-key" })
		}},
		"other member": {match.WrongMember, 100, 100, "member " + member(1), match.StepMove, func(w *world) {
			row := w.grant(member(1), 100)
			w.send(&row, func(c *ledger.VendorCall) { c.MemberID = member(2) })
			w.confirm(&row)
			w.post(member(2), 5)
		}},
		"also at another member": {match.WrongMember, 0, 100, "member " + member(1), match.StepMove, func(w *world) {
			row := w.post(member(1), 100)
			w.send(&row, func(c *ledger.VendorCall) { c.MemberID, c.BizID = member(2), "another-key" })
			w.post(member(2), 5)
		}},
		"text edited": {match.Ambiguous, 100, 100, "may be it", match.StepShow, func(w *world) {
			row := w.grant(member(1), 100)
			w.send(&row, func(c *ledger.VendorCall) { c.Reason = "客服补发" })
			w.confirm(&row)
		}},
		"two edited, one lost": {match.Ambiguous, 200, 100, "any may be any", match.StepAskVendor, func(w *world) {
			row := w.grant(member(1), 100)
			w.send(&row, func(c *ledger.VendorCall) { c.Reason = "客服补发" })
			w.confirm(&row)
			lost(w)
		}},
		"voided": {match.VoidedButApplied, 0, 100, "given up by a person", match.StepTakeBack, func(w *world) {
			row := w.grant(member(1), 100)
			w.send(&row, nil)
			w.void(&row)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sim.Config{})
			for range 3 {
				w.post(member(1), 11)
			}
			c.plant(w)
			item := w.only(w.run(asked()), c.kind, c.ledger, c.vendor)
			if !strings.Contains(item.Evidence, c.evidence) || item.Step != c.step || item.At == nil || item.Account != account {
				t.Errorf("%+v", item)
			}
			// It is the same again, and by its key what was said of it is.
			if err := w.runs.Explain(t.Context(), item.Item, "lin", "the shop has the papers"); err != nil {
				t.Fatal(err)
			}
			if s := w.run(asked()); !s.Agrees || s.Items[c.kind] != 1 || s.UnexplainedPoints != 0 {
				t.Errorf("explained, and again: %+v", s)
			}
		})
	}
}

// The balance has points that no record shows.
func TestBalanceDiffers(t *testing.T) {
	t.Parallel()
	now := time.Now()
	w := newWorld(t, sim.Config{Now: func() time.Time { return now }})
	w.post(member(1), 100)
	for range 20 {
		now = now.Add(time.Second)
		if err := w.vendor.InsertRow(member(1), 7, false, "门店消费获得积分"); err != nil {
			t.Fatal(err)
		}
	}
	w.post(member(1), 200)
	hide := sim.RecordsConfig{EchoReason: true}
	for hide.MissingRate = 0.05; ; hide.MissingRate += 0.05 {
		if err := w.vendor.SetRecords(hide); err != nil {
			t.Fatal(err)
		}
		s := w.run(asked())
		if s.Items[match.BalanceDiffers] == 0 && hide.MissingRate < 0.9 {
			continue // it happened to hide the newest or the oldest
		}
		for _, item := range w.items(s.Run, match.BalanceDiffers) {
			if more := item.VendorPoints - item.LedgerPoints; more <= 0 || !strings.Contains(item.Evidence, "explain") {
				t.Errorf("%+v", item)
			}
			return
		}
		t.Fatalf("no item: %+v", s)
	}
}

// Of members that were not asked for nothing is said, and the coverage says how much that is.
func TestCoverage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.Config{})
	lost := w.grant(member(2), 50)
	w.confirm(&lost)
	var records []runs.Record
	for range 3 {
		row := w.post(member(1), 100)
		records = append(records, runs.Record{MemberID: member(1), Points: 100, Text: row.Reason, At: time.Now()})
	}
	for name, edit := range map[string]func(*runs.Asked){
		"list":   func(a *runs.Asked) { a.Choice, a.Members = runs.List, []string{member(1)} },
		"file":   func(a *runs.Asked) { a.Choice, a.Members, a.File = runs.List, []string{member(1)}, fileOf(records) },
		"sample": func(a *runs.Asked) { a.Choice, a.SampleSize = runs.Sample, 1 },
		"all":    func(a *runs.Asked) { a.Choice = runs.All },
		"whole":  func(a *runs.Asked) { a.File = fileOf(records) },
	} {
		a := asked()
		edit(&a)
		s := w.run(a)
		switch s.Members {
		case 1: // which one a sample draws is chance
			found := s.Items[match.OnlyInLedger] == 1
			if want := 0.75; s.Postings != 4 || s.Agrees == found || !found && (s.Coverage != want || s.NotCompared.MembersNotRead != 1) || found && name != "sample" {
				t.Errorf("%s: %+v", name, s)
			}
		case 2:
			if s.Coverage != 1 || s.Items[match.OnlyInLedger] != 1 || s.NotCompared.MembersNotRead != 0 || name == "list" || name == "sample" {
				t.Errorf("%s: %+v", name, s)
			}
		default:
			t.Errorf("%s: %+v", name, s)
		}
	}
}

// fileOf is a file with these records.
func fileOf(records []runs.Record) *runs.File {
	return &runs.File{Name: "records", ExportedAt: time.Now().Add(time.Minute), Records: func(yield func(runs.Record, error) bool) {
		for _, r := range records {
			if !yield(r, nil) {
				return
			}
		}
	}}
}
