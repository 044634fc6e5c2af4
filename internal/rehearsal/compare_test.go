package rehearsal

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// perfect is what a ledger and the vendors' books hold after a run without any
// fault.
func perfect(truth []Expected) ([]LedgerRow, []BookRow) {
	var ledger []LedgerRow
	var book []BookRow
	for i, e := range truth {
		row := LedgerRow{Account: e.Account, Kind: e.Kind, Type: e.Type, Source: e.Source, BusinessKey: e.BusinessKey, BizID: fmt.Sprintf("biz%06d", i), Points: e.Points, State: StatePosted}
		if row.Source == "" {
			row.Source = "any-shop"
		}
		entry := BookRow{Vendor: BookOf(e.Account, e.Kind), Key: row.BizID, Points: e.Points, Received: 1, Applied: 1, AppliedPoints: e.Points, FirstNo: int64(2*i + 1), AppliedNo: int64(2*i + 2)}
		switch {
		case e.Points == 0:
			row.State = StateNothing
			ledger = append(ledger, row)
			continue
		case e.Frozen:
			row.State, entry.Applied, entry.AppliedPoints, entry.AppliedNo = StateParked, 0, 0, 0
		}
		ledger, book = append(ledger, row), append(book, entry)
	}
	return ledger, book
}

func TestCompareAgrees(t *testing.T) {
	plan := Generate(Options{Events: 2000, Seed: 3, Now: noon, Kylin: true})
	ledger, book := perfect(plan.Truth)
	rand.Shuffle(len(ledger), func(i, j int) { ledger[i], ledger[j] = ledger[j], ledger[i] })
	rand.Shuffle(len(book), func(i, j int) { book[i], book[j] = book[j], book[i] })
	r := Compare(plan.Truth, ledger, book)
	if !r.Agrees() || r.Disagreements() != 0 || len(r.Shown) != 0 {
		t.Fatalf("does not agree: %v %v", r.ByKind, r.Shown)
	}
	c := plan.Counts
	if r.Expected != c.Operations || r.Operations != c.Operations || r.Parked != c.Parked || r.NothingToSend != c.NothingToSend ||
		r.Posted != c.Operations-c.Parked-c.NothingToSend || r.LedgerPoints != c.ZhimaiPoints+c.KylinPoints || r.VendorPoints != r.LedgerPoints ||
		r.VendorApplied != r.Posted || r.VendorDoubleApplied != 0 || r.ParkedUnexpected != 0 || r.InDoubt != 0 {
		t.Errorf("report %+v does not fit the counts %+v", r, c)
	}
	if !Compare(nil, nil, nil).Agrees() {
		t.Error("nothing at all must agree")
	}
}

// Each planted disagreement is found, under its name, with its key in words.
func TestCompareFindsEachPlantedDisagreement(t *testing.T) {
	truth := []Expected{
		{Account: "zhimai", Type: "order.paid", Source: "shop", BusinessKey: "SO-1", Points: 100},
		{Account: "zhimai", Type: "order.paid", Source: "shop", BusinessKey: "SO-2", Points: 7},
		{Account: "kylin", Type: "order.paid", Source: "shop", BusinessKey: "SO-2", Points: 30},
		{Account: "zhimai", Type: "order.paid", Source: "shop", BusinessKey: "SO-3", Points: 0},
		{Account: "zhimai", Type: "order.paid", Source: "shop", BusinessKey: "SO-4", Points: 9, Frozen: true},
		{Account: "zhimai", Type: "member.checked_in", BusinessKey: "1/2026-11-20", Points: 5},
	}
	type books struct {
		ledger []LedgerRow
		book   []BookRow
	}
	for _, tc := range []struct {
		name       string
		plant      func(b *books)
		kinds      string
		difference int64
		text       string
	}{
		{"missing", func(b *books) { b.ledger, b.book = b.ledger[1:], b.book[1:] }, MissingOperation, 0, "SO-1"},
		{"missing, though applied", func(b *books) { b.ledger = b.ledger[1:] }, MissingOperation + " " + UnknownToLedger, 100, "invariant 1"},
		{"unexpected", func(b *books) {
			b.ledger = append(b.ledger, LedgerRow{Account: "zhimai", Type: "order.paid", Source: "shop", BusinessKey: "SO-9", BizID: "x", Points: 3, State: StateParked})
		}, UnexpectedOperation, 0, "SO-9"},
		{"other source", func(b *books) { b.ledger[0].Source = "elsewhere" }, MissingOperation + " " + UnexpectedOperation, 0, "elsewhere"},
		{"double", func(b *books) {
			again := b.ledger[0]
			again.BizID = "second"
			b.ledger = append(b.ledger, again)
			b.book = append(b.book, BookRow{Vendor: "zhimai", Key: "second", Applied: 1, Received: 1, AppliedPoints: 100})
		}, DoubleOperation, 0, "invariant 2"},
		{"one biz_id twice", func(b *books) { b.ledger[1].BizID, b.book = b.ledger[0].BizID, append(b.book[:1], b.book[2:]...) }, AppliedOtherPoints + " " + DoubleOperation, 7, "one dedup key"},
		{"wrong points", func(b *books) { b.ledger[0].Points = 99; b.book[0].AppliedPoints = 99 }, WrongPoints, 0, "the ledger has 99 points, published were 100"},
		{"points for nothing", func(b *books) { b.ledger[3].Points = 1 }, WrongPoints + " " + WrongState, 0, "SO-3"},
		{"nothing for points", func(b *books) { b.ledger[0].State = StateNothing; b.book = b.book[1:] }, WrongState, 0, "SO-1"},
		{"no state", func(b *books) { b.ledger[0].State = ""; b.book = b.book[1:] }, WrongState, 0, "SO-1"},
		{"pending", func(b *books) { b.ledger[0].State = StatePending; b.book = b.book[1:] }, InTransit, 0, "still pending"},
		{"sending and applied", func(b *books) { b.ledger[0].State = StateSending }, AppliedNotPosted + " " + InTransit, 100, "SO-1"},
		{"posted, never received", func(b *books) { b.book = b.book[1:] }, PostedNotApplied, 100, "never saw the key"},
		{"posted, not applied", func(b *books) { b.book[2].Applied, b.book[2].AppliedPoints = 0, 0 }, PostedNotApplied, 30, "kylin order.paid shop SO-2"},
		{"parked in doubt and applied", func(b *books) { b.ledger[0].State, b.ledger[0].InDoubt = StateParked, true }, AppliedNotPosted, 100, "in doubt true"},
		{"voided and applied", func(b *books) { b.ledger[0].State = StateVoided }, AppliedNotPosted, 100, "voided"},
		{"applied twice", func(b *books) { b.book[0].Applied, b.book[0].Received, b.book[0].AppliedPoints = 2, 2, 200 }, AppliedTwice, 100, "applied 2 times"},
		{"applied with other points", func(b *books) { b.book[0].AppliedPoints = 101 }, AppliedOtherPoints, 1, "applied with 101"},
		{"opposite differences do not cancel", func(b *books) { b.book[0].AppliedPoints, b.book[1].AppliedPoints = 101, 6 }, AppliedOtherPoints, 2, ""},
		{"unknown key", func(b *books) { b.book = append(b.book, BookRow{Vendor: "kylin", Key: "ghost", Received: 1}) }, UnknownToLedger, 0, "ghost"},
		{"key at the other vendor", func(b *books) { b.book[0].Vendor = "kylin" }, PostedNotApplied + " " + UnknownToLedger, 200, "SO-1"},
		{"parameters changed", func(b *books) { b.book[0].Mismatched = 1 }, ParametersChanged, 0, "invariant 4"},
		{"frozen, posted", func(b *books) {
			b.ledger[4].State = StatePosted
			b.book[3].Applied, b.book[3].AppliedPoints = 1, 9
		}, FrozenPosted, 0, "SO-4"},
		{"programme key, twice", func(b *books) {
			again := b.ledger[5]
			again.BizID, again.Source, again.State = "second", "other-shop", StateParked
			b.ledger = append(b.ledger, again)
		}, DoubleOperation, 0, "1/2026-11-20"},
		// And what is no disagreement.
		{"parked", func(b *books) {
			b.ledger[0].State, b.ledger[0].InDoubt = StateParked, true
			b.book[0].Applied, b.book[0].AppliedPoints = 0, 0
		}, "", 0, ""},
		{"voided", func(b *books) { b.ledger[0].State = StateVoided; b.book = b.book[1:] }, "", 0, ""},
		{"received often", func(b *books) { b.book[0].Received = 40 }, "", 0, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var b books
			b.ledger, b.book = perfect(truth)
			tc.plant(&b)
			r := Compare(truth, b.ledger, b.book)
			if got := strings.Join(sortedNames(r.ByKind), " "); got != tc.kinds {
				t.Errorf("found %q, want %q: %v", got, tc.kinds, r.Shown)
			}
			if r.Agrees() != (tc.kinds == "") || r.Difference != tc.difference {
				t.Errorf("agrees %t, difference %d; want difference %d", r.Agrees(), r.Difference, tc.difference)
			}
			if all := fmt.Sprint(r.Shown); !strings.Contains(all, tc.text) {
				t.Errorf("%q is not in %s", tc.text, all)
			}
		})
	}
}

func TestReportIsBounded(t *testing.T) {
	plan := Generate(Options{Events: 500, Seed: 1, Now: noon})
	r := Compare(plan.Truth, nil, nil)
	if len(r.Shown) != maxShown || r.Disagreements() != len(plan.Truth) || r.ByKind[MissingOperation] != len(plan.Truth) {
		t.Errorf("%d shown of %d, want %d of %d", len(r.Shown), r.Disagreements(), maxShown, len(plan.Truth))
	}
}

func TestCountsDifferences(t *testing.T) {
	want := Generate(Options{Events: 500, Seed: 1, Now: noon}).Counts
	if d := want.Differences(want); len(d) != 0 {
		t.Errorf("differs from itself: %q", d)
	}
	got := want
	got.Accepted++
	got.RejectedByCode = map[string]int{"surprise": 1}
	text := strings.Join(want.Differences(got), "\n")
	for _, part := range []string{"accepted: want", "rejected as surprise: want 0, got 1", "rejected as not_json: want"} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in %s", part, text)
		}
	}
}
