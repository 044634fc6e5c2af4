package report

import (
	"regexp"
	"testing"
	"time"

	"pointsledger/ledger"
	"pointsledger/reconcile/match"
)

// Each sentence that the matcher makes is translated: not a word of English is left.
func TestSeenInChinese(t *testing.T) {
	t.Parallel()
	all := sentencesOfTheMatcher()
	for n, s := range sentences {
		said := false
		for _, evidence := range all {
			for _, before := range sentences[:n] {
				evidence = before.english.ReplaceAllString(evidence, before.chinese)
			}
			said = said || s.english.MatchString(evidence)
		}
		if !said {
			t.Errorf("nothing says %s", s.english)
		}
	}
	for _, evidence := range all {
		if found := inChinese(evidence); latin.MatchString(stamp.ReplaceAllString(found, "")) {
			t.Errorf("%q\nis %q", evidence, found)
		}
	}
	shanghai := time.FixedZone("CST", 8*3600)
	r := &Report{asked: Asked{Lang: Chinese}, zone: shanghai}
	for english, chinese := range map[string]string{
		"posted at 2026-11-20T03:04:05Z (answered) of 100 points, and a record of 10 points at 2026-11-20T03:04:06Z with its reference": "于 2026-11-20 11:04:05 入账（平台已应答），100 积分；而2026-11-20 11:04:06 的 10 积分记录 以其参考号结尾",
		"not ended: parked: over budget":  "尚未完成：已挂起：超出预算",
		"words that nobody has made here": "words that nobody has made here",
	} {
		if found := r.seen(english); found != chinese {
			t.Errorf("%q is %q", english, found)
		}
	}
	r.asked.Lang = English
	if found := r.seen("posted at 2026-11-20T03:04:05Z (answered)"); found != "posted at 2026-11-20 11:04:05 (answered)" {
		t.Error(found)
	}
}

var latin = regexp.MustCompile(`[A-Za-z]{2,}`)

// sentencesOfTheMatcher has the matcher make its sentences, of what differs in every way.
func sentencesOfTheMatcher() (all []string) {
	at := time.Date(2026, 11, 20, 4, 0, 0, 0, time.UTC)
	id := ledger.OperationID(0)
	posting := func(points int64, words string) match.Posting {
		id++
		biz := ledger.NewBizID("pa", "zhimai", "shop", "order.paid", string(rune('a'+id)), "pa")
		return match.Posting{ID: id, BizID: string(biz), Reference: ledger.ReferenceOf(biz), Reason: "订单 #" + ledger.ReferenceOf(biz), Points: points, State: match.Posted, SentAt: at, EndedAt: at, RecordedAt: at,
			Words: words, Reached: true}
	}
	record := func(points int64, text string) match.Record {
		return match.Record{ID: int64(len(all)) + points + int64(id)*1000, Points: points, Text: text, At: at}
	}
	told, balance := int64(100), int64(107)
	compare := func(m match.Member, edit func(*match.Known)) {
		known := match.Known{From: at.Add(-time.Hour), Until: at.Add(time.Hour), References: true}
		if edit != nil {
			edit(&known)
		}
		m.Account, m.ID, m.ReadAt = "7", "8", at.Add(24*time.Hour)
		for _, item := range match.Compare(&m, &known).Items {
			all = append(all, item.Evidence)
		}
	}
	one := func(p match.Posting, edit func(*match.Known), records ...match.Record) {
		compare(match.Member{Postings: []match.Posting{p}, Records: records}, edit)
	}
	for _, words := range []string{"answered", "already applied", "verified", "by a person's word", "given up by a person, then heard to be applied: answered"} {
		one(posting(100, words), nil)
	}
	one(posting(100, "answered"), func(k *match.Known) { k.References = false })
	p := posting(100, "answered")
	one(p, nil, record(10, p.Reason))
	p = posting(100, "answered")
	timeless := record(10, p.Reason)
	timeless.At = time.Time{}
	one(p, nil, timeless)
	p = posting(100, "answered")
	one(p, nil, record(100, p.Reason), record(100, p.Reason))
	one(posting(100, "answered"), nil, record(100, "客服补发"))
	p = posting(100, "answered")
	compare(match.Member{Postings: []match.Posting{posting(100, "answered"), p}, Records: []match.Record{record(100, "客服补发")}}, nil)
	p = posting(100, "given up by a person")
	p.State = match.Voided
	one(p, nil, record(100, p.Reason))
	for _, words := range []string{"on its way", "held", "in doubt", "waits for the end of what it takes from", "parked: over budget", "parked in doubt: lease expired"} {
		p = posting(100, words)
		p.State, p.EndedAt = match.Open, time.Time{}
		one(p, nil)
		one(p, nil, record(100, p.Reason))
		p.Parked = true
		one(p, nil, record(100, p.Reason))
		one(p, nil, record(100, "客服补发"))
	}
	one(posting(100, "answered"), func(k *match.Known) { k.Lag = 48 * time.Hour })
	compare(match.Member{Records: []match.Record{record(70, "订单 #"+ledger.ReferenceOf("paaaaaaaaaaaaaaaaaaaaaaaaaa"))}}, nil)
	compare(match.Member{Records: []match.Record{record(70, "积分")}}, func(k *match.Known) { k.SoleSource = true })
	compare(match.Member{Balance: &balance, Told: &told}, nil)
	compare(match.Member{Postings: []match.Posting{posting(7, "answered")}, Balance: &balance, Told: &told}, nil)
	for _, edit := range []func(*match.Stray){
		func(s *match.Stray) { s.Account = "9" }, func(s *match.Stray) { s.MemberID = "9" }, func(s *match.Stray) { s.MemberID, s.Counts = "9", true },
		func(s *match.Stray) { s.State, s.Words = match.Voided, "given up by a person" }, func(s *match.Stray) { s.EndedAt, s.SentAt = at.Add(-72*time.Hour), at.Add(-72*time.Hour) },
	} {
		s := &match.Stray{Posting: posting(100, "answered"), Account: "7", MemberID: "8"}
		edit(s)
		r := record(100, s.Reason)
		r.Stray = s
		compare(match.Member{Records: []match.Record{r}}, nil)
	}
	return all
}
