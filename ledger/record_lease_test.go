package ledger_test

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pointsledger/internal/testkit/orders"
	"pointsledger/ledger"
)

func leaseOf(account string, token ledger.LeaseToken) ledger.RecordLease {
	return ledger.RecordLease{Account: account, Token: token, Lease: time.Minute}
}

// recordLeased records entries with leases and fails the test on an error.
func (f *fixture) recordLeased(leases []ledger.RecordLease, entries ...ledger.Entry) ([]ledger.Verdict, []ledger.Claimed) {
	f.t.Helper()
	verdicts, leased, err := f.RecordLeased(f.t.Context(), entries, leases)
	if err != nil {
		f.t.Fatal(err)
	}
	if len(verdicts) != len(entries) {
		f.t.Fatalf("%d verdicts for %d entries", len(verdicts), len(entries))
	}
	return verdicts, leased
}

// sending lists the business keys of an account's leased rows under a token.
func (f *fixture) sending(account string, token ledger.LeaseToken) string {
	f.t.Helper()
	return one[string](f, `SELECT COALESCE(string_agg(o.business_key, ' ' ORDER BY o.business_key COLLATE "C"), '') FROM outbox x
		JOIN operations o ON o.id = x.operation_id
		WHERE x.target = $1 AND x.state = 'sending' AND x.lease_token = $2 AND x.lease_until > now()`, account, int64(token))
}

// keysOf lists the business keys of leased rows in order.
func keysOf(rows []ledger.Claimed) string {
	var keys []string
	for _, r := range rows {
		keys = append(keys, r.BusinessKey)
	}
	slices.Sort(keys)
	return strings.Join(keys, " ")
}

// variedEvents are operations that differ in all that a vendor call is built from.
func variedEvents(f *fixture) []ledger.Entry {
	grant, code, freeze, both := f.event("SO-1"), f.event("SO-2"), f.event("SO-3"), f.event("SO-4")
	grant.Event.Operations[0].ShopCode = "SH-001"
	code.Event.Operations[0].MemberID, code.Event.Operations[0].MemberCode = "", "会员码-0042"
	code.Event.Operations[0].SourceType, code.Event.Operations[0].PointsChannel = 12, 9
	code.Event.Time = orders.Epoch.Add(-time.Hour).In(time.FixedZone("Shanghai", 8*60*60))
	freeze.Event.Operations[0] = orders.Operation("kylin", "SO-3", 7)
	freeze.Event.Operations[0].SourceType, freeze.Event.Operations[0].PointsChannel = 0, 0
	freeze.Event.Operations[0].ShopCode = "上海-徐汇"
	freeze.Event.Operations[0].Reason = "冻结积分：订单 SO-3，\t“双十一” 🎁 #" + freeze.Event.Operations[0].Reference
	both.Event.Operations = append(both.Event.Operations, orders.Operation("kylin", "SO-4", 1<<40))
	return []ledger.Entry{grant, code, freeze, both}
}

// What RecordLeased returns is what a claim of the same rows reads, field by
// field: the first send and a later one must make the same call.
func TestRecordLeasedReadsAsAClaim(t *testing.T) {
	t.Parallel()
	f, twin := newFixture(t), newFixture(t)
	shaped := leaseOf("kylin", 6)
	shaped.Shape = "shape of kylin"
	shapes := map[string]string{"kylin": shaped.Shape}
	_, leased := f.recordLeased([]ledger.RecordLease{leaseOf("zhimai", 5), shaped}, variedEvents(f)...)
	twin.record(variedEvents(twin)...)
	byID := map[ledger.OperationID]ledger.Claimed{}
	for _, r := range leased {
		byID[r.ID] = r
	}
	claimed := 0
	for account, token := range map[string]ledger.LeaseToken{"zhimai": 5, "kylin": 6} {
		rows, err := twin.Claim(t.Context(), ledger.Claim{Account: account, Token: token, Limit: 10, Lease: time.Minute, KeyMemory: time.Hour, Shape: shapes[account]})
		if err != nil {
			t.Fatal(err)
		}
		claimed += len(rows)
		for _, want := range rows {
			got, there := byID[want.ID]
			if !there {
				t.Errorf("%s %s was not returned", account, want.BusinessKey)
				continue
			}
			sameClaim(t, got, want)
			if at := one[time.Time](f, `SELECT first_sent_at FROM outbox WHERE operation_id = $1`, got.ID); !at.Equal(got.FirstSentAt) {
				t.Errorf("%s: first sent at %v, the ledger has %v", got.BusinessKey, got.FirstSentAt, at)
			}
		}
	}
	want(t, "rows of the twin", claimed, 5)
	want(t, "rows returned", len(leased), 5)
	for _, f := range []*fixture{f, twin} {
		want(t, "outbox", one[string](f, `SELECT string_agg(concat_ws(' ', operation_id, target, state, cause, in_doubt, attempts, lease_token,
			first_sent_at <= now(), lease_until - first_sent_at, resolved_member_id, shape), ', ' ORDER BY operation_id) FROM outbox`), outboxOfVaried)
	}
}

const outboxOfVaried = "1 zhimai sending f 0 5 t 00:01:00, 2 zhimai sending f 0 5 t 00:01:00, 3 kylin sending f 0 6 t 00:01:00 shape of kylin, " +
	"4 kylin sending f 0 6 t 00:01:00 shape of kylin, 5 zhimai sending f 0 5 t 00:01:00"

// sameClaim compares all fields, also those that are added later: times as
// Postgres keeps them. When the first send was is another moment in each.
func sameClaim(t *testing.T, got, want ledger.Claimed) {
	t.Helper()
	g, w := reflect.ValueOf(got), reflect.ValueOf(want)
	for i := range g.NumField() {
		name, one, other := g.Type().Field(i).Name, g.Field(i).Interface(), w.Field(i).Interface()
		if name == "FirstSentAt" {
			continue
		}
		if at, isTime := one.(time.Time); isTime {
			one, other = at.Truncate(time.Microsecond).UTC(), other.(time.Time).UTC()
		}
		if !reflect.DeepEqual(one, other) {
			t.Errorf("%s: %s is %v, a claim reads %v", want.BusinessKey, name, one, other)
		}
	}
}

// Only new operations of the accounts named, with points, are leased.
func TestRecordLeasedLeasesWhatItIsAskedFor(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	old := f.event("SO-old")
	f.record(old)
	conflict := f.event("SO-old")
	conflict.Event.Content = `{"amountFen":1,"orderId":"SO-old"}`
	conflict.Event.Operations = append(conflict.Event.Operations, orders.Operation("zhimai", "SO-conflict", 5))
	nothing, both, garbage := f.event("SO-nothing"), f.event("SO-both"), f.event("SO-garbage")
	nothing.Event.Operations[0].Points = 0
	both.Event.Operations = append(both.Event.Operations, orders.Operation("kylin", "SO-both", 5))
	garbage.Event, garbage.Rejection = nil, ledger.Rejectf(ledger.NotJSON, "cut off")

	verdicts, leased := f.recordLeased([]ledger.RecordLease{leaseOf("zhimai", 3), leaseOf("nobody's", 4)},
		old, f.event("SO-old"), conflict, nothing, both, f.event("SO-both"), garbage)
	var kinds []ledger.VerdictKind
	for _, v := range verdicts {
		kinds = append(kinds, v.Kind)
	}
	want(t, "verdicts", fmt.Sprint(kinds), fmt.Sprint([]ledger.VerdictKind{ledger.Duplicate, ledger.Duplicate, ledger.Rejected,
		ledger.Accepted, ledger.Accepted, ledger.Duplicate, ledger.Rejected}))
	want(t, "returned", keysOf(leased), "SO-both")
	want(t, "leased", f.sending("zhimai", 3), "SO-both")
	want(t, "rows", one[int](f, `SELECT count(*) FROM outbox`), 3)
	want(t, "the old one still waits", len(f.claim(9, 10)), 1)
	want(t, "another account waits", len(mustClaim(f, "kylin")), 1)

	_, leased = f.recordLeased([]ledger.RecordLease{leaseOf("zhimai", 5)}, both, garbage)
	want(t, "nothing new", keysOf(leased), "")
	_, leased = f.recordLeased(nil, f.event("SO-plain"))
	want(t, "without leases", keysOf(leased), "")
	want(t, "waits for a claim", len(f.claim(10, 10)), 1)
}

// A batch that is split returns the leased rows of all its good parts, once.
func TestRecordLeasedWithPoison(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var batch []ledger.Entry
	for i := range 9 {
		batch = append(batch, f.event(fmt.Sprintf("SO-%d", i)))
	}
	batch[5].Event.Operations[0].PointsChannel = 77
	verdicts, leased := f.recordLeased([]ledger.RecordLease{leaseOf("zhimai", 3)}, batch...)
	for i, v := range verdicts {
		if (v.Kind == ledger.Rejected) != (i == 5) {
			t.Errorf("event %d: verdict %v", i, v.Kind)
		}
	}
	const good = "SO-0 SO-1 SO-2 SO-3 SO-4 SO-6 SO-7 SO-8"
	want(t, "returned", keysOf(leased), good)
	want(t, "leased", f.sending("zhimai", 3), good)
	want(t, "rows", one[int](f, `SELECT count(*) FROM outbox`), 8)
}

// What the first half of a split batch committed is returned beside the error
// of the second, and nothing that was not committed.
func TestRecordLeasedBesideAnError(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	// SO-5 is bad content until the first half is committed; then the disk is full.
	f.exec(`CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN
		    IF EXISTS (SELECT 1 FROM operations WHERE business_key = 'SO-0' AND xmin <> pg_current_xact_id()::xid) THEN
		        RAISE EXCEPTION 'no space left' USING ERRCODE = '53100';
		    END IF;
		    RETURN NEW;
		END $$`)
	f.exec(`CREATE TRIGGER spoil BEFORE INSERT ON operations FOR EACH ROW WHEN (NEW.business_key = 'SO-5') EXECUTE FUNCTION spoil()`)
	var batch []ledger.Entry
	for i := range 8 {
		batch = append(batch, f.event(fmt.Sprintf("SO-%d", i)))
	}
	batch[5].Event.Operations[0].PointsChannel = 77
	verdicts, leased, err := f.RecordLeased(t.Context(), batch, []ledger.RecordLease{leaseOf("zhimai", 3)})
	if err == nil || !strings.Contains(err.Error(), "53100") {
		t.Fatalf("got error %v, want the full disk", err)
	}
	want(t, "verdicts", len(verdicts), 0)
	const committed = "SO-0 SO-1 SO-2 SO-3"
	want(t, "returned", keysOf(leased), committed)
	want(t, "leased", f.sending("zhimai", 3), committed)
	want(t, "rows", one[int](f, `SELECT count(*) FROM outbox`), 4)

	f.exec(`DROP TRIGGER spoil ON operations`)
	batch[5].Event.Operations[0].PointsChannel = 3
	verdicts, leased = f.recordLeased([]ledger.RecordLease{leaseOf("zhimai", 4)}, batch...)
	want(t, "redelivered", verdicts[0].Kind, ledger.Duplicate)
	want(t, "new", verdicts[7].Kind, ledger.Accepted)
	want(t, "returned", keysOf(leased), "SO-4 SO-5 SO-6 SO-7")
	want(t, "still leased as before", f.sending("zhimai", 3), committed)
}

// After an error of the whole batch nothing is leased and nothing returned.
func TestRecordLeasedFails(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, leased, err := f.RecordLeased(ended, []ledger.Entry{f.event("SO-1")}, []ledger.RecordLease{leaseOf("zhimai", 3)})
	if err == nil {
		t.Error("recorded although the context had ended")
	}
	want(t, "returned", len(leased), 0)
	// A reject that fails undoes the operations of its batch, which were leased before it.
	f.exec(`CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = '53100'; END $$`)
	f.exec(`CREATE TRIGGER full_disk BEFORE INSERT ON rejects FOR EACH ROW EXECUTE FUNCTION full_disk()`)
	garbage := f.event("SO-3")
	garbage.Event, garbage.Rejection = nil, ledger.Rejectf(ledger.NotJSON, "cut off")
	_, leased, err = f.RecordLeased(t.Context(), []ledger.Entry{f.event("SO-2"), garbage}, []ledger.RecordLease{leaseOf("zhimai", 4)})
	if err == nil {
		t.Error("recorded although the disk was full")
	}
	want(t, "returned", len(leased), 0)
	want(t, "operations", one[int](f, `SELECT count(*) FROM operations`), 0)
}

// A row that was recorded with a lease is held as a claimed one is.
func TestRecordLeasedIsHeldAsAClaim(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	_, leased := f.recordLeased([]ledger.RecordLease{leaseOf("zhimai", 7)}, f.event("SO-1"), f.event("SO-2"), f.event("SO-3"))
	want(t, "nothing to claim", len(f.claim(1, 10)), 0)
	want(t, "nothing to rescue", rescue(f), 0)
	want(t, "another token", settleOne(f, ledger.Change{ID: leased[0].ID, Token: 8, State: ledger.Pending, Unsent: true}), false)
	want(t, "renewed", len(renew(f, leased[0])), 1)
	want(t, "returned unsent", settleOne(f, ledger.Change{ID: leased[0].ID, Token: 7, State: ledger.Pending, Unsent: true}), true)
	want(t, "as if never leased", one[string](f, `SELECT concat_ws(' ', state, in_doubt, attempts, first_sent_at, lease_token) FROM outbox
		WHERE operation_id = $1`, leased[0].ID), "pending f 0")
	again := f.claim(9, 10)
	want(t, "claimed again", len(again), 1)
	sent := leased[0]
	sent.Token = 9
	sameClaim(t, sent, again[0])

	f.exec(`UPDATE outbox SET lease_until = now() WHERE operation_id = $1`, leased[1].ID)
	want(t, "own token after the lease", settleOne(f, ledger.Change{ID: leased[1].ID, Token: 7, State: ledger.Pending, Unsent: true}), false)
	want(t, "rescued", rescue(f), 1)
	want(t, "in doubt", one[string](f, `SELECT concat_ws(' ', state, cause, in_doubt, attempts, first_sent_at = $2) FROM outbox
		WHERE operation_id = $1`, leased[1].ID, leased[1].FirstSentAt), "pending lease_expired t 1 t")

	done, err := f.Confirm(t.Context(), heard(leased...))
	if err != nil {
		t.Fatal(err)
	}
	want(t, "posted", done.Posted, 3)
}

func rescue(f *fixture) int {
	f.t.Helper()
	n, err := f.RescueAll(f.t.Context(), "zhimai", 5, 0)
	if err != nil {
		f.t.Fatal(err)
	}
	return n
}

// Several workers record the same keys at once, each with a lease of its own:
// every row is returned to exactly the worker whose token it has.
func TestRecordLeasedConcurrently(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const workers, orders = 6, 100
	batches, returned := make([][]ledger.Entry, workers), make([][]ledger.Claimed, workers)
	for w := range batches {
		for i := range orders {
			batches[w] = append(batches[w], f.event(fmt.Sprintf("SO-%d", (i*7+w*31)%orders)))
		}
	}
	var group sync.WaitGroup
	for w := range workers {
		group.Go(func() {
			for from := 0; from < orders; from += 20 {
				_, leased, err := f.RecordLeased(t.Context(), batches[w][from:from+20], []ledger.RecordLease{leaseOf("zhimai", ledger.LeaseToken(w+1))})
				if err != nil {
					t.Error(err)
				}
				returned[w] = append(returned[w], leased...)
			}
		})
	}
	group.Wait()
	sum := 0
	for w, rows := range returned {
		sum += len(rows)
		want(t, "rows of a worker", keysOf(rows), f.sending("zhimai", ledger.LeaseToken(w+1)))
	}
	want(t, "rows over all workers", sum, orders)
}
