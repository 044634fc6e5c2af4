package dispatch_test

import (
	"testing"
	"time"

	"pointsledger/dispatch"
	"pointsledger/internal/testkit"
	"pointsledger/ledger"
	"pointsledger/ledger/knowledge"
	"pointsledger/vendorapi/sim"
)

// ownClock gives the database of the bench a clock that setClock sets: every
// statement of the ledger reads these functions.
func (b *bench) ownClock() {
	b.t.Helper()
	for _, sql := range []string{
		`CREATE SCHEMA own_clock`,
		`CREATE TABLE own_clock.step AS SELECT interval '0' AS by`,
		`CREATE FUNCTION own_clock.now() RETURNS timestamptz STABLE LANGUAGE sql AS 'SELECT pg_catalog.now() + (SELECT by FROM own_clock.step)'`,
		`CREATE FUNCTION own_clock.clock_timestamp() RETURNS timestamptz VOLATILE LANGUAGE sql
		 AS 'SELECT pg_catalog.clock_timestamp() + (SELECT by FROM own_clock.step)'`,
		`DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = own_clock, public, pg_catalog', current_database()); END $$`,
	} {
		if _, err := b.pool.Exec(b.t.Context(), sql); err != nil {
			b.t.Fatal(err)
		}
	}
	b.pool.Reset()
}

func (b *bench) setClock(by string) {
	b.t.Helper()
	if _, err := b.pool.Exec(b.t.Context(), `UPDATE own_clock.step SET by = by + $1::interval`, by); err != nil {
		b.t.Fatal(err)
	}
}

// The database's clock is set forward while a row is in doubt, and the vendor shows
// records late: the lag that is waited for has not gone by, whatever the database
// says. Nothing is applied twice.
func TestClockSetForwardIsNoWait(t *testing.T) {
	t.Parallel()
	b := newBench(t, sim.Config{Zhimai: sim.ZhimaiConfig{Dedup: sim.Dedup{Mode: sim.DedupOff},
		Records: sim.RecordsConfig{EchoReason: true, Lag: 5 * time.Second}}})
	b.ownClock()
	b.longKnown()
	a := b.verifying()
	a.Sampling = dispatch.SampleEvery(300 * time.Millisecond)
	d, _ := b.start(a)
	b.trade(d, a, "the lag to be known", func(k knowledge.EndpointKnowledge) bool { return k.MaxLag >= 5*time.Second && k.Ended >= 3 })
	testkit.Eventually(t, time.Minute, "all to be posted, and all samples to be shown", func() bool {
		return b.open() == 0 && b.count(`SELECT count(*) FROM endpoint_samples WHERE due_at IS NOT NULL`) == 0
	})
	if err := b.sim.SetFaults(sim.Zhimai, sim.Faults{MaxPerKey: 1, Rates: map[sim.FaultKind]float64{"apply_then_drop": 1}}); err != nil {
		t.Fatal(err)
	}
	b.accept(1, func(_ int, op *ledger.Operation) { op.MemberID = tillMember })
	if err := b.sim.InsertRow(tillMember, 3, true, "兑换"); err != nil {
		t.Fatal(err)
	}
	d.Wake()
	b.doubt(1)
	b.setClock("5 minutes")
	b.ends(nil)
}

// The clock was an hour ahead while a row came into doubt, and is put right: the row
// is judged soon, not in an hour.
func TestClockSetBackIsWaitedForNoLonger(t *testing.T) {
	t.Parallel()
	b := newBench(t, forgetful(sim.RecordsConfig{EchoReason: true}))
	b.ownClock()
	b.longKnown()
	b.setClock("1 hour")
	a := b.verifying()
	a.VerifyAfter = 3 * time.Second
	d, _ := b.start(a)
	b.accept(1, nil)
	d.Wake()
	b.doubt(1)
	b.setClock("-1 hour")
	testkit.Eventually(t, 30*time.Second, "the doubt to count from now", func() bool {
		return b.count(`SELECT count(*) FROM outbox WHERE in_doubt AND quiet_since < now() + interval '1 minute'`) == 1
	})
}
