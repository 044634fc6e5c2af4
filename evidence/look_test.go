package evidence

import (
	"testing"
	"time"

	"pointsledger/ledger"
)

// What a reading shows of a confirmed posting, in any zone.
func TestLook(t *testing.T) {
	t.Parallel()
	reference := ledger.ReferenceOf("pa1")
	sent := time.Date(2026, 11, 20, 4, 0, 0, 0, time.UTC)
	s := Sought{Reference: reference, Points: 100, SentAt: sent, ConfirmedAt: sent.Add(time.Second)}
	ours := func(at time.Time) Record {
		return Record{Award: true, Points: 100, Text: "消费 #" + reference, At: at}
	}
	naked := func(at time.Time) Record { return Record{Award: true, Points: 100, Text: "消费", At: at} }
	const none = 9999
	china := Zone{Known: true}
	for name, c := range map[string]struct {
		record Record
		zone   Zone
		shown  bool
		offset int16
		naked  bool
	}{
		"ours":                            {ours(sent), Zone{}, true, 0, false},
		"ours in UTC":                     {ours(sent.Add(-8 * time.Hour)), Zone{}, true, 480, false},
		"ours in Tokyo":                   {ours(sent.Add(time.Hour)), Zone{}, true, -60, false},
		"ours in Kathmandu":               {ours(sent.Add(-135 * time.Minute)), Zone{}, true, 135, false},
		"a clock a minute slow":           {ours(sent.Add(-time.Minute)), Zone{}, true, 0, false},
		"a clock five minutes slow":       {ours(sent.Add(-5 * time.Minute)), Zone{}, true, none, false},
		"a clock two minutes fast":        {ours(sent.Add(2 * time.Minute)), Zone{}, true, none, false},
		"ours, a day of it away":          {ours(sent.Add(-40 * time.Hour)), Zone{}, true, none, false},
		"ours, no time":                   {ours(time.Time{}), Zone{}, true, none, false},
		"ours, other points":              {Record{Award: true, Points: 99, Text: "消费 #" + reference, At: sent}, Zone{}, false, none, false},
		"ours, not an award":              {Record{Points: 100, Text: "消费 #" + reference, At: sent}, Zone{}, false, none, false},
		"ours is not at the end":          {Record{Award: true, Points: 100, Text: "#" + reference + " 消费", At: sent}, china, false, none, true},
		"another's reference":             {Record{Award: true, Points: 100, Text: "消费 #" + ledger.ReferenceOf("pa2"), At: sent}, Zone{}, false, none, false},
		"none, about then":                {naked(sent), china, false, none, true},
		"none, no time":                   {naked(time.Time{}), china, false, none, true},
		"none, before":                    {naked(sent.Add(-3 * time.Minute)), china, false, none, false},
		"none, after":                     {naked(sent.Add(4 * time.Minute)), china, false, none, false},
		"none, before in an unknown zone": {naked(sent.Add(-25 * time.Hour)), Zone{}, false, none, true},
		"none, days before":               {naked(sent.Add(-27 * time.Hour)), Zone{}, false, none, false},
		"none, in UTC":                    {naked(sent.Add(-8 * time.Hour)), Zone{Known: true, Offset: 8 * time.Hour}, false, none, true},
		"none, other points":              {Record{Award: true, Points: 99, Text: "消费", At: sent}, china, false, none, false},
	} {
		got := Look(s, Reading{Records: []Record{c.record}}, c.zone)
		offset := int16(none)
		if got.OffsetMinutes != nil {
			offset = *got.OffsetMinutes
		}
		if got.Shown != c.shown || offset != c.offset || (len(got.Naked) > 0) != c.naked || !got.Oldest.Equal(c.record.At) {
			t.Errorf("%s: %+v, offset %d", name, got, offset)
		}
	}
}

func TestUnseen(t *testing.T) {
	t.Parallel()
	a, b := ledger.ReferenceOf("a"), ledger.ReferenceOf("b")
	reading := Reading{Records: []Record{{Award: true, Points: 1, Text: "x #" + a}, {Points: 1, Text: "x #" + b}}}
	if n := Unseen([]string{a, b, ledger.ReferenceOf("c")}, reading); n != 2 {
		t.Errorf("%d are not seen, want 2", n)
	}
}
