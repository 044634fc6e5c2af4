package consumers

import (
	"strings"
	"testing"
	"time"

	"pointsledger/ledger"
)

func TestLostCause(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 20, 4, 0, 0, 0, time.UTC)
	same := ledger.Database{SystemIdentifier: 7, Timeline: 1}
	known := ledger.Identity{LedgerID: "a", Database: same, BeatAt: at}
	for name, c := range map[string]struct {
		f    facts
		want string
	}{
		"new ledger":               {facts{now: same}, ""},
		"as it was":                {facts{now: same, found: true, remembered: known, last: &known}, ""},
		"first look":               {facts{now: same, found: true, remembered: known}, ""},
		"newer state":              {facts{now: same, found: true, remembered: known, last: &ledger.Identity{LedgerID: "a", BeatAt: at.Add(-1)}}, ""},
		"older state":              {facts{now: same, found: true, remembered: known, last: &ledger.Identity{LedgerID: "a", BeatAt: at.Add(1)}}, "older state"},
		"another ledger":           {facts{now: same, found: true, remembered: known, last: &ledger.Identity{LedgerID: "b", BeatAt: at}}, "another ledger"},
		"standby took over":        {facts{now: ledger.Database{SystemIdentifier: 7, Timeline: 2}, found: true, remembered: known}, "timeline was 1 and is 2"},
		"another cluster":          {facts{now: ledger.Database{SystemIdentifier: 8, Timeline: 1}, found: true, remembered: known}, "system identifier was 7 and is 8"},
		"nothing can be read":      {facts{found: true, remembered: known}, ""},
		"nothing could be read":    {facts{now: same, found: true, remembered: ledger.Identity{LedgerID: "a"}}, ""},
		"only the timeline can be": {facts{now: ledger.Database{Timeline: 3}, found: true, remembered: known}, "timeline"},
	} {
		got := c.f.lostCause()
		if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestIsForeign(t *testing.T) {
	t.Parallel()
	acked, unused := &position{acked: 9, hasAcked: true}, &position{acked: 9}
	moved := ledger.Database{Timeline: 2}
	known := ledger.Identity{Database: ledger.Database{Timeline: 1}, AckedSeq: 4}
	upToDate := known
	upToDate.AckedSeq = 9
	for name, c := range map[string]struct {
		f    facts
		want bool
	}{
		"never used, nothing acknowledged":           {facts{at: unused, empty: true}, false},
		"never used, events acknowledged":            {facts{at: acked, empty: true}, true},
		"full, events acknowledged":                  {facts{at: acked}, false},
		"empty, but it knows the acknowledged ones":  {facts{at: acked, empty: true, found: true, remembered: upToDate, now: moved}, false},
		"empty and moved":                            {facts{at: acked, empty: true, found: true, remembered: known, now: moved}, true},
		"empty, the same database: compare and mend": {facts{at: acked, empty: true, found: true, remembered: known}, false},
	} {
		if got := c.f.isForeign(); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

func TestLateWarning(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 4, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		at   position
		want bool
	}{
		"all acknowledged": {position{maxAge: time.Hour}, false},
		"half":             {position{maxAge: time.Hour, oldestUnacked: now.Add(-30 * time.Minute)}, false},
		"more than half":   {position{maxAge: time.Hour, oldestUnacked: now.Add(-30*time.Minute - 1)}, true},
		"kept for ever":    {position{oldestUnacked: now.Add(-1000 * time.Hour)}, false},
	} {
		if got := c.at.lateWarning(now) != ""; got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

func TestStreamChanged(t *testing.T) {
	t.Parallel()
	made := time.Date(2026, 11, 20, 4, 0, 0, 123456789, time.UTC)
	remembered := ledger.Identity{Stream: "POINTS", StreamCreated: made.Truncate(time.Microsecond)}
	for name, c := range map[string]struct {
		remembered ledger.Identity
		stream     string
		created    time.Time
		want       bool
	}{
		"the same":       {remembered, "POINTS", made, false},
		"made anew":      {remembered, "POINTS", made.Add(time.Microsecond), true},
		"another name":   {remembered, "EVENTS", made, true},
		"no stream yet":  {remembered, "POINTS", time.Time{}, false},
		"first seen now": {ledger.Identity{Stream: "POINTS"}, "POINTS", made, false},
		"never used":     {ledger.Identity{}, "POINTS", made, false},
	} {
		if got := streamChanged(c.remembered, c.stream, &position{created: c.created}); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}
