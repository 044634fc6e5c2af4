package knowledge

import (
	"strings"
	"testing"
	"time"
)

// What samples say, the newest first: letters name members, a capital one was
// missed, * is shown.
func TestNextReferenceState(t *testing.T) {
	t.Parallel()
	newest := time.Date(2026, 11, 20, 4, 0, 0, 0, time.UTC)
	samples := func(text string) (ended []endedSample) {
		for i, c := range text {
			ended = append(ended, endedSample{shown: c == '*', memberID: string(c), confirmedAt: newest.Add(-time.Duration(i) * time.Minute)})
		}
		return ended
	}
	const unknown, shown, hidden = ReferencesUnknown, ReferencesShown, ReferencesHidden
	for _, c := range []struct {
		state ReferenceState
		ended string
		want  ReferenceState
		since int // which sample it is shown since, -1: not newly shown
	}{
		{unknown, "", unknown, -1},
		{unknown, "*", shown, 0},
		{unknown, "A", unknown, -1},
		{unknown, "AB", unknown, -1},
		{unknown, "AAAAA", unknown, -1},
		{unknown, "ABC", hidden, -1},
		{unknown, "*AB", shown, 0},
		{shown, "*****", shown, -1},
		{shown, "A****", shown, -1},
		{shown, "AB***", shown, -1},
		{shown, "AAAAAA**", shown, -1},
		{shown, "ABC", hidden, -1},
		{shown, "A**B***C", hidden, -1},
		{shown, "AB" + strings.Repeat("*", 17) + "C", hidden, -1},
		{shown, "AB" + strings.Repeat("*", 18) + "C", shown, -1},
		{hidden, "", hidden, -1},
		{hidden, "****", hidden, -1},
		{hidden, "*****", shown, 4},
		{hidden, "*******", shown, 4},
		{hidden, "**A***", hidden, -1},
		{hidden, "*****ABC", shown, 4},
		{hidden, "A*****", hidden, -1},
		{hidden, "ABCDEF", hidden, -1},
	} {
		ended := samples(c.ended)
		got, since := nextReferenceState(c.state, ended)
		want := time.Time{}
		if c.since >= 0 {
			want = ended[c.since].confirmedAt
		}
		if got != c.want || !since.Equal(want) {
			t.Errorf("%s after %q: %s since %v, want %s since %v", c.state, c.ended, got, since, c.want, want)
		}
	}
}

func TestAgreedOffset(t *testing.T) {
	t.Parallel()
	m := func(minutes ...int16) (all []*int16) {
		for _, v := range minutes {
			if v == -1 {
				all = append(all, nil)
			} else {
				all = append(all, &v)
			}
		}
		return all
	}
	for _, c := range []struct {
		newest []*int16
		want   int16
		ok     bool
	}{
		{nil, 0, false},
		{m(480, 480), 0, false},
		{m(480, 480, 480), 480, true},
		{m(0, 0, 0, 480), 0, true},
		{m(0, 480, 480), 0, false},
		{m(480, 480, 0), 0, false},
		{m(-1, 480, 480), 0, false},
		{m(480, 480, -1), 0, false},
		{m(-1, -1, -1), 0, false},
	} {
		if got, ok := agreedOffset(c.newest); got != c.want || ok != c.ok {
			t.Errorf("%v: %d %v, want %d %v", c.newest, got, ok, c.want, c.ok)
		}
	}
}
