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
	// A set that is not yet in force may be edited.
	if err := CheckUsedRules([]byte(used), []byte(strings.Replace(used, "source_type: 5", "source_type: 6", 1)), now.AddDate(-10, 0, 0)); err != nil {
		t.Errorf("future set: %v", err)
	}
}
