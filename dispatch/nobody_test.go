package dispatch_test

import (
	"testing"
	"time"

	"pointsledger/internal/testkit"
	"pointsledger/ledger"
	"pointsledger/vendorapi/sim"
)

// A code that the vendor answers with success and an id that is nobody's grants
// nothing to "member 0": the row is parked as member_unresolved with the reason.
// The vendor took our credentials, so that ten of them in a row say nothing
// about us and the gate stays open for the till.
func TestCodeOfNobodyIsUnresolved(t *testing.T) {
	t.Parallel()
	for _, nobody := range []sim.Nobody{sim.NobodyZero, sim.NobodyZeroString, sim.NobodyEmpty, sim.NobodyNull, sim.NobodyNullString,
		sim.NobodyAbsent, sim.NobodyNegative, sim.NobodyWord, sim.NobodyNoInfo} {
		t.Run(string(nobody), func(t *testing.T) {
			t.Parallel()
			b := newBench(t, sim.Config{Zhimai: sim.ZhimaiConfig{Identity: sim.IdentityConfig{Nobody: nobody}}})
			if err := b.store.MarkAccountConfirmed(t.Context(), "zhimai"); err != nil {
				t.Fatal(err)
			}
			b.accept(13, func(i int, op *ledger.Operation) {
				if op.MemberCode = "stranger " + op.MemberID; i == 13 {
					op.MemberCode = "UC" + op.MemberID
				}
				op.MemberID = ""
			})
			a := b.account()
			a.Concurrency, a.ProbeEvery = 1, time.Hour
			b.start(a)
			testkit.Eventually(t, time.Minute, "all rows to end", func() bool { return b.open() == 0 })
			b.agree(1)
			if n := b.count(`SELECT count(*) FROM outbox WHERE state = 'parked' AND cause = 'member_unresolved' AND NOT in_doubt`); n != 12 {
				t.Errorf("%d rows parked as unresolved, want 12", n)
			}
			if n := b.count(`SELECT count(*) FROM attempts WHERE outcome = 'refused' AND error LIKE '%the vendor names no member%'`); n != 12 {
				t.Errorf("%d attempts say why, want 12", n)
			}
			if _, zero := b.sim.Lookup(sim.Zhimai, "0"); zero || b.sim.Balance("0") != 0 {
				t.Error("member 0 has points")
			}
		})
	}
}
