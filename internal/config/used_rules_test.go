package config

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestCheckUsedRules(t *testing.T) {
	used := string(DefaultFile())
	now := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	for what, c := range map[string]struct{ next, complaint string }{
		"the same":            {used, ""},
		"a comment":           {"# hello\n" + used, ""},
		"another timeout":     {strings.Replace(used, "timeout: 10s", "timeout: 11s", 1), ""},
		"points changed":      {strings.Replace(used, "source_type: 5", "source_type: 6", 1), "has been edited"},
		"another programme":   {strings.Replace(used, "programme: points", "programme: other", 1), "programme: want \"points\""},
		"another zone":        {strings.Replace(used, "timezone: Asia/Shanghai", "timezone: Asia/Tokyo", 1), "timezone: want Asia/Shanghai"},
		"the zone left out":   {strings.Replace(used, "timezone: Asia/Shanghai\n", "", 1), ""},
		"an alias moved":      {strings.Replace(used, "app: other", "app: wechat", 1), "channel_aliases.app: it was in use for other"},
		"an alias gone":       {strings.Replace(used, "  app: other\n", "", 1), "channel_aliases.app: it was in use"},
		"a further alias":     {strings.Replace(used, "  app: other\n", "  app: other\n  kiosk: pos\n", 1), ""},
		"an earlier set":      {strings.Replace(used, "rules:\n", "rules:\n  - from: 2019-01-01T00:00:00+08:00\n    events:\n      - type: review.posted\n        operations: [{vendor: zhimai, call: points_add, source_type: 11, points: 5, reason: 评价}]\n", 1), "begins before 2020"},
		"the set moved":       {strings.Replace(used, "from: 2020", "from: 2021", 1), "is gone"},
		"a further set added": {strings.Replace(used, "\nvendors:", "\n  - from: 2026-12-01T00:00:00+08:00\n    events:\n      - type: review.posted\n        operations: [{vendor: zhimai, call: points_add, source_type: 11, points: 5, reason: 评价}]\n\nvendors:", 1), ""},
	} {
		if c.next == used && what != "the same" {
			t.Fatalf("%s: the default file no longer holds the text to change", what)
		}
		err := CheckUsedRules([]byte(used), []byte(c.next), now)
		var typed *Error
		switch {
		case c.complaint == "" && err != nil:
			t.Errorf("%s: %v", what, err)
		case c.complaint != "" && (!errors.As(err, &typed) || !strings.Contains(err.Error(), c.complaint)):
			t.Errorf("%s: got %v, want %q", what, err, c.complaint)
		}
	}
	// A set that is not yet in force may be edited; the first one is in force for
	// all that is older.
	further := strings.Replace(used, "\nvendors:", "\n  - from: 2026-12-01T00:00:00+08:00\n    events:\n      - type: review.posted\n        operations: [{vendor: zhimai, call: points_add, source_type: 11, points: 5, reason: 评价}]\n\nvendors:", 1)
	if err := CheckUsedRules([]byte(further), []byte(strings.Replace(further, "points: 5, reason", "points: 6, reason", 1)), now); err != nil {
		t.Errorf("future set: %v", err)
	}
	if err := CheckUsedRules([]byte(used), []byte(strings.Replace(used, "source_type: 5", "source_type: 6", 1)), now.AddDate(-10, 0, 0)); err == nil {
		t.Error("the first set was edited before its from, and it is in force for what is older")
	}
}

// Two files differ from the first event on that they would map otherwise.
func TestDivergence(t *testing.T) {
	used := string(DefaultFile())
	set := func(from, points string) string {
		return "\n  - from: " + from + "\n    events:\n      - type: review.posted\n        operations: [{vendor: zhimai, call: points_add, source_type: 11, points: " + points + ", reason: 评价}]\n"
	}
	with := func(sets ...string) string {
		return strings.Replace(used, "\nvendors:", strings.Join(sets, "")+"\nvendors:", 1)
	}
	december, january := "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"
	for what, c := range map[string]struct{ a, b, from string }{
		"the same":                   {used, used, "none"},
		"a comment":                  {used, "# one\n" + used, "none"},
		"vendors":                    {used, strings.Replace(used, "timeout: 10s", "timeout: 9s", 1), "none"},
		"a further set":              {used, with(set(december, "5")), december},
		"a set gone":                 {with(set(december, "5")), used, december},
		"a set edited":               {with(set(december, "5")), with(set(december, "6")), december},
		"a set moved":                {with(set(december, "5")), with(set(january, "5")), december},
		"only the second differs":    {with(set(december, "5")), with(set(december, "5"), set(january, "6")), january},
		"a set that repeats another": {with(set(december, "5")), with(set(december, "5"), set(january, "5")), "none"},
		"another zone":               {used, strings.Replace(used, "Asia/Shanghai", "Asia/Tokyo", 1), "ever"},
		"another alias":              {used, strings.Replace(used, "app: other", "app: pos", 1), "ever"},
		"a further alias":            {used, strings.Replace(used, "  app: other\n", "  app: other\n  kiosk: pos\n", 1), "none"},
		"the first set":              {used, strings.Replace(used, "source_type: 5", "source_type: 6", 1), "ever"},
		"unknown words in a set":     {used, strings.Replace(used, "source_type: 5", "source_type: 5\n            newer: word", 1), "ever"},
		"not to be read":             {used, ":", "ever"},
	} {
		if c.a == c.b && what != "the same" {
			t.Fatalf("%s: the default file no longer holds the text to change", what)
		}
		for _, pair := range [][2]string{{c.a, c.b}, {c.b, c.a}} {
			from, differ := Divergence([]byte(pair[0]), []byte(pair[1]))
			got := "none"
			if differ {
				got = "ever"
			}
			if !from.IsZero() {
				got = from.UTC().Format(time.RFC3339)
			}
			if got != c.from {
				t.Errorf("%s: got %s, want %s", what, got, c.from)
			}
		}
	}
}
