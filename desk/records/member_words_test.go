package records

import (
	"testing"

	"pointsledger/desk/wording"
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
