package dispatch_test

import (
	"testing"
	"time"

	"pointsledger/internal/testkit"
	"pointsledger/ledger"
	"pointsledger/vendorapi/sim"
)

// Every attempt says which of the vendor's calls it made: the words of one are
// never taken for those of another.
func TestAttemptsNameTheirCall(t *testing.T) {
	t.Parallel()
	b := newBench(t, sim.Config{Zhimai: sim.ZhimaiConfig{Records: sim.RecordsConfig{EchoReason: true},
		Faults: sim.Faults{MaxPerKey: -1, Rates: map[sim.FaultKind]float64{sim.Error500Before: 1}}}})
	b.accept(2, func(i int, op *ledger.Operation) {
		if i == 2 {
			op.MemberCode, op.MemberID = "UC77", ""
		}
	})
	b.start(b.verifying())
	testkit.Eventually(t, 30*time.Second, "attempts of all three calls", func() bool {
		return b.count(`SELECT count(DISTINCT call) FROM attempts`) == 3
	})
	if n := b.count(`SELECT count(*) FROM attempts a JOIN operations o ON o.id = a.operation_id
		WHERE a.call IS NULL OR (a.call = 'identity') <> (o.member_code IS NOT NULL) OR (a.call = 'records') <> (COALESCE(a.error, '') LIKE 'verification:%')`); n != 0 {
		t.Errorf("%d attempts name another call than they made", n)
	}
}
