package dispatch_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"pointsledger/desk"
	"pointsledger/dispatch"
	"pointsledger/internal/testkit"
	"pointsledger/ledger"
	"pointsledger/vendorapi/sim"
)

const tillMember = "38393309145595"

// forgetful is a vendor that applies every repeat again, and whose first answer
// to each key is lost after it was applied.
func forgetful(records sim.RecordsConfig) sim.Config {
	return sim.Config{Zhimai: sim.ZhimaiConfig{Dedup: sim.Dedup{Mode: sim.DedupOff}, Records: records,
		Faults: sim.Faults{MaxPerKey: 1, Rates: map[sim.FaultKind]float64{"apply_then_drop": 1}}}}
}

// doubt waits for n doubtful rows, then lets the vendor be well.
func (b *bench) doubt(n int) {
	b.t.Helper()
	testkit.Eventually(b.t, 30*time.Second, "the doubt", func() bool {
		return b.count(`SELECT count(*) FROM outbox WHERE in_doubt`) >= n
	})
	if err := b.sim.SetFaults(sim.Zhimai, sim.Faults{}); err != nil {
		b.t.Fatal(err)
	}
}

// ends waits until nothing is open, and wants nothing applied twice, nothing
// posted that was not applied, and so many rows parked in doubt of each cause.
func (b *bench) ends(parked map[string]int) {
	b.t.Helper()
	testkit.Eventually(b.t, time.Minute, "all operations to end", func() bool { return b.open() == 0 })
	applied := map[string]int{}
	for _, e := range b.sim.Book() {
		applied[e.Key] = e.Applied
		if e.Applied > 1 {
			b.t.Errorf("%s was applied %d times", e.Key, e.Applied)
		}
	}
	rows, err := b.pool.Query(b.t.Context(), `SELECT biz_id, COALESCE(evidence, '') FROM operation_status WHERE state = 'posted'`)
	if err != nil {
		b.t.Fatal(err)
	}
	for rows.Next() {
		var key, evidence string
		if err := rows.Scan(&key, &evidence); err != nil {
			b.t.Fatal(err)
		}
		if applied[key] == 0 && evidence != string(ledger.Manual) {
			b.t.Errorf("%s is posted (%s), and was never applied", key, evidence)
		}
	}
	if rows.Err() != nil {
		b.t.Fatal(rows.Err())
	}
	for cause, n := range parked {
		if got := b.count(`SELECT count(*) FROM outbox WHERE state = 'parked' AND in_doubt AND cause = $1`, cause); got != n {
			b.t.Errorf("%d rows are parked in doubt for %s, want %d", got, cause, n)
		}
	}
	if n := b.count(`SELECT count(*) FROM outbox`); n != total(parked) {
		b.t.Errorf("%d rows are left, want %d", n, total(parked))
	}
}

// dueIn sets when the rows in doubt are looked at next.
func (b *bench) dueIn(interval string) {
	b.t.Helper()
	if _, err := b.pool.Exec(b.t.Context(), `UPDATE outbox SET next_attempt_at = now() + $1::interval WHERE in_doubt`, interval); err != nil {
		b.t.Fatal(err)
	}
}

func total(counts map[string]int) (n int) {
	for _, c := range counts {
		n += c
	}
	return n
}

// longKnown makes the endpoint one that has been sampled for long: it shows
// references, its times are ours, and its lists go back for a month.
func (b *bench) longKnown() {
	b.t.Helper()
	a := b.verifying()
	for _, sql := range []string{
		`INSERT INTO endpoints (target, endpoint, first_used_at, reference_state, shown_since, zone_offset_minutes)
		 VALUES ('zhimai', $1, now() - interval '30 days', 'shown', now() - interval '30 days', 0)`,
		`INSERT INTO endpoint_extents (target, endpoint, records, depth) VALUES ('zhimai', $1, 1000, interval '30 days')`,
	} {
		if _, err := b.pool.Exec(b.t.Context(), sql, a.Endpoint()); err != nil {
			b.t.Fatal(err)
		}
	}
}

// impatient parks what is not known after a second or two.
func (b *bench) impatient() dispatch.Account {
	a := b.verifying()
	a.GiveUpAfter = 1500 * time.Millisecond
	return a
}

// A vendor that shows no reasons: foreign texts that look like ours, or any other
// record, prove nothing. Nothing is sent again on hope.
func TestLookAlikesAreNoControl(t *testing.T) {
	t.Parallel()
	for i, text := range []string{"客服补发", "退货单#2026112000019", "订单SO-1消费"} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			b := newBench(t, forgetful(sim.RecordsConfig{}))
			b.accept(1, func(_ int, op *ledger.Operation) { op.MemberID = tillMember })
			if err := b.sim.InsertRow(tillMember, 7, false, text); err != nil {
				t.Fatal(err)
			}
			b.start(b.impatient())
			b.doubt(1)
			b.ends(map[string]int{"verification_candidates": 1})
		})
	}
}

// What was learned at one endpoint says nothing about another.
func TestKnowledgeBelongsToItsEndpoint(t *testing.T) {
	t.Parallel()
	b := newBench(t, forgetful(sim.RecordsConfig{EchoReason: true}))
	b.longKnown()
	b.accept(1, nil)
	_, stop := b.start(b.verifying())
	b.doubt(1)
	b.ends(nil)
	stop()
	other, err := sim.New(forgetful(sim.RecordsConfig{}))
	if err != nil {
		t.Fatal(err)
	}
	url, end, err := other.Start("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = end() })
	b.sim, b.url = other, url
	b.accept(3, nil)
	b.start(b.impatient())
	b.doubt(1)
	testkit.Eventually(t, time.Minute, "all operations to end", func() bool { return b.open() == 0 })
	for _, e := range b.sim.Book() {
		if e.Applied > 1 {
			t.Errorf("%s was applied %d times", e.Key, e.Applied)
		}
	}
}

// A vendor that keeps only the newest record, and one that forgets keys: the
// record of the doubtful call may have been dropped.
func TestShortHistoryIsNoAbsence(t *testing.T) {
	t.Parallel()
	for _, dedup := range []sim.Dedup{{Mode: sim.DedupOff}, {Mode: sim.DedupSuccess, KeyMemory: 500 * time.Millisecond}} {
		t.Run(string(dedup.Mode), func(t *testing.T) {
			t.Parallel()
			config := forgetful(sim.RecordsConfig{EchoReason: true, MaxPerMember: 1})
			config.Zhimai.Dedup = dedup
			b := newBench(t, config)
			b.longKnown()
			if _, err := b.pool.Exec(t.Context(), `UPDATE endpoint_extents SET records = 1`); err != nil {
				t.Fatal(err)
			}
			b.accept(1, func(_ int, op *ledger.Operation) { op.MemberID = tillMember })
			a := b.impatient()
			a.VerifyAfter = 1500 * time.Millisecond // the till is quicker than the look-up
			b.start(a)
			b.doubt(1)
			if err := b.sim.InsertRow(tillMember, 3, true, "兑换"); err != nil {
				t.Fatal(err)
			}
			b.accept(20, nil) // later postings are shown all right
			b.ends(map[string]int{"no_control": 1})
		})
	}
}

// An empty list is what a backend answers that fails inside.
func TestEmptyListIsNoAbsence(t *testing.T) {
	t.Parallel()
	b := newBench(t, forgetful(sim.RecordsConfig{EchoReason: true}))
	b.longKnown()
	b.accept(1, func(_ int, op *ledger.Operation) { op.MemberID = tillMember })
	b.start(b.impatient())
	b.doubt(1)
	records := sim.RecordsConfig{EchoReason: true, EmptyRate: 1}
	if err := b.sim.SetRecords(records); err != nil {
		t.Fatal(err)
	}
	b.accept(20, nil)
	b.ends(map[string]int{"no_control": 1})
}

// The vendor begins to show a member's newest record alone, after it was seen to keep
// long lists: the list of a member whose first grant is in doubt looks whole, and does
// not account for the points that the member has.
func TestVendorThatBeginsToCutProvesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t, forgetful(sim.RecordsConfig{EchoReason: true}))
	b.longKnown()
	b.accept(1, func(_ int, op *ledger.Operation) { op.MemberID = tillMember })
	b.start(b.impatient())
	b.doubt(1)
	if err := b.sim.SetRecords(sim.RecordsConfig{EchoReason: true, KeepNewest: 1}); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, 30*time.Second, "the end of the call", func() bool {
		return b.count(`SELECT count(*) FROM outbox WHERE quiet_since < now()`) == 1
	})
	b.accept(1, func(_ int, op *ledger.Operation) { op.MemberID = tillMember })
	b.accept(20, nil)
	b.ends(map[string]int{"no_control": 1})
}

// The grant was applied and spent, so that the balance is 0 in truth, and then the
// records fail as an empty list: what is empty once proves nothing.
func TestOneEmptyListIsNoAbsence(t *testing.T) {
	t.Parallel()
	b := newBench(t, forgetful(sim.RecordsConfig{EchoReason: true}))
	b.longKnown()
	b.accept(1, func(_ int, op *ledger.Operation) { op.MemberID = tillMember })
	b.start(b.verifying())
	points := int64(b.count(`SELECT points FROM operations`))
	b.doubt(1)
	b.dueIn("1 hour")
	if err := b.sim.InsertRow(tillMember, points, true, "兑换"); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, 30*time.Second, "the end of the call", func() bool {
		return b.count(`SELECT count(*) FROM outbox WHERE quiet_since < now()`) == 1
	})
	b.accept(20, nil)
	testkit.Eventually(t, 30*time.Second, "a later posting that shows", func() bool {
		return b.count(`SELECT count(*) FROM endpoint_samples s, outbox o WHERE s.state = 'shown' AND s.sent_at > o.quiet_since`) > 0
	})
	if err := b.sim.SetRecords(sim.RecordsConfig{EchoReason: true, EmptyRate: 1}); err != nil {
		t.Fatal(err)
	}
	b.dueIn("0")
	testkit.Eventually(t, 30*time.Second, "an empty list", func() bool {
		return b.count(`SELECT count(*) FROM outbox WHERE lack = 'records_empty_once'`) == 1
	})
	if err := b.sim.SetRecords(sim.RecordsConfig{EchoReason: true}); err != nil {
		t.Fatal(err)
	}
	b.ends(nil)
	if n := b.count(`SELECT count(*) FROM postings WHERE evidence = 'verified'`); n != 1 {
		t.Errorf("%d operations were posted as seen, want 1", n)
	}
}

// A member without any record and with balance 0 was not granted anything, once
// later postings show.
func TestEmptyListWithControlIsAbsence(t *testing.T) {
	t.Parallel()
	config := forgetful(sim.RecordsConfig{EchoReason: true})
	config.Zhimai.Faults.Rates = map[sim.FaultKind]float64{"500_before": 1}
	b := newBench(t, config)
	b.longKnown()
	b.accept(1, func(_ int, op *ledger.Operation) { op.MemberID = tillMember })
	b.start(b.verifying())
	b.doubt(1)
	b.accept(5, nil)
	b.ends(nil)
	b.agree(6)
}

// A person's settlement is no record of the vendor.
func TestSettledByHandAccountsForNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t, forgetful(sim.RecordsConfig{}))
	b.accept(1, func(_ int, op *ledger.Operation) { op.MemberID = tillMember })
	if _, err := b.pool.Exec(t.Context(), `UPDATE outbox SET state = 'parked', cause = 'refused'`); err != nil {
		t.Fatal(err)
	}
	b.accept(1, func(_ int, op *ledger.Operation) { op.MemberID = tillMember })
	if _, err := desk.New(b.pool, b.store).SettleByHand(t.Context(), desk.HandSettlement{Decision: desk.Decision{Actor: "a", Reason: "r"}, ID: 1,
		Evidence: "granted at the till", Filter: "1"}); err != nil {
		t.Fatal(err)
	}
	b.start(b.impatient())
	b.doubt(1)
	b.ends(map[string]int{"verification_candidates": 1})
}

// An order number with a #, also one whose characters pass for a reference: the
// one at the end counts.
func TestHashInTheOrderNumber(t *testing.T) {
	t.Parallel()
	b := newBench(t, forgetful(sim.RecordsConfig{EchoReason: true}))
	b.longKnown()
	b.accept(1, func(_ int, op *ledger.Operation) {
		op.Reason = "订单SH#2026112000019消费积分 #" + op.Reference
	})
	b.start(b.verifying())
	b.doubt(1)
	b.ends(nil)
	if n := b.count(`SELECT count(*) FROM postings WHERE evidence = 'verified'`); n != 1 {
		t.Errorf("%d operations were posted as seen, want 1", n)
	}
}

// Another operation's order number carries our reference: that is no record of
// ours, which was never applied.
func TestBorrowedReference(t *testing.T) {
	t.Parallel()
	b := newBench(t, sim.Config{Zhimai: sim.ZhimaiConfig{Dedup: sim.Dedup{Mode: sim.DedupOff}, Records: sim.RecordsConfig{EchoReason: true}}})
	b.longKnown()
	ours := ledger.ReferenceOf(ledger.NewBizID("pa", "zhimai", "shop", "order.paid", "SO-2", "pa"))
	b.accept(1, func(_ int, op *ledger.Operation) {
		op.MemberID = tillMember
		op.Reason = "订单#" + ours + " #" + op.Reference
	})
	_, stop := b.start(b.verifying())
	b.ends(nil)
	stop()
	if err := b.sim.SetFaults(sim.Zhimai, sim.Faults{MaxPerKey: 1, Rates: map[sim.FaultKind]float64{"500_before": 1}}); err != nil {
		t.Fatal(err)
	}
	b.accept(1, func(_ int, op *ledger.Operation) { op.MemberID = tillMember })
	b.start(b.verifying())
	b.doubt(1)
	b.accept(5, nil)
	b.ends(nil)
	b.agree(7)
}

// How far the records of one member go back is told by any reading, and another
// member's first and only record is judged by it.
func TestEveryReadingTeachesHowFarRecordsGoBack(t *testing.T) {
	t.Parallel()
	at := time.Now().Add(-48 * time.Hour)
	var moved sync.Mutex
	config := forgetful(sim.RecordsConfig{EchoReason: true})
	config.Now = func() time.Time { moved.Lock(); defer moved.Unlock(); return at }
	config.Zhimai.TimestampSkew = -1
	config.Zhimai.Faults.Rates = map[sim.FaultKind]float64{"500_before": 1}
	b := newBench(t, config)
	for range 3 {
		if err := b.sim.InsertRow(tillMember, 1, false, "期初积分"); err != nil {
			t.Fatal(err)
		}
	}
	moved.Lock()
	at = time.Now()
	moved.Unlock()
	b.longKnown()
	if _, err := b.pool.Exec(t.Context(), `DELETE FROM endpoint_extents`); err != nil {
		t.Fatal(err)
	}
	a := b.verifying()
	const newcomer = "38393309145596"
	if err := b.sim.InsertRow(newcomer, 2, false, "入会"); err != nil {
		t.Fatal(err)
	}
	b.accept(1, func(_ int, op *ledger.Operation) { op.MemberID = newcomer })
	b.start(a)
	b.doubt(1)
	testkit.Eventually(t, 30*time.Second, "the newcomer's list to prove nothing", func() bool {
		return b.count(`SELECT count(*) FROM outbox WHERE lack = 'records_do_not_reach_back'`) == 1
	})
	if err := b.sim.SetFaults(sim.Zhimai, sim.Faults{MaxPerKey: 1, Rates: map[sim.FaultKind]float64{"500_before": 1}}); err != nil {
		t.Fatal(err)
	}
	b.accept(1, func(_ int, op *ledger.Operation) { op.MemberID = tillMember })
	b.doubt(2)
	testkit.Eventually(t, 30*time.Second, "the newcomer's list to reach back, by the other's", func() bool {
		return b.count(`SELECT count(*) FROM outbox WHERE lack = 'records_not_known_to_be_current'`) == 2
	})
	b.accept(1, nil) // is posted, and its sample shows that the records are current
	b.ends(nil)
}
