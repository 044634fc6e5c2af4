package continuity_test

import (
	"testing"
	"time"

	"pointsledger/continuity"
	"pointsledger/continuity/survey"
	"pointsledger/internal/testkit/orders"
	"pointsledger/ledger"
)

// survey counts entries as a preview does, in batches.
func (f *fixture) survey(batches ...[]ledger.Entry) survey.Found {
	f.t.Helper()
	surveyor := survey.New()
	for _, entries := range batches {
		verdicts, err := f.Known(f.t.Context(), entries)
		if err != nil {
			f.t.Fatal(err)
		}
		surveyor.Add(entries, verdicts)
	}
	return surveyor.Found()
}

// What is counted is what RecordRebuilt then does, also across batches.
func TestSurveyIsWhatIsRecorded(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.record(f.event("SO-1"))
	again := f.event("SO-1")
	both := f.event("SO-2")
	both.Event.Operations = append(both.Event.Operations, orders.Operation("kylin", "SO-2", 5))
	other := f.event("SO-2")
	other.Event.Content = `{"amountFen":1,"orderId":"SO-2"}`
	repeat := f.event("SO-2")
	repeat.Event.Content = both.Event.Content
	checkIn := f.event("SO-3")
	checkIn.Event.RepeatIsDuplicate = true
	another := f.event("SO-3")
	another.Event.RepeatIsDuplicate, another.Event.Content = true, `{"amountFen":2,"orderId":"SO-3"}`
	nobody := f.event("SO-4")
	nobody.Event.Operations[0].MemberID, nobody.Event.Operations[0].Points = "", 0
	bad := f.event("SO-5")
	bad.Event, bad.Rejection = nil, ledger.Rejectf(ledger.NotJSON, "no")
	known := f.event("SO-6")
	known.Event, known.Rejection = nil, ledger.Rejectf(ledger.BadType, "no")
	f.record(known)
	conflict := f.event("SO-1")
	conflict.Event.Content = `{"amountFen":7,"orderId":"SO-1"}`

	batches := [][]ledger.Entry{{again, both, checkIn, bad, known}, {other, repeat, another, nobody, conflict}}
	s := f.survey(batches...)
	want(t, "events", s.Events, 10)
	want(t, "there", s.There, 2)
	want(t, "added", s.Added, 3)
	want(t, "repeats", s.Repeats, 2)
	want(t, "conflicts", s.Conflicts, 2)
	want(t, "rejects", s.Rejects[ledger.NotJSON], 1)
	want(t, "all rejects", s.RejectCount(), 3)
	want(t, "operations", s.Operations(), 4)
	want(t, "members", s.Members, 2)
	want(t, "groups", len(s.Groups), 2)
	want(t, "kylin", s.Groups[0], survey.Group{Account: "kylin", Kind: ledger.FreezePoint, Operations: 1, Members: 1, Points: 5})
	want(t, "zhimai", s.Groups[1], survey.Group{Account: "zhimai", Kind: ledger.PointsAdd, Operations: 3, NothingToSend: 1, Members: 1, Points: 200})
	want(t, "oldest", s.Oldest, both.Message.BrokerTime)
	want(t, "newest", s.Newest, nobody.Message.BrokerTime)
	want(t, "written by looking", one[int](f, `SELECT count(*) FROM operations`), 1)

	var added, rejected int64
	for _, entries := range batches {
		verdicts, err := f.RecordRebuilt(t.Context(), entries, ledger.Rebuilt{Parked: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range verdicts {
			switch {
			case v.Kind == ledger.Accepted:
				added++
			case v.Rejection != nil:
				rejected++
			}
		}
	}
	want(t, "recorded", added, s.Added)
	want(t, "rejected", rejected, s.RejectCount())
	want(t, "operations recorded", one[int64](f, `SELECT count(*) - 1 FROM operations`), s.Operations())
	want(t, "parked in doubt", one[int](f, `SELECT count(*) FROM outbox WHERE state = 'parked' AND in_doubt AND cause = 'rebuilt'`), 3)
	want(t, "nothing is left", f.survey(batches...).There, 10)
}

// A mark keeps workers out, ids begin far above the lost ones, and the mark is
// replaced once the ledger is whole.
func TestMarkRebuilding(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	session, err := continuity.OpenSession(t.Context(), f.pool)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	before := time.Now().UnixMilli()
	id := continuity.Identity{Stream: "POINTS", StreamCreated: orders.Epoch, AckedSeq: 7}
	for range 2 { // also of a ledger that is marked
		if err := session.MarkRebuilding(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		remembered, found, err := session.Remembered(t.Context())
		if err != nil || !found || !remembered.Rebuilding() || remembered.AckedSeq != 0 {
			t.Fatalf("remembered %+v %v %v", remembered, found, err)
		}
		id = remembered
	}
	want(t, "mark", id.Stream, "POINTS (being rebuilt)")
	f.record(f.event("SO-1"))
	if lowest := one[int64](f, `SELECT min(id) FROM operations`); lowest < before {
		t.Errorf("the first id is %d, want %d or more", lowest, before)
	}
	if err := session.Remember(t.Context(), continuity.Identity{Stream: "POINTS", StreamCreated: orders.Epoch, AckedSeq: 7}); err != nil {
		t.Fatal(err)
	}
	if remembered, _, err := session.Remembered(t.Context()); err != nil || remembered.Rebuilding() || remembered.AckedSeq != 7 {
		t.Errorf("remembered %+v %v", remembered, err)
	}
}

// Operations that a killed run added are noted with the next run of its plan,
// and nobody else's are.
func TestNoteRebuilt(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	act := func() int64 {
		t.Helper()
		id, err := f.RecordAct(t.Context(), ledger.Act{Actor: "lin", Name: "stream", Reason: "lost"})
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	note := func(act int64, made time.Time, entries []ledger.Entry) {
		t.Helper()
		verdicts, err := f.RecordRebuilt(t.Context(), entries, ledger.Rebuilt{Parked: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := continuity.NoteRebuilt(t.Context(), f.pool, act, made, entries, verdicts); err != nil {
			t.Fatal(err)
		}
	}
	noted := func(act int64) int {
		return one[int](f, `SELECT count(*) FROM action_operations WHERE action_id = $1`, act)
	}
	worker, killed, fresh := f.event("SO-1"), f.event("SO-2"), f.event("SO-3")
	f.record(worker)
	made := one[time.Time](f, `SELECT now() - interval '1 hour'`)
	if _, err := f.RecordRebuilt(t.Context(), []ledger.Entry{killed}, ledger.Rebuilt{Parked: true}); err != nil {
		t.Fatal(err)
	}
	early := act()
	note(early, one[time.Time](f, `SELECT now() + interval '1 hour'`), []ledger.Entry{worker, killed})
	want(t, "noted with a plan that was made later", noted(early), 0)
	first := act()
	note(first, made, []ledger.Entry{worker, killed, fresh})
	want(t, "noted", noted(first), 2)
	second := act()
	note(second, made, []ledger.Entry{worker, killed, fresh})
	want(t, "noted twice", noted(second), 0)
}
