package dispatch_test

import (
	"fmt"
	"testing"
	"time"

	"pointsledger/internal/testkit"
	"pointsledger/ledger"
	"pointsledger/vendorapi/sim"
)

// frozenReplay records rows of frozen members as a replay leaves them.
func (b *bench) frozenReplay(n int) {
	b.t.Helper()
	b.accept(n, func(i int, op *ledger.Operation) { op.MemberID = fmt.Sprintf("38393309145595%03d77", i) })
	if _, err := b.pool.Exec(b.t.Context(), `UPDATE outbox SET state = 'parked', cause = 'refused'`); err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.pool.Exec(b.t.Context(), `UPDATE outbox SET state = 'pending', cause = 'replayed', put_back = true`); err != nil {
		b.t.Fatal(err)
	}
}

// A replay of frozen members closed the gate for suspicious refusals while live
// rows waited. It does not stop the till: no live row waits for it.
func TestReplayDoesNotStopTheTill(t *testing.T) {
	t.Parallel()
	b := newBench(t, sim.Config{Members: sim.MembersConfig{FrozenSuffix: "77"}})
	if err := b.store.MarkAccountConfirmed(t.Context(), "zhimai"); err != nil {
		t.Fatal(err)
	}
	b.frozenReplay(200)
	b.accept(88, func(i int, op *ledger.Operation) { op.MemberID = fmt.Sprintf("38393309145595%04d0", i) })
	a := b.account()
	a.ProbeEvery = time.Hour // a gate that closes stays closed
	b.start(a)
	testkit.Eventually(t, 30*time.Second, "the live rows to be posted", func() bool { return b.count(`SELECT count(*) FROM postings`) == 88 })
	if n := b.count(`SELECT count(*) FROM gates WHERE reason IS NOT NULL OR closings > 0`); n != 0 {
		t.Error("the replay closed the gate")
	}
	if n := b.count(`SELECT count(*) FROM outbox WHERE put_back AND NOT (state = 'parked' AND cause = 'refused')
		AND NOT (state <> 'parked' AND COALESCE(cause, '') IN ('replayed', 'suspicious_refusal'))`); n != 0 {
		t.Errorf("%d put-back rows are neither refused nor waiting", n)
	}
}

// With a wrong key a replay alone parks at most nine by mistake; the rest is held
// back untouched and goes when the key is right again.
func TestReplayWithAWrongKeyParksAtMostNine(t *testing.T) {
	t.Parallel()
	b := newBench(t, sim.Config{})
	if err := b.store.MarkAccountConfirmed(t.Context(), "zhimai"); err != nil {
		t.Fatal(err)
	}
	if err := b.sim.SetOpenKey("another"); err != nil {
		t.Fatal(err)
	}
	b.frozenReplay(60)
	b.start(b.account())
	testkit.Eventually(t, 30*time.Second, "rows to be held back", func() bool {
		return b.count(`SELECT count(*) FROM outbox WHERE cause = 'suspicious_refusal'`) > 0 && b.count(`SELECT count(*) FROM attempts`) > 15
	})
	if err := b.sim.SetOpenKey(""); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, 30*time.Second, "the rest to be posted", func() bool { return b.open() == 0 })
	if parked := b.count(`SELECT count(*) FROM outbox WHERE state = 'parked'`); parked > 9 || b.count(`SELECT count(*) FROM postings`) != 60-parked {
		t.Errorf("%d rows are parked for our mistake, want at most 9", parked)
	}
}
