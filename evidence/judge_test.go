package evidence

import (
	"testing"
	"time"

	"pointsledger/ledger"
)

var (
	ours   = ledger.ReferenceOf(ledger.NewBizID("pa", "zhimai", "ours"))
	others = ledger.ReferenceOf(ledger.NewBizID("pa", "zhimai", "others"))
	third  = ledger.ReferenceOf(ledger.NewBizID("pa", "zhimai", "third"))
	sentAt = noon
	// quiet is when the doubtful call had surely ended; readAt is late enough for
	// every lag of the table.
	quiet  = noon.Add(10 * time.Second)
	readAt = noon.Add(10 * time.Minute)
)

// situation is a reading in which everything is there that Absent needs; each
// case takes one thing away.
type situation struct {
	op      Operation
	reading Reading
	issued  []Issued
	known   Knowledge
}

func absent() situation {
	return situation{
		op: Operation{Account: "zhimai", MemberID: "1", Reference: ours, Reason: "订单SO-1消费积分 #" + ours, Points: 100,
			FirstSentAt: sentAt, QuietSince: quiet},
		reading: Reading{Complete: true, BeganAt: readAt, Records: []Record{
			{Award: true, Points: 100, Text: "订单SO-2消费积分 #" + others, At: quiet.Add(time.Minute)},
			{Points: 30, Text: "兑换", At: sentAt.Add(-defaultClockSkew - time.Second)}}},
		issued: []Issued{{Reference: others, Reason: "订单SO-2消费积分 #" + others, Points: 100, SentAt: quiet.Add(time.Millisecond),
			Confirmed: true, ConfirmedAt: quiet.Add(time.Second)}},
		known: Knowledge{References: ReferencesShown, ShownSince: sentAt.Add(-time.Hour), Zone: Zone{Known: true}, MaxLag: 30 * time.Second,
			QuietAfter: 10 * time.Minute, LastSentAt: quiet.Add(time.Millisecond)},
	}
}

// add adds an award to the reading.
func (s *situation) add(points int64, text string, at time.Time) {
	s.reading.Records = append(s.reading.Records, Record{Award: true, Points: points, Text: text, At: at})
}

// onlyOld leaves the record that the list reaches back with.
func (s *situation) onlyOld() {
	s.reading.Records, s.issued = s.reading.Records[1:], nil
}

type judgeCase struct {
	name    string
	change  func(s *situation)
	verdict Verdict
	lack    Lack
}

func judgeCases() []judgeCase {
	balance := func(n int64) *int64 { return &n }
	empty := func(b *int64) func(s *situation) {
		return func(s *situation) {
			s.onlyOld()
			s.reading.Records, s.reading.Balance = nil, b
			s.known.Samples = []Sample{{SentAt: quiet.Add(time.Second), BeganAt: readAt, ReadAt: readAt}}
			s.known.Extents = []Extent{{Records: 1, Oldest: sentAt.Add(-defaultClockSkew), ReadAt: readAt}}
			s.op.EmptyBefore = true
		}
	}
	sample := func(sent, read time.Time) func(s *situation) {
		return func(s *situation) {
			s.onlyOld()
			s.known.Samples = []Sample{{SentAt: sent, BeganAt: read, ReadAt: read}}
		}
	}
	idle := func(read time.Time, last time.Time) func(s *situation) {
		return func(s *situation) {
			s.issued[0].SentAt, s.known.LastSentAt, s.reading.BeganAt = sentAt.Add(-time.Second), last, read
		}
	}
	quietFrom := quiet.Add(10*time.Minute + 90*time.Second)
	extent := func(records int, age time.Duration) func(s *situation) {
		return func(s *situation) {
			s.reading.Records, s.reading.Balance = s.reading.Records[:1], balance(100)
			s.known.Extents = []Extent{{Records: records, Oldest: readAt.Add(-age), ReadAt: readAt}}
		}
	}
	// told are records that tell what was before them: 500 before the old one; the
	// balance is more than they show.
	told := func(more, shown int64) func(s *situation) {
		return func(s *situation) {
			for i, before := range []int64{470 + shown, 500} {
				s.reading.Records[i].Before, s.reading.Records[i].Tells = before, true
			}
			s.reading.Balance = balance(570 + shown + more)
		}
	}
	// late is an operation whose record is not there yet; the balance has its points.
	late := func(change func(o *Issued)) func(s *situation) {
		return func(s *situation) {
			told(40, 0)(s)
			o := Issued{Reference: third, Reason: "签到 #" + third, Points: 40, SentAt: sentAt, Confirmed: true, ConfirmedAt: readAt.Add(-time.Second)}
			change(&o)
			s.issued = append(s.issued, o)
		}
	}
	age := readAt.Sub(sentAt) + defaultClockSkew
	return []judgeCase{
		{"everything is there", func(*situation) {}, Absent, ""},
		// Shown.
		{"reference and points", func(s *situation) { s.add(100, "订单SO-1消费积分 #"+ours, quiet) }, Shown, ""},
		{"a hash in the order number", func(s *situation) { s.add(100, "订单SH#2026112000019消费积分 #"+ours, quiet) }, Shown, ""},
		{"blanks behind it", func(s *situation) { s.add(100, "#"+ours+" \u3000", quiet) }, Shown, ""},
		{"other points", func(s *situation) { s.add(101, "#"+ours, quiet) }, ShownOtherPoints, ""},
		{"other points, and then its own", func(s *situation) { s.add(101, "#"+ours, quiet); s.add(100, "#"+ours, quiet) }, Shown, ""},
		{"the reference amid the text", func(s *situation) { s.add(7, "退 #"+ours+" 客服", quiet) }, Absent, ""},
		{"amid the text, equal points", func(s *situation) { s.add(100, "退 #"+ours+" 客服", quiet) }, PerhapsShown, ""},
		{"on a movement that is no award", func(s *situation) {
			s.reading.Records = append(s.reading.Records, Record{Points: 100, Text: "#" + ours, At: quiet})
		}, Absent, ""},
		{"of an operation without a reference", func(s *situation) { s.op.Reference = ""; s.add(7, "签到", quiet) }, Absent, ""},
		{"another's text, cut off behind our reference", func(s *situation) {
			s.issued = append(s.issued, Issued{Reference: "X", Reason: "订单#" + ours + " #X", Points: 100, SentAt: sentAt})
			s.add(100, "订单#"+ours, quiet)
		}, PerhapsShown, ""},
		// Perhaps shown.
		{"equal points without a reference", func(s *situation) { s.add(100, "客服补发", quiet) }, PerhapsShown, ""},
		{"no text", func(s *situation) { s.add(100, "", quiet) }, PerhapsShown, ""},
		{"thirty hours later", func(s *situation) {
			s.reading.BeganAt = sentAt.Add(48 * time.Hour)
			s.add(100, "订单SO-1消费…", sentAt.Add(30*time.Hour))
		}, PerhapsShown, ""},
		{"the beginning of our reason, other points", func(s *situation) { s.add(7, "订单SO-1消", quiet) }, PerhapsShown, ""},
		{"a look-alike reference", func(s *situation) { s.add(100, "退货单#2026112000019", quiet) }, PerhapsShown, ""},
		{"other points, other text", func(s *situation) { s.add(99, "客服补发", quiet) }, Absent, ""},
		{"made at the border of the slack", func(s *situation) { s.add(100, "", sentAt.Add(-defaultClockSkew)) }, PerhapsShown, ""},
		{"made before it", func(s *situation) { s.add(100, "", sentAt.Add(-defaultClockSkew-time.Second)) }, Absent, ""},
		{"a time that cannot be read", func(s *situation) { s.add(100, "", time.Time{}) }, PerhapsShown, ""},
		{"eight hours early, zone not known", func(s *situation) { s.known.Zone.Known = false; s.add(100, "", quiet.Add(-8*time.Hour)) }, PerhapsShown, ""},
		{"eight hours early, zone learned", func(s *situation) { s.known.Zone.Offset = 8 * time.Hour; s.add(100, "", quiet.Add(-8*time.Hour)) }, PerhapsShown, ""},
		{"accounted for by a confirmed operation", func(s *situation) {
			s.known.References = ReferencesUnknown
			s.reading.Records[0].Text = ""
		}, NotKnown, LackReferences},
		{"accounted for, references shown since", func(s *situation) {
			s.reading.Records[0].Text, s.known.ShownSince = "", readAt
		}, NotKnown, LackUnnamed},
		{"not by one that a person settled", func(s *situation) {
			s.known.References, s.issued[0].Confirmed = ReferencesUnknown, false
			s.reading.Records[0].Text = ""
		}, PerhapsShown, ""},
		{"not by one that need not show yet", func(s *situation) {
			s.known.References = ReferencesUnknown
			s.reading.Records[0].Text, s.issued[0].ConfirmedAt = "", readAt.Add(-30*time.Second-defaultClockSkew+time.Millisecond)
		}, PerhapsShown, ""},
		{"not by one that was called before", func(s *situation) {
			s.known.References = ReferencesUnknown
			s.reading.Records[0].Text, s.issued[0].SentAt = "", sentAt.Add(-time.Millisecond)
		}, PerhapsShown, ""},
		// Endpoint.
		{"called elsewhere before", func(s *situation) { s.known.AloneSince = sentAt.Add(time.Millisecond) }, NotKnown, LackEndpoint},
		{"called elsewhere until then", func(s *situation) { s.known.AloneSince = sentAt }, Absent, ""},
		// References.
		{"references unknown", func(s *situation) { s.known.References = ReferencesUnknown }, NotKnown, LackReferences},
		{"references hidden", func(s *situation) { s.known.References = ReferencesHidden }, NotKnown, LackReferences},
		// Reach.
		{"not complete", func(s *situation) { s.reading.Complete = false }, NotKnown, LackReach},
		{"nothing older", func(s *situation) { s.reading.Records[1].At = sentAt.Add(-defaultClockSkew) }, NotKnown, LackReach},
		{"nothing older by a day, zone not known", func(s *situation) {
			s.known.Zone.Known, s.reading.Records[1].At = false, sentAt.Add(-zoneSlack)
		}, NotKnown, LackReach},
		{"older by more than a day, zone not known", func(s *situation) {
			s.known.Zone.Known, s.reading.Records[1].At = false, sentAt.Add(-zoneSlack-time.Second)
		}, Absent, ""},
		{"a longer list that reached as far", extent(2, age), Absent, ""},
		{"a list as long", extent(1, age), NotKnown, LackReach},
		{"a list that does not account for the balance", func(s *situation) {
			extent(2, age)(s)
			s.reading.Balance = balance(200)
		}, NotKnown, LackReach},
		{"spent points with a sign", func(s *situation) {
			extent(3, age)(s)
			s.reading.Records = append(s.reading.Records, Record{Points: -30, Text: "兑换", At: quiet.Add(time.Minute)})
			s.reading.Balance = balance(70)
		}, Absent, ""},
		{"a list whose balance was not asked", func(s *situation) {
			extent(2, age)(s)
			s.reading.Balance = nil
		}, NotKnown, LackBalance},
		// Points.
		{"the balance is what the records show", told(0, 0), Absent, ""},
		{"less, as points expire", told(-5, 0), Absent, ""},
		{"more: a record is missing", told(100, 0), NotKnown, LackPoints},
		{"more by one", told(1, 0), NotKnown, LackPoints},
		{"more by what is late", late(func(*Issued) {}), Absent, ""},
		{"more by what nobody confirmed", late(func(o *Issued) { o.Confirmed = false }), NotKnown, LackPoints},
		{"more by what was confirmed since", late(func(o *Issued) { o.ConfirmedAt = readAt.Add(time.Second) }), NotKnown, LackPoints},
		{"more by what was called before", late(func(o *Issued) { o.SentAt = sentAt.Add(-time.Second) }), NotKnown, LackPoints},
		{"more by what shows without a reference", func(s *situation) {
			late(func(*Issued) {})(s)
			s.add(40, "签到", readAt)
			*s.reading.Balance += 40
		}, NotKnown, LackPoints},
		{"not asked, where records tell what was before", func(s *situation) {
			told(0, 0)(s)
			s.reading.Balance = nil
		}, NotKnown, LackBalance},
		{"more, where records do not tell what was before", func(s *situation) {
			told(100, 0)(s)
			s.reading.Records[1].Tells = false
		}, Absent, ""},
		{"a record without a time, that may be an old one", func(s *situation) {
			told(100, 0)(s)
			s.add(100, "#"+others, time.Time{})
		}, NotKnown, LackPoints},
		{"an old one is missing", func(s *situation) {
			told(0, 0)(s)
			s.add(100, "", s.reading.Records[1].At.Add(-time.Second))
			s.reading.Records[2].Tells = true
		}, Absent, ""},
		{"two old ones in one second, in either order", func(s *situation) {
			told(0, 7)(s)
			s.reading.Records = append(s.reading.Records, Record{Award: true, Points: 7, Text: "", At: s.reading.Records[1].At, Before: 470, Tells: true})
		}, Absent, ""},
		{"a longer list that reached less far", extent(2, age-time.Second), NotKnown, LackReach},
		{"empty, balance 0", empty(balance(0)), Absent, ""},
		{"empty for the first time", func(s *situation) {
			empty(balance(0))(s)
			s.op.EmptyBefore = false
		}, NotKnown, LackEmptyTwice},
		{"empty, balance 0, no list that reached as far", func(s *situation) {
			empty(balance(0))(s)
			s.known.Extents[0].Oldest = s.known.Extents[0].Oldest.Add(time.Second)
		}, NotKnown, LackReach},
		{"empty, a balance", empty(balance(100)), NotKnown, LackReach},
		{"empty, balance not asked", empty(nil), NotKnown, LackBalance},
		{"empty, balance 0, a confirmed operation missing", func(s *situation) {
			issued := s.issued
			empty(balance(0))(s)
			s.issued = issued
		}, NotKnown, LackConfirmed},
		// Confirmed.
		{"a confirmed operation is missing", func(s *situation) {
			s.issued = append(s.issued, Issued{Reference: "X", Points: 5, SentAt: sentAt, Confirmed: true, ConfirmedAt: sentAt.Add(time.Second)})
		}, NotKnown, LackConfirmed},
		{"one from before references were shown", func(s *situation) {
			s.issued = append(s.issued, Issued{Reference: "X", Points: 5, SentAt: sentAt.Add(-2 * time.Hour), Confirmed: true,
				ConfirmedAt: s.known.ShownSince.Add(-time.Second)})
		}, Absent, ""},
		{"one called as the list surely begins", func(s *situation) {
			s.issued = append(s.issued, Issued{Reference: "X", Points: 5, SentAt: sentAt.Add(-time.Second), Confirmed: true, ConfirmedAt: sentAt})
		}, Absent, ""},
		{"one called just after", func(s *situation) {
			s.issued = append(s.issued, Issued{Reference: "X", Points: 5, SentAt: sentAt.Add(-time.Second + 1), Confirmed: true, ConfirmedAt: sentAt})
		}, NotKnown, LackConfirmed},
		// Current.
		{"the other was called as the doubtful call ended", func(s *situation) { s.issued[0].SentAt = quiet }, NotKnown, LackCurrent},
		{"read before the longest lag is over", func(s *situation) {
			s.reading.BeganAt = quiet.Add(30*time.Second - time.Millisecond)
			s.issued[0].ConfirmedAt = s.reading.BeganAt
		}, NotKnown, LackCurrent},
		{"read as it is over", func(s *situation) {
			s.reading.BeganAt = quiet.Add(30 * time.Second)
			s.issued[0].ConfirmedAt = s.reading.BeganAt
		}, Absent, ""},
		{"a sample of a later call", sample(quiet.Add(time.Millisecond), readAt), Absent, ""},
		{"a sample, as three times the longest lag is over", func(s *situation) {
			sample(quiet.Add(time.Millisecond), quiet.Add(90*time.Second))(s)
			s.reading.BeganAt = quiet.Add(90 * time.Second)
		}, Absent, ""},
		{"a sample, before it is over", func(s *situation) {
			sample(quiet.Add(time.Millisecond), quiet.Add(90*time.Second-1))(s)
			s.reading.BeganAt = quiet.Add(90*time.Second - 1)
		}, NotKnown, LackCurrent},
		{"a sample of a call as it ended", sample(quiet, readAt), NotKnown, LackCurrent},
		{"a sample that was read after the reading began", sample(quiet.Add(time.Millisecond), readAt.Add(time.Millisecond)), NotKnown, LackCurrent},
		{"no traffic, long enough", idle(quietFrom, sentAt), Absent, ""},
		{"no traffic, not long enough", idle(quietFrom.Add(-time.Millisecond), sentAt), NotKnown, LackCurrent},
		{"posted since, and not shown", idle(quietFrom, quiet.Add(time.Millisecond)), NotKnown, LackCurrent},
		{"no traffic, and an old sample read again", func(s *situation) {
			sample(sentAt.Add(-time.Hour), quietFrom)(s)
			s.known.LastSentAt, s.reading.BeganAt = sentAt, quietFrom.Add(time.Second)
		}, Absent, ""},
		{"no traffic, and an old sample read too early", func(s *situation) {
			sample(sentAt.Add(-time.Hour), quietFrom.Add(-time.Second))(s)
			s.known.LastSentAt, s.reading.BeganAt = sentAt, quietFrom.Add(time.Second)
		}, NotKnown, LackCurrent},
	}
}

// TestJudge goes to the border of each rule: what is just enough, and what is
// just too little.
func TestJudge(t *testing.T) {
	t.Parallel()
	for _, tc := range judgeCases() {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := absent()
			tc.change(&s)
			got := Judge(s.op, s.reading, s.issued, s.known)
			if got.Verdict != tc.verdict || got.Lack != tc.lack {
				t.Errorf("verdict %d %q, want %d %q", got.Verdict, got.Lack, tc.verdict, tc.lack)
			}
			if (len(got.Records) > 0) != (got.Verdict != NotKnown && got.Verdict != Absent) {
				t.Errorf("verdict %d with records %v", got.Verdict, got.Records)
			}
		})
	}
}

func TestReferenceAtEnd(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"订单SO-1 #" + ours: ours, "#" + ours: ours, "#" + ours + "\u3000": ours,
		ours: "", "SO-1 " + ours: "", "": "", "#": "", "#" + ours + "x": "", "#" + ours[:12]: "", "退货单#2026112000010": "", "#" + ours + "。": "",
		"SH#2026112000019 #" + ours: ours,
	} {
		if got := ReferenceAtEnd(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// TestLackWords: each lack has its words.
func TestLackWords(t *testing.T) {
	t.Parallel()
	for _, lack := range []Lack{LackEndpoint, LackReferences, LackReach, LackBalance, LackConfirmed, LackCurrent, LackEmptyTwice} {
		if lack.Words() == "" {
			t.Errorf("%q has no words", lack)
		}
	}
}
