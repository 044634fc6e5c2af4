package desk_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pointsledger/desk"
	"pointsledger/ledger"
)

// codedEvent is an event of a member whose code was scanned.
func (f *fixture) codedEvent(order, code string) ledger.Entry {
	e := f.event(order)
	e.Event.Operations[0].MemberID, e.Event.Operations[0].MemberCode = "", code
	return e
}

// age makes operations look as if they were recorded some time ago.
func (f *fixture) age(order, ago string) {
	f.exec(`ALTER TABLE operations DISABLE TRIGGER USER`)
	f.exec(`UPDATE operations SET recorded_at = now() - $2::interval WHERE business_key = $1`, order, ago)
	f.exec(`ALTER TABLE operations ENABLE TRIGGER USER`)
}

func keysOf(found desk.MemberOperations) []string {
	list := []string{}
	for _, o := range found.Operations {
		list = append(list, o.BusinessKey)
	}
	return list
}

// A member's operations are found by id, by what a code was resolved to, by
// what it was posted to, and by the code.
func TestMemberOperations(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, e := range []ledger.Entry{f.codedEvent("SO-posted", "C1"), f.codedEvent("SO-open", "C2"), f.codedEvent("SO-code", "C9"), f.event("SO-id")} {
		f.record(e)
	}
	const account, me = "zhimai", "M1"
	f.exec(`UPDATE outbox x SET resolved_member_id = $1 FROM operations o WHERE o.id = x.operation_id AND business_key = 'SO-open'`, me)
	f.exec(`WITH gone AS (DELETE FROM outbox x USING operations o WHERE o.id = x.operation_id AND business_key = 'SO-posted' RETURNING o.id)
	        INSERT INTO postings (operation_id, kind, evidence, member_id, attempts) SELECT id, 'posted', 'answered', $1, 1 FROM gone`, me)
	other := f.event("SO-me")
	other.Event.Operations[0].MemberID = me
	f.record(other)
	look := func(q desk.MemberQuery) []string {
		t.Helper()
		q.Account = account
		found, err := f.MemberOperations(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		return keysOf(found)
	}
	for name, c := range map[string]struct {
		query desk.MemberQuery
		want  []string
	}{
		"by id":          {desk.MemberQuery{MemberID: me}, []string{"SO-me", "SO-open", "SO-posted"}},
		"by id alone":    {desk.MemberQuery{MemberID: me, IDsOnly: true}, []string{"SO-me"}},
		"by code":        {desk.MemberQuery{Code: "C9"}, []string{"SO-code"}},
		"by ended code":  {desk.MemberQuery{Code: "C1"}, []string{"SO-posted"}},
		"by both":        {desk.MemberQuery{MemberID: me, Code: "C9"}, []string{"SO-me", "SO-code", "SO-open", "SO-posted"}},
		"nobody":         {desk.MemberQuery{MemberID: "nobody", Code: "none"}, []string{}},
		"the newest":     {desk.MemberQuery{MemberID: me, ScanMost: 1}, []string{"SO-me", "SO-open"}},
		"all of them":    {desk.MemberQuery{MemberID: me, ScanMost: 5}, []string{"SO-me", "SO-open", "SO-posted"}},
		"one too few":    {desk.MemberQuery{MemberID: me, ScanMost: 4}, []string{"SO-me", "SO-open"}},
		"nothing at all": {desk.MemberQuery{}, []string{}},
	} {
		if got := look(c.query); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
	found, err := f.MemberOperations(t.Context(), desk.MemberQuery{Account: account, MemberID: me})
	if err != nil {
		t.Fatal(err)
	}
	if posted := found.Operations[2]; posted.State != "posted" || posted.MemberID != me || posted.MemberCode != "C1" || posted.PostedAt.IsZero() ||
		posted.Evidence != "answered" || found.ScanEnded || found.ScannedFrom.IsZero() || found.More {
		t.Errorf("posted %+v of %+v", posted, found)
	}
	for text, want := range map[string][2]bool{me: {true, false}, "C9": {false, true}, "C1": {false, false}} {
		asID, asCode, err := f.KnowsMember(t.Context(), account, text)
		if err != nil || asID != want[0] || asCode != want[1] {
			t.Errorf("%s: %v %v %v, want %v", text, asID, asCode, err, want)
		}
	}
}

// The beginning of a scan is found by halving, whatever gaps the ids have.
func TestMemberScanGoesBackAsFarAsAsked(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for i := range 9 {
		order := fmt.Sprintf("SO-%d", i)
		f.record(f.codedEvent(order, "C1"))
		f.exec(`WITH gone AS (DELETE FROM outbox RETURNING operation_id)
		        INSERT INTO postings (operation_id, kind, evidence, member_id, attempts) SELECT operation_id, 'posted', 'answered', 'M1', 1 FROM gone`)
		f.age(order, fmt.Sprintf("%d hours", 10*(9-i)))
		f.exec(`ALTER TABLE operations ALTER COLUMN id RESTART WITH ` + fmt.Sprint(1000*(i+1)))
	}
	for hours, want := range map[int]int{5: 0, 11: 1, 25: 2, 85: 8, 91: 9, 1000: 9} {
		found, err := f.MemberOperations(t.Context(), desk.MemberQuery{Account: "zhimai", MemberID: "M1", Code: "C1",
			ScanSince: time.Now().Add(-time.Duration(hours) * time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		if len(found.Operations) != want || found.ScanEnded != (want < 9) || found.ScannedFrom.IsZero() != (want == 0) {
			t.Errorf("%d hours: %v, cut off %v, from %v", hours, keysOf(found), found.ScanEnded, found.ScannedFrom)
		}
	}
}

func TestMemberRejects(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for i, payload := range []string{`{"data":{"member":{"customerId":42}}}`, `{"data":{"member":{"customerId" : "42"}}}`, `{"userCode":"42"`,
		`{"amountFen":42}`, `{"customerId":"421"}`, `{"customerId":"142"}`, "\x00\xff\"memberId\":\"42\""} {
		f.exec(`INSERT INTO rejects (stream, stream_created, stream_seq, subject, broker_time, headers, payload, reason_code, reason)
		        VALUES ('POINTS', now(), $1, 's', now(), '', $2, 'bad_type', 'r')`, i+1, []byte(payload))
	}
	found, more, err := f.MemberRejects(t.Context(), []string{"42", "", "42"})
	if err != nil || more {
		t.Fatal(found, more, err)
	}
	var seqs []int64
	for _, r := range found {
		seqs = append(seqs, r.ID)
	}
	if !slices.Equal(seqs, []int64{7, 3, 2, 1}) || found[0].Code != "bad_type" {
		t.Errorf("found %+v", found)
	}
	f.exec(`UPDATE rejects SET resolved_at = now(), resolved_by = 'lin', resolution = 'dismissed' WHERE id < 7`)
	if found, _, err = f.MemberRejects(t.Context(), []string{"42"}); err != nil || len(found) != 1 {
		t.Errorf("resolved ones are found: %+v %v", found, err)
	}
}
