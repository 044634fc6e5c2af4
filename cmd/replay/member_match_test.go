package main

import (
	"testing"
	"time"

	"pointsledger/desk"
	"pointsledger/evidence"
	"pointsledger/ledger"
	"pointsledger/vendorapi/zhimai"
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
	record := func(text string, points int64, at time.Time) zhimai.Record {
		return zhimai.Record{Type: zhimai.Awarded, Points: points, Desc: text, CreatedAt: at.In(noon.Location()).Format(time.DateTime)}
	}
	ours := record(posted.Reason, 100, noon)
	plain := record("消费", 100, noon)
	cut := record("订单SO-1消", 100, noon)
	spent := ours
	spent.Type = zhimai.Spent
	odd := record("消费", 100, noon)
	odd.CreatedAt = "昨天"
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
	maybe := func(r zhimai.Record) evidence.Judgement {
		return evidence.Judgement{Verdict: evidence.PerhapsShown, Records: zhimai.RecordsOf([]zhimai.Record{r})}
	}
	absent := judged(echo, evidence.Judgement{Verdict: evidence.Absent})
	lateCut := record("订单SO-1消", 100, noon.Add(30*time.Hour))
	soon := echo
	soon.now = noon.Add(time.Minute - time.Second)
	for name, c := range map[string]struct {
		operation  desk.MemberOperation
		records    []zhimai.Record
		comparison comparison
		want       memberFinding
	}{
		"ours":                          {posted, []zhimai.Record{plain, ours}, read, inBoth},
		"ours, spent is another thing":  {posted, []zhimai.Record{spent}, echo, notInRecords},
		"ours, other points":            {posted, []zhimai.Record{record(posted.Reason, 99, noon)}, read, pointsDiffer},
		"a guess":                       {posted, []zhimai.Record{plain}, read, inBothGuess},
		"no guess where references are": {posted, []zhimai.Record{plain}, echo, notInRecords},
		"but our reason, cut short":     {posted, []zhimai.Record{cut}, echo, inBothGuess},
		"too early":                     {posted, []zhimai.Record{record("消费", 100, noon.Add(-time.Minute-memberClockSkew-time.Second))}, read, notInRecords},
		"just not too early":            {posted, []zhimai.Record{record("消费", 100, noon.Add(-time.Minute-memberClockSkew))}, read, inBothGuess},
		"too late":                      {posted, []zhimai.Record{record("消费", 100, noon.Add(memberClockSkew+time.Second))}, read, notInRecords},
		"just not too late":             {posted, []zhimai.Record{record("消费", 100, noon.Add(memberClockSkew))}, read, inBothGuess},
		"a time that cannot be read":    {posted, []zhimai.Record{odd}, read, inBothGuess},
		"other points, no reference":    {posted, []zhimai.Record{record("消费", 99, noon)}, read, notInRecords},
		"not read":                      {posted, nil, unread, notCompared},
		"too fresh":                     {posted, nil, soon, justPosted},
		"beyond what was read":          {posted, []zhimai.Record{record("a", 1, late)}, partial, notCompared},
		"within what was read":          {posted, []zhimai.Record{record("b", 1, late), record("a", 1, noon.Add(-time.Hour))}, partial, notInRecords},
		"oldest first, beyond":          {posted, []zhimai.Record{record("a", 1, noon.Add(-2*time.Hour)), record("b", 1, noon.Add(-time.Hour))}, partial, notCompared},
		"doubt, seen":                   {doubtful, []zhimai.Record{ours}, read, doubtSeen},
		"doubt, maybe":                  {doubtful, []zhimai.Record{plain}, judged(read, maybe(plain)), doubtMaybe},
		"doubt, cut off 30 hours later": {doubtful, []zhimai.Record{lateCut}, judged(echo, maybe(lateCut)), doubtMaybe},
		"doubt, absent":                 {doubtful, nil, absent, doubtAbsent},
		"doubt, not known":              {doubtful, nil, echo, doubtOpen},
		"doubt, beyond what was read":   {doubtful, []zhimai.Record{record("a", 1, late)}, partial, doubtOpen},
		"doubt, a worker has it":        {waiting, nil, absent, doubtOpen},
		"doubt, no telling":             {doubtful, nil, read, doubtOpen},
		"doubt, not read":               {doubtful, nil, unread, doubtOpen},
		"not in doubt, seen":            {open, []zhimai.Record{ours}, read, openSeen},
		"not in doubt, no guess":        {open, []zhimai.Record{plain}, read, parkedUnseen},
		"voided, seen":                  {voided, []zhimai.Record{ours}, read, voidedSeen},
		"voided":                        {voided, []zhimai.Record{plain}, read, voidedUnseen},
	} {
		rows := compareMember([]desk.MemberOperation{c.operation}, c.records, c.comparison)
		found := memberFinding("")
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
	at := func(d time.Duration) string { return noon.Add(d).In(time.FixedZone("", 8*60*60)).Format(time.DateTime) }
	records := []zhimai.Record{{Type: zhimai.Awarded, Points: 5, CreatedAt: at(0)}}
	for _, r := range compareMember(operations, records, comparison{read: true, now: noon.Add(24 * time.Hour)}) {
		if (r.finding == inBothGuess) != (r.operation.ID == 1) {
			t.Errorf("operation %d: %s", r.operation.ID, r.finding)
		}
	}
}
