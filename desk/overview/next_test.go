package overview

import (
	"strings"
	"testing"
	"time"

	"pointsledger/desk"
	"pointsledger/desk/wording"
	"pointsledger/ledger"
)

// Records tell of grants alone: nobody is told that a take-back is looked up in them.
func TestNextOfDoubtByKind(t *testing.T) {
	t.Parallel()
	for kind, want := range map[ledger.Kind]string{ledger.PointsAdd: "it is looked up again", ledger.PointsDeduct: "it parks again"} {
		d := &desk.OperationDetail{Open: &desk.OpenState{State: ledger.Parked, Cause: ledger.CauseNoControl, InDoubt: true}}
		d.Kind, d.Points, d.MemberID = kind, 5, "m"
		if got := Next(d, nil, time.Now(), Settings{Verifies: true}, wording.Names{}).Words; !strings.Contains(got, want) {
			t.Errorf("%s: %s", kind, got)
		}
	}
}

// What ended without a call was neither applied by the vendor nor given up by a person.
func TestNextOfWhatNeededNoCall(t *testing.T) {
	t.Parallel()
	for evidence, kind := range map[ledger.Evidence]string{ledger.Netted: "posted", ledger.Reversed: "voided", ledger.NothingToTakeBack: "voided", ledger.NoCallNeeded: "voided"} {
		d := &desk.OperationDetail{Posting: &desk.PostingDetail{Evidence: evidence}}
		d.Posting.Kind = ledger.PostingKind(kind)
		if got := Next(d, nil, time.Now(), Settings{}, wording.Names{}).Words; !strings.HasPrefix(got, "Nothing: ") || strings.Contains(got, "has applied it") || strings.Contains(got, "a person gave it up") {
			t.Errorf("%s: %s", evidence, got)
		}
	}
}
