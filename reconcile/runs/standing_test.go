package runs_test

import (
	"testing"

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
