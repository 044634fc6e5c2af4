package dispatch_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pointsledger/evidence"
	"pointsledger/internal/testkit"
	"pointsledger/ledger"
	"pointsledger/ledger/knowledge"
	"pointsledger/vendorapi"
	"pointsledger/vendorapi/sim"
	"pointsledger/vendorapi/zhimai"
)

// withoutRecordOf is a vendor that moved the points of one order and lost the record.
type withoutRecordOf struct {
	*zhimai.Client
	order string
}

func (v withoutRecordOf) ReadRecords(ctx context.Context, member string) (evidence.Reading, vendorapi.Reply) {
	reading, reply := v.Client.ReadRecords(ctx, member)
	var left []evidence.Record
	for _, r := range reading.Records {
		if !strings.HasPrefix(r.Text, v.order+" ") {
			left = append(left, r)
		}
	}
	reading.Records = left
	return reading, reply
}

// The vendor forgets keys; it applies a call, loses the answer, and by the same fault
// the record. All else shows: the member's older record, what others get later, and
// what this one gets later. The points that no record explains say that it is no
// absence.
func TestRecordThatIsLostIsNoAbsence(t *testing.T) {
	t.Parallel()
	for _, later := range []bool{false, true} {
		t.Run(map[bool]string{false: "the newest", true: "amid others"}[later], func(t *testing.T) {
			t.Parallel()
			b := newBench(t, forgetful(sim.RecordsConfig{EchoReason: true}))
			b.longKnown()
			if err := b.sim.InsertRow(tillMember, 300, false, "开户"); err != nil {
				t.Fatal(err)
			}
			inserted := time.Now()
			a := b.verifying()
			a.Vendor = withoutRecordOf{a.Vendor.(*zhimai.Client), "SO-1"}
			testkit.Eventually(t, 30*time.Second, "the member's record to be old", func() bool { return time.Since(inserted) > a.ClockSkew+2*time.Second })
			toTill := func(_ int, op *ledger.Operation) { op.MemberID = tillMember }
			b.accept(1, toTill)
			d, _ := b.start(a)
			b.doubt(1)
			if later {
				b.accept(1, toTill)
			}
			b.trade(d, a, "the points to be missed in the records", func(knowledge.EndpointKnowledge) bool {
				return b.count(`SELECT count(*) FROM outbox WHERE lack = 'points_without_a_record'`) == 1 ||
					b.count(`SELECT count(*) FROM outbox WHERE in_doubt`) == 0
			})
			for _, e := range b.sim.Book() {
				if e.Applied > 1 {
					t.Errorf("%s was applied %d times", e.Key, e.Applied)
				}
			}
			if b.count(`SELECT count(*) FROM outbox WHERE in_doubt`) != 1 {
				t.Error("the doubt ended without a proof")
			}
		})
	}
}

// countedBalance counts how often a balance is asked for.
type countedBalance struct {
	*zhimai.Client
	asked *atomic.Int32
}

func (v countedBalance) ReadBalance(ctx context.Context, member string) (*int64, vendorapi.Reply) {
	v.asked.Add(1)
	return v.Client.ReadBalance(ctx, member)
}

// A balance is a call more for each member in doubt: it is asked for where an absence
// lacks nothing else, not where a record tells.
func TestBalanceIsAskedForAnAbsenceAlone(t *testing.T) {
	t.Parallel()
	for fault, want := range map[sim.FaultKind]bool{"apply_then_drop": false, "drop_before": true} {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			config := forgetful(sim.RecordsConfig{EchoReason: true})
			config.Zhimai.Faults.Rates = map[sim.FaultKind]float64{fault: 1}
			b := newBench(t, config)
			b.longKnown()
			a := b.verifying()
			var asked atomic.Int32
			a.Vendor = countedBalance{a.Vendor.(*zhimai.Client), &asked}
			b.accept(1, func(_ int, op *ledger.Operation) { op.MemberID = tillMember })
			d, _ := b.start(a)
			b.doubt(1)
			b.trade(d, a, "the doubt to end", func(knowledge.EndpointKnowledge) bool {
				return b.count(`SELECT count(*) FROM outbox WHERE in_doubt`) == 0
			})
			b.ends(nil)
			if n := asked.Load(); n > 0 != want {
				t.Errorf("the balance was asked for %d times, want any: %v", n, want)
			}
		})
	}
}
