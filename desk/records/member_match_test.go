package records

import (
	"testing"
	"time"

	"pointsledger/desk"
	"pointsledger/evidence"
	"pointsledger/ledger"
	"pointsledger/vendorapi"
)

// What a record is to an operation, at the borders.
func TestCompareMember(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 20, 12, 0, 0, 0, time.FixedZone("CST", 8*60*60))
	reference := ledger.ReferenceOf("pa")
	posted := desk.MemberOperation{ID: 1, Points: 100, Reference: reference, Reason: "订单SO-1消费 #" + reference, State: "posted",
		Evidence: "answered", BrokerTime: noon.Add(-time.Minute), PostedAt: noon}
	doubtful := posted
	doubtful.State, doubtful.InDoubt, doubtful.FirstSentAt, doubtful.PostedAt, doubtful.Evidence = "parked", true, noon, time.Time{}, ""
	open := doubtful
	open.InDoubt, open.FirstSentAt = false, time.Time{}
	waiting := doubtful
	waiting.State = "pending"
	voided := posted
	voided.State = "voided"
	record := func(text string, points int64, at time.Time) vendorapi.Movement {
		return vendorapi.Movement{Record: evidence.Record{Award: true, Points: points, Text: text, At: at.Truncate(time.Second)}}
	}
	ours := record(posted.Reason, 100, noon)
	plain := record("消费", 100, noon)
	cut := record("订单SO-1消", 100, noon)
	spent := ours
	spent.Award = false
	odd := record("消费", 100, noon)
	odd.At = time.Time{}
	late := noon.Add(time.Hour)
	read := comparison{read: true, now: late, settled: time.Minute}
	echo := read
	echo.echo = true
	partial := echo
	partial.partial = true
	unread := comparison{now: late}
	judged := func(c comparison, j evidence.Judgement) comparison {
		c.judged = map[ledger.OperationID]evidence.Judgement{1: j}
		return c
	}
	maybe := func(r vendorapi.Movement) evidence.Judgement {
		return evidence.Judgement{Verdict: evidence.PerhapsShown, Records: []evidence.Record{r.Record}}
	}
	absent := judged(echo, evidence.Judgement{Verdict: evidence.Absent})
	lateCut := record("订单SO-1消", 100, noon.Add(30*time.Hour))
	soon := echo
	soon.now = noon.Add(time.Minute - time.Second)
	for name, c := range map[string]struct {
		operation  desk.MemberOperation
		records    []vendorapi.Movement
		comparison comparison
		want       Finding
	}{
		"ours":                          {posted, []vendorapi.Movement{plain, ours}, read, InBoth},
		"ours, spent is another thing":  {posted, []vendorapi.Movement{spent}, echo, NotInRecords},
		"ours, other points":            {posted, []vendorapi.Movement{record(posted.Reason, 99, noon)}, read, PointsDiffer},
		"a guess":                       {posted, []vendorapi.Movement{plain}, read, InBothByGuess},
		"no guess where references are": {posted, []vendorapi.Movement{plain}, echo, NotInRecords},
		"but our reason, cut short":     {posted, []vendorapi.Movement{cut}, echo, InBothByGuess},
		"too early":                     {posted, []vendorapi.Movement{record("消费", 100, noon.Add(-time.Minute-memberClockSkew-time.Second))}, read, NotInRecords},
		"just not too early":            {posted, []vendorapi.Movement{record("消费", 100, noon.Add(-time.Minute-memberClockSkew))}, read, InBothByGuess},
		"too late":                      {posted, []vendorapi.Movement{record("消费", 100, noon.Add(memberClockSkew+time.Second))}, read, NotInRecords},
		"just not too late":             {posted, []vendorapi.Movement{record("消费", 100, noon.Add(memberClockSkew))}, read, InBothByGuess},
		"a time that cannot be read":    {posted, []vendorapi.Movement{odd}, read, InBothByGuess},
		"other points, no reference":    {posted, []vendorapi.Movement{record("消费", 99, noon)}, read, NotInRecords},
		"not read":                      {posted, nil, unread, NotCompared},
		"too fresh":                     {posted, nil, soon, JustPosted},
		"beyond what was read":          {posted, []vendorapi.Movement{record("a", 1, late)}, partial, NotCompared},
		"within what was read":          {posted, []vendorapi.Movement{record("b", 1, late), record("a", 1, noon.Add(-time.Hour))}, partial, NotInRecords},
		"oldest first, beyond":          {posted, []vendorapi.Movement{record("a", 1, noon.Add(-2*time.Hour)), record("b", 1, noon.Add(-time.Hour))}, partial, NotCompared},
		"doubt, seen":                   {doubtful, []vendorapi.Movement{ours}, read, DoubtSeen},
		"doubt, maybe":                  {doubtful, []vendorapi.Movement{plain}, judged(read, maybe(plain)), DoubtMaybe},
		"doubt, cut off 30 hours later": {doubtful, []vendorapi.Movement{lateCut}, judged(echo, maybe(lateCut)), DoubtMaybe},
		"doubt, absent":                 {doubtful, nil, absent, DoubtAbsent},
		"doubt, not known":              {doubtful, nil, echo, DoubtOpen},
		"doubt, beyond what was read":   {doubtful, []vendorapi.Movement{record("a", 1, late)}, partial, DoubtOpen},
		"doubt, a worker has it":        {waiting, nil, absent, DoubtOpen},
		"doubt, no telling":             {doubtful, nil, read, DoubtOpen},
		"doubt, not read":               {doubtful, nil, unread, DoubtOpen},
		"not in doubt, seen":            {open, []vendorapi.Movement{ours}, read, OpenSeen},
		"not in doubt, no guess":        {open, []vendorapi.Movement{plain}, read, ParkedUnseen},
		"voided, seen":                  {voided, []vendorapi.Movement{ours}, read, VoidedSeen},
		"voided":                        {voided, []vendorapi.Movement{plain}, read, VoidedUnseen},
	} {
		rows := compareMember([]desk.MemberOperation{c.operation}, c.records, c.comparison)
		found := Finding("")
		for _, r := range rows {
			if r.operation != nil {
				found = r.finding
			}
		}
		if found != c.want {
			t.Errorf("%s: got %s, want %s", name, found, c.want)
		}
	}
}

// One record stands for one operation, and the nearest in time is taken.
func TestCompareMemberTakesTheNearest(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 20, 4, 0, 0, 0, time.UTC)
	operations := []desk.MemberOperation{
		{ID: 2, Points: 5, Reference: "b", State: "posted", BrokerTime: noon, PostedAt: noon.Add(time.Hour)},
		{ID: 1, Points: 5, Reference: "a", State: "posted", BrokerTime: noon, PostedAt: noon},
	}
	records := []vendorapi.Movement{{Record: evidence.Record{Award: true, Points: 5, At: noon}}}
	for _, r := range compareMember(operations, records, comparison{read: true, now: noon.Add(24 * time.Hour)}) {
		if (r.finding == InBothByGuess) != (r.operation.ID == 1) {
			t.Errorf("operation %d: %s", r.operation.ID, r.finding)
		}
	}
}

// Records are matched with grants alone, so that nothing says of a take-back that it is missing.
func TestTakeBackIsNotMissing(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	for kind, want := range map[ledger.Kind]Finding{ledger.PointsAdd: NotInRecords, ledger.PointsDeduct: NotCompared} {
		o := desk.MemberOperation{ID: 1, Kind: kind, Points: 5, State: "posted", Reference: "R", BrokerTime: now.Add(-time.Hour), PostedAt: now.Add(-time.Hour)}
		if rows := compareMember([]desk.MemberOperation{o}, nil, comparison{read: true, echo: true, settled: time.Minute, now: now}); len(rows) != 1 || rows[0].finding != want {
			t.Errorf("%s: %+v", kind, rows)
		}
	}
}
