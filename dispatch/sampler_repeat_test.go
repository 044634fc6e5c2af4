package dispatch_test

import (
	"testing"
	"time"

	"pointsledger/internal/testkit"
	"pointsledger/ledger"
	"pointsledger/vendorapi"
	"pointsledger/vendorapi/sim"
)

// A first call that is answered "already applied" made no record: whatever call
// did, this ledger does not know when (a rollback that nobody noticed, another
// ledger with the same keys). Its record is older than the call, so it is no
// sample: it would show that the records hold what was called later.
func TestSamplerTakesNoRepeatForACall(t *testing.T) {
	t.Parallel()
	config := echoing(sim.RecordsConfig{})
	config.Zhimai.Dedup = sim.Dedup{Mode: sim.DedupCode}
	b := newBench(t, config)
	a := b.sampling()
	b.accept(1, nil)
	claimed, err := b.store.Claim(t.Context(), ledger.Claim{Account: a.Name, Token: 7, Limit: 1, Lease: time.Minute, KeyMemory: time.Hour})
	if err != nil || len(claimed) != 1 {
		t.Fatal(claimed, err)
	}
	if reply := a.Vendor.Send(t.Context(), &claimed[0].VendorCall); reply.Outcome != vendorapi.Applied {
		t.Fatal(reply)
	}
	// The call is forgotten, as by a rollback.
	if _, err := b.store.Settle(t.Context(), []ledger.Change{{ID: claimed[0].ID, Token: 7, State: ledger.Pending, Cause: "forgotten",
		Unsent: true, Delay: time.Hour}}); err != nil {
		t.Fatal(err)
	}
	d, _ := b.start(a)
	told := func() (n int) { return b.count(`SELECT count(*) FROM endpoints WHERE lease_until > now()`) }
	testkit.Eventually(t, time.Minute, "the endpoint to be in use", func() bool { return told() == 1 })
	if _, err := b.pool.Exec(t.Context(), `UPDATE outbox SET next_attempt_at = now()`); err != nil {
		t.Fatal(err)
	}
	d.Wake()
	testkit.Eventually(t, time.Minute, "it to be posted", func() bool {
		return b.count(`SELECT count(*) FROM postings WHERE evidence = 'already_applied'`) == 1
	})
	d.WantSample(time.Now())
	testkit.Eventually(t, time.Minute, "the wish to be told, after the posting", func() bool {
		return b.count(`SELECT count(*) FROM endpoints WHERE wanted_at IS NOT NULL`) == 1
	})
	if k := b.known(a); !k.LastSentAt.IsZero() || k.Ended > 0 {
		t.Errorf("a repeat counts as a call of its own: %+v", k)
	}
	b.trade(d, a, "the next first calls to be samples", shown)
	if n := b.count(`SELECT count(*) FROM endpoint_samples WHERE operation_id = $1`, int64(claimed[0].ID)); n != 0 {
		t.Error("the repeat is a sample")
	}
}
