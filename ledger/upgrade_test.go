package ledger_test

import (
	"strings"
	"testing"
	"time"

	"pointsledger/internal/testkit"
	"pointsledger/internal/testkit/orders"
	"pointsledger/ledger"
	"pointsledger/ledger/database"
	"pointsledger/migrations"
)

// sqlOpenAsBefore makes an open row of an operation that has ended, as an
// operator's INSERT could before migration 19.
const sqlOpenAsBefore = `INSERT INTO outbox (operation_id, target) SELECT id, target FROM operations WHERE business_key = 'SO-2'`

// A ledger of before facts, controls, witness, corrections and shapes is brought
// up to date with rows of every kind in it: none is sent or counted again, and
// what is in doubt has what its look-up needs.
func TestUpgradeWithRows(t *testing.T) {
	t.Parallel()
	ctx, dsn := t.Context(), testkit.Postgres(t)
	pool, err := database.OpenWorkerPool(ctx, dsn, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{Store: ledger.New(pool), t: t, pool: pool}
	var entries []ledger.Entry
	for _, order := range []string{"SO-1", "SO-2", "SO-3", "SO-4", "SO-5", "SO-6", "SO-7"} {
		entries = append(entries, f.event(order))
	}
	must(f.Record(ctx, entries))
	const which = ` FROM operations o WHERE o.id = x.operation_id AND o.business_key = `
	for _, sql := range []string{
		`WITH gone AS (DELETE FROM outbox x USING operations o WHERE o.id = x.operation_id AND o.business_key IN ('SO-1', 'SO-2', 'SO-3') RETURNING o.id, o.business_key)
		 INSERT INTO postings (operation_id, kind, evidence, member_id, attempts, posted_at)
		 SELECT id, CASE business_key WHEN 'SO-3' THEN 'voided' ELSE 'posted' END, CASE business_key WHEN 'SO-3' THEN 'manual' ELSE 'answered' END, '100', 1, now() - interval '1 h' FROM gone`,
		`INSERT INTO attempts (operation_id, outcome, http_status, duration_ms) SELECT id, 'applied', 200, 3 FROM operations WHERE business_key = 'SO-3'`,
		`UPDATE outbox x SET in_doubt = true, first_sent_at = now() - interval '1 h', cause = 'unknown', attempts = 1` + which + `'SO-4'`,
		`UPDATE outbox x SET in_doubt = true, first_sent_at = now() - interval '1 h', cause = 'refused', attempts = 1, state = 'parked'` + which + `'SO-5'`,
		`UPDATE outbox x SET state = 'sending', first_sent_at = now() - interval '1 h', lease_token = 9, lease_until = now() - interval '50 min'` + which + `'SO-6'`,
	} {
		f.exec(sql)
	}
	pool.Close()
	for back := []string{""}; !strings.Contains(back[0], "00016"); {
		if back, err = migrations.Down(ctx, dsn, false); err != nil || len(back) != 1 {
			t.Fatal(back, err)
		}
	}
	if pool, err = database.OpenWorkerPool(ctx, dsn, 0); err != nil {
		t.Fatal(err)
	}
	f.pool = pool
	f.exec(sqlOpenAsBefore)
	pool.Close()
	if err := migrations.Up(ctx, dsn); err != nil {
		t.Fatal(err)
	}
	if pool, err = database.OpenWorkerPool(ctx, dsn, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	f.Store, f.pool = ledger.New(pool), pool

	want(t, "facts without a key", one[int](f, `SELECT count(*) FROM operations WHERE fact_key IS NULL`), 7)
	want(t, "open rows of what has ended", one[int](f, `SELECT count(*) FROM outbox x JOIN postings p USING (operation_id)`), 0)
	want(t, "the stray named", one[int](f, `SELECT count(*) FROM attempts WHERE error LIKE 'stray%'`), 1)
	want(t, "applied after a void", one[int](f, `SELECT count(*) FROM corrections`), 1)
	want(t, "doubt without its time", one[int](f, `SELECT count(*) FROM outbox WHERE in_doubt AND quiet_since IS NULL`), 0)
	want(t, "sum of the entries", one[int](f, `SELECT COALESCE(sum(points), 0)::bigint FROM entries`), 0)
	for _, again := range [][]ledger.Entry{entries, entries[:1]} { // with a look-up, and a small batch
		for i, v := range must(f.Record(ctx, again)) {
			if v.Kind != ledger.Duplicate || !v.Redelivered {
				t.Errorf("%s again: %+v", again[i].Event.Operations[0].BusinessKey, v)
			}
		}
	}
	other := entries[0]
	event := *other.Event
	event.Content = `{"amountFen":20000,"orderId":"SO-1"}`
	other.Event, other.Message.Seq = &event, 99
	if v := must(f.Record(ctx, []ledger.Entry{other})); v[0].Kind != ledger.Rejected || v[0].Rejection.Code != ledger.Conflict {
		t.Errorf("other content: %+v", v[0])
	}
	leases := must(f.Leases(ctx, "zhimai"))
	var dead []ledger.LeaseSeen
	for l := range leases {
		dead = append(dead, l)
	}
	want(t, "rescued", must(f.Rescue(ctx, "zhimai", dead, 10, 0)), 1)
	claimed := must(f.Claim(ctx, ledger.Claim{Account: "zhimai", Token: 3, Limit: 10, Lease: time.Minute, KeyMemory: 24 * time.Hour}))
	want(t, "claimed", len(claimed), 3)
	for i := range claimed {
		c := &claimed[i]
		if doubt := c.BusinessKey != "SO-7"; c.InDoubt != doubt || c.QuietSince.IsZero() == doubt || c.PutBack || c.Lack != "" {
			t.Errorf("claimed %+v", c)
		}
	}
	for _, o := range must(f.IssuedTo(ctx, "zhimai", claimed[0].MemberID)) {
		if o.Confirmed && (o.SentAt.IsZero() || o.SentAt.After(orders.Epoch.Add(time.Second))) {
			t.Errorf("issued %+v: a posting of before began no later than its event", o)
		}
	}
}
