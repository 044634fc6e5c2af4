package ledger_test

import (
	"fmt"
	"strings"
	"testing"

	"pointsledger/internal/testkit/orders"
	"pointsledger/ledger"
)

// A large batch is copied, a small one inserted, and one event by itself has a
// statement of its own: what is written is the same.
func TestAllWaysToRecordWriteTheSame(t *testing.T) {
	t.Parallel()
	inserts, copies, alone := newFixture(t), newFixture(t), newFixture(t)
	copies.Store = copies.CopyAlways()
	for _, f := range []*fixture{inserts, copies, alone} {
		amount := int64(-1) << 40
		varied := variedEvents(f)
		varied[0].Event.Operations[0].AmountFen = &amount
		varied[0].Event.Operations[0].BusinessDate = "1999-12-31"
		varied[1].Event.Operations[0].BusinessDate = "2400-02-29"
		varied[1].Message.BrokerTime = orders.Epoch.Add(999)
		varied[2].Message.Subject = "points.events.\xff\x00"
		reject := f.event("SO-9")
		reject.Event, reject.Rejection = nil, ledger.Rejectf(ledger.Clock, "x")
		leases := []ledger.RecordLease{leaseOf("kylin", 6)}
		if f != alone {
			f.recordLeased(leases, append(varied, reject)...)
			continue
		}
		for _, e := range append(varied, reject) {
			f.recordLeased(leases, e)
		}
	}
	for table, columns := range map[string]string{
		"operations": "to_jsonb(x) - 'recorded_at' - 'id'",
		"outbox":     "to_jsonb(x) - 'operation_id' - 'next_attempt_at' - 'first_sent_at' - 'lease_until' || jsonb_build_object('rest', next_attempt_at - o.recorded_at, 'sent', first_sent_at - o.recorded_at, 'lease', lease_until - o.recorded_at)",
	} {
		join := ""
		if table == "outbox" {
			join = "JOIN operations o ON o.id = x.operation_id"
		}
		sql := fmt.Sprintf("SELECT string_agg((%s)::text, E'\n' ORDER BY (%s)::text) FROM %s x %s", columns, columns, table, join)
		inserted := one[string](inserts, sql)
		if got := one[string](copies, sql); got != inserted {
			t.Errorf("%s:\ncopied   %s\ninserted %s", table, got, inserted)
		}
		if got := one[string](alone, sql); got != inserted {
			t.Errorf("%s:\nalone    %s\ninserted %s", table, got, inserted)
		}
	}
	want(t, "rejects", one[int](copies, `SELECT count(*) FROM rejects`), 1)
}

// A copied batch meets the same constraints: a key that is there is a
// duplicate, a row that the database refuses costs only itself.
func TestCopyMeetsTheConstraints(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.Store = f.CopyAlways()
	f.record(f.event("SO-1"))
	again, poison, good := f.event("SO-1"), f.event("SO-2"), f.event("SO-3")
	poison.Event.Operations[0].SourceType = 99
	verdicts := f.record(again, poison, good)
	if verdicts[0].Kind != ledger.Duplicate || verdicts[1].Kind != ledger.Rejected || verdicts[2].Kind != ledger.Accepted {
		t.Fatalf("verdicts %+v", verdicts)
	}
	if !strings.Contains(verdicts[1].Rejection.Reason, "source_type") {
		t.Errorf("reason %q does not name the constraint", verdicts[1].Rejection.Reason)
	}
	want(t, "operations", one[int](f, `SELECT count(*) FROM operations`), 2)
}
