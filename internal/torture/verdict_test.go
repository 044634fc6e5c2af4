package torture

import (
	"slices"
	"strings"
	"testing"

	"pointsledger/internal/rehearsal"
)

func TestVerdictNamesTheFirstInvariant(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		findings []Finding
		want     string
	}{
		{nil, "VERDICT agree seed=9"},
		{[]Finding{{AppliedOnce, 0, "nothing"}}, "VERDICT agree seed=9"},
		{[]Finding{{AppliedOnce, 2, "key k twice\nand more"}}, "VERDICT broken seed=9 invariant=applied_once: key k twice and more"},
		// A new key for each attempt also leaves postings without effect: the
		// cause is named.
		{[]Finding{{PostingNeedsEffect, 40, "p"}, {SameKey, 1, "s"}, {GetsQuiet, 1, "q"}},
			"VERDICT broken seed=9 invariant=same_key_and_parameters: s"},
	} {
		v := Judge(9, c.findings)
		if v.String() != c.want {
			t.Errorf("got %q, want %q", v, c.want)
		}
		if v.Agrees() != (c.want == "VERDICT agree seed=9") {
			t.Errorf("agrees is %t under %q", v.Agrees(), c.want)
		}
	}
}

// Books that disagree in one way each: the verdict names the right promise.
func TestDisagreementsBreakTheirInvariant(t *testing.T) {
	t.Parallel()
	truth := []rehearsal.Expected{{Account: "zhimai", Type: "order.paid", Source: "s", BusinessKey: "o", Points: 5, Member: "1"}}
	posted := rehearsal.LedgerRow{Account: "zhimai", Type: "order.paid", Source: "s", BusinessKey: "o", BizID: "k", Points: 5, State: rehearsal.StatePosted}
	applied := rehearsal.BookRow{Vendor: "zhimai", Key: "k", Points: 5, Received: 1, Applied: 1, AppliedPoints: 5}
	for name, c := range map[string]struct {
		ledger []rehearsal.LedgerRow
		book   []rehearsal.BookRow
		want   Invariant
	}{
		"agree":               {[]rehearsal.LedgerRow{posted}, []rehearsal.BookRow{applied}, ""},
		"acked, not recorded": {nil, nil, RecordedBeforeAck},
		"posted, not applied": {[]rehearsal.LedgerRow{posted}, nil, PostingNeedsEffect},
		"applied twice":       {[]rehearsal.LedgerRow{posted}, []rehearsal.BookRow{with(applied, func(b *rehearsal.BookRow) { b.Applied, b.AppliedPoints = 2, 10 })}, AppliedOnce},
		"another key":         {[]rehearsal.LedgerRow{posted}, []rehearsal.BookRow{applied, with(applied, func(b *rehearsal.BookRow) { b.Key = "l" })}, SameKey},
		"other parameters":    {[]rehearsal.LedgerRow{posted}, []rehearsal.BookRow{with(applied, func(b *rehearsal.BookRow) { b.Mismatched = 1 })}, SameKey},
		"applied, not posted": {[]rehearsal.LedgerRow{with(posted, func(r *rehearsal.LedgerRow) { r.State = rehearsal.StateParked })}, []rehearsal.BookRow{applied}, DoubtIsKept},
		"other points":        {[]rehearsal.LedgerRow{with(posted, func(r *rehearsal.LedgerRow) { r.Points = 6 })}, []rehearsal.BookRow{applied}, SameKey},
		"still to be sent":    {[]rehearsal.LedgerRow{with(posted, func(r *rehearsal.LedgerRow) { r.State = rehearsal.StatePending })}, nil, GetsQuiet},
		"nobody published it": {[]rehearsal.LedgerRow{posted, with(posted, func(r *rehearsal.LedgerRow) {
			r.BusinessKey, r.BizID, r.Points, r.State = "x", "l", 0, rehearsal.StateNothing
		})}, []rehearsal.BookRow{applied}, AsPublished},
		"one fact, two rows": {[]rehearsal.LedgerRow{posted, with(posted, func(r *rehearsal.LedgerRow) { r.BizID = "l" })}, []rehearsal.BookRow{applied, with(applied, func(b *rehearsal.BookRow) { b.Key = "l" })}, OneOperation},
	} {
		var findings []Finding
		for kind, n := range rehearsal.Compare(truth, c.ledger, c.book).ByKind {
			findings = append(findings, Finding{invariantOf(kind), n, kind})
		}
		v := Judge(1, findings)
		switch {
		case c.want == "" && v.Agrees():
		case c.want != "" && !v.Agrees() && v.Findings[0].Invariant == c.want:
		default:
			t.Errorf("%s: want %q, got %q", name, c.want, v)
		}
	}
}

func with[T any](value T, change func(*T)) T {
	change(&value)
	return value
}

// A row in doubt that was applied is what the ledger says it is; applied
// without doubt is not.
func TestOpenDoubtsAreKnown(t *testing.T) {
	t.Parallel()
	row := func(key string, doubt bool) rehearsal.LedgerRow {
		return rehearsal.LedgerRow{Account: "zhimai", BizID: key, Points: 1, State: rehearsal.StateParked, InDoubt: doubt}
	}
	none := row("d", false) // takes nothing, beside one that is in doubt
	none.State, none.Origin = rehearsal.StateNothing, "g"
	beside := row("e", true)
	beside.Origin = "g"
	alone := row("f", false)
	alone.State, alone.Origin = rehearsal.StateNothing, "h"
	ledger := []rehearsal.LedgerRow{row("a", true), row("b", true), row("c", false), none, beside, alone}
	var book []rehearsal.BookRow
	for _, key := range []string{"a", "c", "d", "f"} {
		book = append(book, rehearsal.BookRow{Vendor: "zhimai", Key: key, Applied: 1, AppliedPoints: 1})
	}
	j := &judge{}
	known := j.openDoubts(ledger, book)
	if len(known) != 2 || !known["a"] || !known["d"] || j.parkedApplied != 1 || j.parkedNot != 2 {
		t.Errorf("known %v, parked in doubt: %d applied, %d not", known, j.parkedApplied, j.parkedNot)
	}
	shown := []rehearsal.Disagreement{{Kind: rehearsal.AppliedNotPosted, BizID: "a"}, {Kind: rehearsal.AppliedNotPosted, BizID: "c"}}
	if first := firstOf(shown, rehearsal.AppliedNotPosted, known, ledger, book); first != shown[1].String() {
		t.Errorf("the example is %q", first)
	}
	// What a report does not show is named all the same.
	if first := firstOf(shown[:1], rehearsal.AppliedNotPosted, known, ledger, book); !strings.Contains(first, "BizID:c") {
		t.Errorf("the example is %q", first)
	}
}

func TestEveryInvariantHasItsPlace(t *testing.T) {
	t.Parallel()
	all := Invariants()
	for _, c := range checks(Options{}) {
		if !slices.Contains(all, c.invariant) {
			t.Errorf("%s is checked and has no place in the order", c.invariant)
		}
	}
	for dedup, want := range map[string]string{"success": sqlDoubtGone, "code": sqlDoubtGone, "off": sqlDoubtGoneAtKylin} {
		if !slices.Contains(checks(Options{Dedup: dedup}), check{DoubtIsKept, want}) {
			t.Errorf("dedup %s: only where doubts are verified may a verification end one", dedup)
		}
	}
}
