package runs_test

import (
	"testing"
	"time"

	"pointsledger/reconcile/match"
	"pointsledger/reconcile/runs"
	"pointsledger/vendorapi/sim"
)

// What was applied before midnight and once more after it stands in the exports of two
// months, once in each: the second one names it, and each month is added up once.
func TestAppliedTwiceAcrossExports(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.Config{})
	zone := time.FixedZone("Asia/Shanghai", 8*60*60)
	year, month, day := time.Now().In(zone).AddDate(0, 0, -5).Date()
	midnight := time.Date(year, month, day, 0, 0, 0, 0, zone)
	w.exec(`ALTER TABLE postings DISABLE TRIGGER USER`)
	w.exec(`ALTER TABLE operations DISABLE TRIGGER USER`)
	row, late := w.post(member(1), 10), w.post(member(2), 10)
	w.exec(`UPDATE operations SET recorded_at = $1, broker_time = $1`, midnight.Add(-time.Minute))
	w.exec(`UPDATE postings SET posted_at = $1, first_sent_at = $1`, midnight.Add(-time.Minute))
	compare := func(from, to int, records ...runs.Record) runs.Summary {
		t.Helper()
		a := asked()
		a.From, a.To, a.File = midnight.AddDate(0, 0, from).Format(time.DateOnly), midnight.AddDate(0, 0, to).Format(time.DateOnly), fileOf(records)
		return w.run(a)
	}
	once := runs.Record{MemberID: member(1), Points: 10, Text: row.Reason, At: midnight.Add(-time.Minute)}
	again, after := once, once
	again.At = midnight.Add(time.Hour)
	after.MemberID, after.Text, after.At = member(2), late.Reason, midnight.Add(time.Second)
	// The record that a vendor made after midnight is not missing before it, and no second one
	// after it.
	if first := compare(-10, -1, once); !first.Agrees || first.NotCompared.BeyondReach != 1 {
		t.Errorf("an export that ends at midnight: %+v", first)
	}
	if s := compare(0, 4, after); !s.Agrees {
		t.Errorf("made after midnight: %+v", s)
	}
	w.only(compare(0, 4, again, after), match.AppliedTwice, 0, 10)
	// One export of both has both, and so has what overlaps.
	w.only(compare(-10, 4, once, again, after), match.AppliedTwice, 10, 20)
	if s := compare(0, 4, once, after); !s.Agrees {
		t.Errorf("an export that begins earlier: %+v", s)
	}
}
