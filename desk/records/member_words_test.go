package records

import (
	"strings"
	"testing"

	"pointsledger/desk"
	"pointsledger/desk/wording"
	"pointsledger/ledger"
	"pointsledger/ledger/gates"
)

// What a person is told to look at is called as it is where the words are read.
func TestMemberWordsNameSteps(t *testing.T) {
	t.Parallel()
	l := &Lookup{names: wording.Names{AskAccount: "--account", Configuration: "WORKER_CONFIG"}}
	unasked := func(a Account, configured, elsewhere bool) string {
		v, _ := l.unasked(a, configured, elsewhere)
		return v.Words
	}
	a := &MemberAccount{ScanEnded: true, Gate: gates.GatePaused, names: wording.Names{Show: "`replay show`", Reread: "`replay stream`", Status: "`replay status`", LongerAgo: "--since"}}
	for want, got := range map[string]string{
		"It may have been recorded under another member id, or longer ago than was looked through here (--since). " +
			"If `replay show` does not find it, the ledger has lost it: `replay stream` can bring it back.": a.unknownWords(),
		" Not now: the account's gate is closed, as a person paused the account; see `replay status`.": a.gateWords(),
		"not in the configuration read here: set WORKER_CONFIG to the worker's file":                   unasked(Account{Name: "zhimai"}, false, false),
		"not asked, as this member is known at another account; --account zhimai asks":                 unasked(Account{Name: "zhimai", Reads: true}, true, true),
		"": unasked(Account{Name: "zhimai", Reads: true}, true, false),
	} {
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// Records tell of grants alone: nobody is told that a take-back in doubt is looked up.
func TestOnlyGrantsAreSaidToBeLookedUp(t *testing.T) {
	t.Parallel()
	a := &MemberAccount{config: Account{Verifies: true}}
	for kind, want := range map[ledger.Kind]bool{ledger.PointsAdd: true, ledger.PointsDeduct: false, ledger.UnfreezePoint: false} {
		rows := []memberRow{{operation: &desk.MemberOperation{Kind: ledger.PointsAdd}}, {operation: &desk.MemberOperation{Kind: kind}}}
		d := Difference{Kind: DoubtOpen, Cause: ledger.CauseRebuilt, Count: 2}
		if said := strings.Contains(a.differenceWords(&d, rows), "it is looked up in the member's records"); said != want {
			t.Errorf("%s: said %v, want %v", kind, said, want)
		}
	}
}
