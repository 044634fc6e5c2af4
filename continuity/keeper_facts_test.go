package continuity

import (
	"strings"
	"testing"
	"time"

	"pointsledger/consumers"
)

func TestLostCause(t *testing.T) {
	t.Parallel()
	same := Database{SystemIdentifier: 7, Timeline: 1}
	known := Identity{LedgerID: "a", Database: same, Beat: 5}
	for name, c := range map[string]struct {
		f    facts
		want string
	}{
		"new ledger":               {facts{now: same}, ""},
		"as it was":                {facts{now: same, found: true, remembered: known, last: &known}, ""},
		"first look":               {facts{now: same, found: true, remembered: known}, ""},
		"newer state":              {facts{now: same, found: true, remembered: known, last: &Identity{LedgerID: "a", Beat: 4}}, ""},
		"older state":              {facts{now: same, found: true, remembered: known, last: &Identity{LedgerID: "a", Beat: 6}}, "older state"},
		"another ledger":           {facts{now: same, found: true, remembered: known, last: &Identity{LedgerID: "b", Beat: 5}}, "another ledger"},
		"standby took over":        {facts{now: Database{SystemIdentifier: 7, Timeline: 2}, found: true, remembered: known}, "timeline was 1 and is 2"},
		"another cluster":          {facts{now: Database{SystemIdentifier: 8, Timeline: 1}, found: true, remembered: known}, "system identifier was 7 and is 8"},
		"nothing can be read":      {facts{found: true, remembered: known}, ""},
		"nothing could be read":    {facts{now: same, found: true, remembered: Identity{LedgerID: "a"}}, ""},
		"the witness is behind":    {facts{now: same, found: true, remembered: known, witness: &testimony{LedgerID: "a", Beat: 5}}, ""},
		"the witness is ahead":     {facts{now: same, found: true, remembered: known, witness: &testimony{LedgerID: "a", Beat: 6}}, "its counter is 5, and the witness beside the stream has seen 6"},
		"an earlier durable's is":  {facts{now: same, found: true, remembered: known, elder: &testimony{LedgerID: "a", Beat: 9}}, "has seen 9"},
		"another ledger's witness": {facts{now: same, found: true, remembered: known, elder: &testimony{LedgerID: "b", Beat: 9}}, ""},
		"only the timeline can be": {facts{now: Database{Timeline: 3}, found: true, remembered: known}, "timeline"},
	} {
		got := c.f.lostCause()
		if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

// Who may not go on with the ledger, and who may take it over.
func TestSuperseded(t *testing.T) {
	t.Parallel()
	here := Database{SystemIdentifier: 7, Timeline: 2}
	known := Identity{LedgerID: "a", Database: here, Beat: 5}
	copied := known
	copied.Database.SystemIdentifier = 6
	for name, c := range map[string]struct {
		f    facts
		want string
	}{
		"no witness":                      {facts{now: here, found: true, remembered: known}, ""},
		"as it was":                       {facts{now: here, found: true, remembered: known, witness: &testimony{LedgerID: "a", SystemIdentifier: 7, Timeline: 2, Beat: 5}}, ""},
		"rolled back":                     {facts{now: here, found: true, remembered: known, witness: &testimony{LedgerID: "a", SystemIdentifier: 7, Timeline: 2, Beat: 9}}, ""},
		"a standby that took over":        {facts{now: here, found: true, remembered: known, witness: &testimony{LedgerID: "a", SystemIdentifier: 7, Timeline: 1, Beat: 9}}, ""},
		"the primary from before":         {facts{now: here, found: true, remembered: known, witness: &testimony{LedgerID: "a", SystemIdentifier: 7, Timeline: 3, Beat: 1}}, "timeline 3, and this database is on timeline 2"},
		"the same, cluster not readable":  {facts{now: Database{Timeline: 2}, found: true, remembered: known, witness: &testimony{LedgerID: "a", SystemIdentifier: 7, Timeline: 3}}, "timeline 3"},
		"timeline not readable":           {facts{now: Database{SystemIdentifier: 7}, found: true, remembered: known, witness: &testimony{LedgerID: "a", SystemIdentifier: 7, Timeline: 3}}, ""},
		"another ledger":                  {facts{now: here, found: true, remembered: known, witness: &testimony{LedgerID: "b"}}, "another ledger (b, this one is a)"},
		"another ledger, this one unused": {facts{now: here, witness: &testimony{LedgerID: "b"}}, "another ledger (b, this one was never used)"},
		"another's earlier durable":       {facts{now: here, found: true, remembered: known, elder: &testimony{LedgerID: "b", Timeline: 9}}, ""},
		"a copy in another cluster":       {facts{now: here, found: true, remembered: copied, witness: &testimony{LedgerID: "a", SystemIdentifier: 6, Timeline: 9, Beat: 5}}, ""},
		"left behind by a copy":           {facts{now: here, found: true, remembered: known, witness: &testimony{LedgerID: "a", SystemIdentifier: 8, Timeline: 1, Beat: 6}}, "a copy of the ledger in another cluster (system identifier 8, this one is 7)"},
		"a copy that stopped amid":        {facts{now: here, found: true, remembered: known, witness: &testimony{LedgerID: "a", SystemIdentifier: 8, Timeline: 1, Beat: 5}}, ""},
	} {
		got := c.f.superseded()
		if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

// Up to where a ledger that lost commits is read again, in doubt.
func TestReadTo(t *testing.T) {
	t.Parallel()
	made := time.Date(2026, 11, 20, 4, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		f    facts
		want uint64
	}{
		"the durable tells":                {facts{at: &consumers.Position{DurableFound: true, Delivered: 20, Last: 50}, remembered: Identity{AckedSeq: 10}}, 20},
		"no durable":                       {facts{at: &consumers.Position{Last: 50}, remembered: Identity{AckedSeq: 10}}, 50},
		"made anew, behind the row":        {facts{at: &consumers.Position{DurableFound: true, Delivered: 5, Last: 50}, remembered: Identity{AckedSeq: 10}}, 50},
		"restored, behind the witness":     {facts{at: &consumers.Position{DurableFound: true, Delivered: 20, Last: 50, Created: made}, witness: &testimony{StreamCreated: made, Acked: 25}}, 50},
		"the witness of an earlier stream": {facts{at: &consumers.Position{DurableFound: true, Delivered: 20, Last: 50, Created: made}, witness: &testimony{StreamCreated: made.Add(-1), Acked: 25}}, 20},
	} {
		if got := c.f.readTo(); got != c.want {
			t.Errorf("%s: got %d, want %d", name, got, c.want)
		}
	}
}

func TestIsForeign(t *testing.T) {
	t.Parallel()
	acked, unused := &consumers.Position{Acked: 9, AnyAcked: true}, &consumers.Position{Acked: 9}
	moved := Database{Timeline: 2}
	known := Identity{Database: Database{Timeline: 1}, AckedSeq: 4}
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
		at   consumers.Position
		want bool
	}{
		"all acknowledged": {consumers.Position{MaxAge: time.Hour}, false},
		"half":             {consumers.Position{MaxAge: time.Hour, OldestUnacked: now.Add(-30 * time.Minute)}, false},
		"more than half":   {consumers.Position{MaxAge: time.Hour, OldestUnacked: now.Add(-30*time.Minute - 1)}, true},
		"kept for ever":    {consumers.Position{OldestUnacked: now.Add(-1000 * time.Hour)}, false},
	} {
		if got := lateWarning(&c.at, now) != ""; got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

func TestStreamChanged(t *testing.T) {
	t.Parallel()
	made := time.Date(2026, 11, 20, 4, 0, 0, 123456789, time.UTC)
	remembered := Identity{Stream: "POINTS", StreamCreated: made.Truncate(time.Microsecond)}
	for name, c := range map[string]struct {
		remembered Identity
		stream     string
		created    time.Time
		want       bool
	}{
		"the same":       {remembered, "POINTS", made, false},
		"made anew":      {remembered, "POINTS", made.Add(time.Microsecond), true},
		"another name":   {remembered, "EVENTS", made, true},
		"no stream yet":  {remembered, "POINTS", time.Time{}, false},
		"first seen now": {Identity{Stream: "POINTS"}, "POINTS", made, false},
		"never used":     {Identity{}, "POINTS", made, false},
	} {
		if got := streamChanged(c.remembered, c.stream, &consumers.Position{Created: c.created}); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}
