package runs_test

import (
	"testing"
	"time"

	"pointsledger/reconcile/match"
	"pointsledger/reconcile/runs"
	"pointsledger/vendorapi/sim"
)

// What is not compared and what is not explained is told until it is: by a whole
// comparison, and by a person.
func TestStandingUntilComparedAndExplained(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.Config{})
	w.post(member(1), 100)
	lost := w.grant(member(2), 30)
	w.confirm(&lost)
	w.post(member(2), 5)
	through := asked().To
	stands := func(after string, want ...runs.Standing) {
		t.Helper()
		got, err := w.runs.Standing(t.Context(), after, through)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != len(want) || len(want) == 1 && got[0] != want[0] {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	stands("", runs.Standing{Account: account, NotCompared: 3, NotComparedPoints: 135})
	stands(through) // no day is behind that one

	some := asked()
	some.Choice, some.Members = runs.List, []string{member(2)}
	w.run(some) // no whole comparison, yet what it found is found
	stands("", runs.Standing{Account: account, NotCompared: 3, NotComparedPoints: 135, Unexplained: 1, UnexplainedPoints: 30})

	whole := w.run(asked())
	stands("", runs.Standing{Account: account, Unexplained: 1, UnexplainedPoints: 30})
	w.only(whole, match.OnlyInLedger, 30, 0)
	if err := w.runs.Explain(t.Context(), runs.ItemID{Run: whole.Run, No: 1}, "anna", "the vendor gives it again"); err != nil {
		t.Fatal(err)
	}
	stands("")
	w.run(asked())
	stands("")

	w.post(member(3), 7) // after the comparison of its day
	other := w.grant(member(3), 9)
	w.confirm(&other)
	stands("", runs.Standing{Account: account, NotCompared: 5, NotComparedPoints: 151})
	w.run(asked())
	stands("", runs.Standing{Account: account, Unexplained: 1, UnexplainedPoints: 9})
}

// An export that holds nothing of a day compares nothing of it: no period is closed over that
// without a word.
func TestStandingOfAnEmptyExport(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.Config{})
	for i := range 12 {
		w.post(member(i), 10)
	}
	a := asked()
	a.File = fileOf([]runs.Record{{MemberID: member(1), Points: 10, At: time.Now().AddDate(0, -2, 0)}})
	if s := w.run(a); s.NotCompared.BeyondReach != 12 {
		t.Fatalf("%+v", s)
	}
	got, err := w.runs.Standing(t.Context(), "", a.To)
	if err != nil || len(got) != 1 || got[0] != (runs.Standing{Account: account, NotCompared: 12, NotComparedPoints: 120}) {
		t.Errorf("%+v, %v", got, err)
	}
}

// Two records that are alike to the second are two differences: who explained the one has
// not explained the other.
func TestExplainedOnceIsNotTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.Config{})
	row := w.post(member(1), 10)
	a := asked()
	a.SoleSource = true
	ours := runs.Record{MemberID: member(1), Points: 10, Text: row.Reason, At: time.Now()}
	byHand := runs.Record{MemberID: member(1), Points: 500, Text: "手工", At: ours.At}
	a.File = fileOf([]runs.Record{ours, byHand})
	first := w.run(a)
	w.only(first, match.OnlyAtVendor, 0, 500)
	if err := w.runs.Explain(t.Context(), runs.ItemID{Run: first.Run, No: 1}, "anna", "a present"); err != nil {
		t.Fatal(err)
	}
	a.File = fileOf([]runs.Record{ours, byHand, byHand})
	if s := w.run(a); s.Unexplained != 1 || s.UnexplainedPoints != 500 || s.Items[match.OnlyAtVendor] != 2 {
		t.Errorf("given once more: %+v", s)
	}
	a.File = fileOf([]runs.Record{ours, byHand})
	if s := w.run(a); !s.Agrees {
		t.Errorf("as explained: %+v", s)
	}
}

// Who says something of an item, and when, is the database's to say.
func TestWhoSaysItIsNotTheWriters(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.Config{})
	w.exec(`INSERT INTO reconcile_remarks (item_key, what, text, said_by, said_at, db_user) VALUES ('k', 'explained', 'x', 'anna', 'epoch', 'anna')`)
	w.exec(`INSERT INTO point_values (text, used_through, kept_at, kept_by) VALUES ('x', '2026-11-30', 'epoch', 'anna')`)
	var forged int
	err := w.pool.QueryRow(t.Context(), `
SELECT (SELECT count(*) FROM reconcile_remarks WHERE db_user <> session_user OR said_at < now() - interval '1 hour')
     + (SELECT count(*) FROM point_values WHERE kept_by <> session_user OR kept_at < now() - interval '1 hour')`).Scan(&forged)
	if err != nil || forged != 0 {
		t.Errorf("%d forged, %v", forged, err)
	}
}
