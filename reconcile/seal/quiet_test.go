package seal_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"pointsledger/reconcile/seal"
)

// A row whose transaction began before a batch and committed after it is listed by the
// next one, although its id is among those that are listed.
func TestLateCommitsAreSealed(t *testing.T) {
	w := newWorld(t)
	w.paid("SO-1", 100)
	tx, err := w.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	if _, err := tx.Exec(t.Context(), `INSERT INTO ops_actions (actor, action, filter, reason, set_size, result) VALUES ('li', 'pause', '', 'late', 1, '')`); err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `WITH gone AS (DELETE FROM outbox RETURNING operation_id)
INSERT INTO postings (operation_id, kind, evidence, member_id, attempts) SELECT operation_id, 'posted', 'answered', '383933091455959041', 1 FROM gone`); err != nil {
		t.Fatal(err)
	}
	w.exec(`INSERT INTO ops_actions (actor, action, filter, reason, set_size, result) VALUES ('li', 'pause', '', 'first', 1, '')`)
	if done := w.seal(); done.Rows != 2 {
		t.Fatalf("sealed %+v", done)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.wantSound("before it is sealed")
	if done := w.seal(); done.Rows != 2 {
		t.Fatalf("sealed %+v, want the act and the posting that came late", done)
	}
	w.wantSound("after")
}

// Many sealers beside writers list each row once, in one chain.
func TestSealersBesideWriters(t *testing.T) {
	w := newWorld(t)
	var group sync.WaitGroup
	stop := make(chan struct{})
	for range 3 {
		group.Go(func() {
			s := w.sealer()
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := s.Seal(context.Background()); err != nil {
					t.Errorf("seal: %v", err)
					return
				}
			}
		})
	}
	for i := range 40 {
		w.paid(fmt.Sprintf("SO-%d", i), 100*(1+rand.IntN(50)))
		if i%7 == 3 {
			w.posted()
		}
	}
	close(stop)
	group.Wait()
	w.posted()
	w.seal()
	w.wantSound("after")
	rows := one[int](w, `SELECT count(*) FROM operations`) + one[int](w, `SELECT count(*) FROM postings`)
	if listed := one[int](w, `SELECT sum(octet_length(digests)) / 16 FROM seal_lists`); listed != rows {
		t.Errorf("%d rows are listed, %d are there", listed, rows)
	}
}

// A ledger that was not sealed from its beginning is sealed whole, however old it is.
func TestOldLedgerIsSealedWhole(t *testing.T) {
	w := newWorld(t)
	w.everyRowIs("30 days")
	if done := w.seal(); done.Rows != 4 {
		t.Fatalf("sealed %+v", done)
	}
	w.wantSound("sealed")
}

// everyRowIs records two orders and makes them so old.
func (w *world) everyRowIs(old string) {
	w.t.Helper()
	w.paid("SO-1", 100)
	w.paid("SO-2", 200)
	w.posted()
	w.tamper(fmt.Sprintf(`UPDATE operations SET recorded_at = recorded_at - interval '%[1]s', broker_time = broker_time - interval '%[1]s', event_time = event_time - interval '%[1]s',
		business_date = ((event_time - interval '%[1]s') AT TIME ZONE 'Asia/Shanghai')::date`, old),
		fmt.Sprintf(`UPDATE postings SET posted_at = posted_at - interval '%[1]s', first_sent_at = first_sent_at - interval '%[1]s'`, old))
}

// A database that went back to an earlier state says that commits were lost, seals on
// above the numbers that were used, and a person covers it; it stays shown.
func TestRolledBackDatabase(t *testing.T) {
	w := newWorld(t)
	w.threeOrders()
	for i := 4; i <= 6; i++ {
		w.paid(fmt.Sprintf("SO-%d", i), 100)
		w.seal()
	}
	// The newest commits are gone, and the events come again, under higher ids.
	w.tamper(`DELETE FROM seal_lists WHERE number > 3`, `DELETE FROM seal_batches WHERE number > 3`, `DELETE FROM outbox`, `DELETE FROM operations WHERE points = 1`)
	r := w.wantFound(seal.LostCommits, "", 0)
	if len(r.Findings) != 1 || r.Outside.Number != 6 || r.Head.Number != 3 {
		t.Fatalf("got %+v", r)
	}
	w.exec(`SELECT setval('operations_id_seq', (SELECT last_value + 1000 FROM operations_id_seq))`)
	for i := 4; i <= 6; i++ {
		w.paid(fmt.Sprintf("SO-%d", i), 100)
	}
	if done := w.seal(); done.Lost == nil || done.Lost.Number != 6 || done.Head.Number != 7 {
		t.Fatalf("sealed %+v", done)
	}
	r = w.wantFound(seal.LostCommits, "", 0)
	if len(r.Findings) != 1 {
		t.Fatalf("found %+v", r.Findings)
	}
	w.cover(r)
	w.wantSound("covered")
	if r := w.verify(); len(r.Covered) != 1 || r.Covered[0].Reason != "looked into" || r.Covered[0].Actor != "li" {
		t.Errorf("covered %+v", r.Covered)
	}
	w.paid("SO-7", 100)
	w.seal()
	w.wantSound("sealed on")
}

// The database goes back while a sealer is under way, which had read the head outside
// before: it does not put its own over the one that was lost.
func TestRolledBackUnderASealer(t *testing.T) {
	w := newWorld(t)
	w.threeOrders()
	w.paid("SO-4", 100)
	w.outside.read = func() {
		w.seal() // batch 4, which is lost
		w.tamper(`DELETE FROM seal_lists WHERE number > 3`, `DELETE FROM seal_batches WHERE number > 3`)
		if _, err := seal.NewSealer(w.pool, nil, 0).Seal(t.Context()); err != nil { // another 4
			t.Error(err)
		}
		w.paid("SO-5", 100)
	}
	if done := w.seal(); done.Lost != nil || done.Head.Number != 5 {
		t.Fatalf("sealed %+v", done)
	}
	w.wantFound(seal.HeadDiffers, "", 0)
	w.paid("SO-6", 100)
	if done := w.seal(); done.Lost == nil || done.Lost.Number != 4 || done.Head.Number != 6 {
		t.Fatalf("sealed %+v", done)
	}
	if r := w.wantFound(seal.LostCommits, "", 0); r.Outside != r.Head {
		t.Errorf("the head outside is %+v, the database's %+v", r.Outside, r.Head)
	}
}

func (w *world) cover(r seal.Result) {
	w.t.Helper()
	if _, err := seal.Cover(w.t.Context(), w.pool, "li", "looked into", r.Coverable()); err != nil {
		w.t.Fatal(err)
	}
}

// A row that came late is covered as it is: edited later, it is named again.
func TestCoverHoldsForTheRowAsItIs(t *testing.T) {
	w := newWorld(t)
	w.threeOrders()
	w.tamper(`INSERT INTO ops_actions (actor, action, filter, reason, set_size, result, at) VALUES ('wang', 'pause', '', 'restored by hand', 1, '', now() - interval '2 days')`)
	r := w.wantFound(seal.Inserted, "ops_actions", 0)
	w.cover(r)
	w.wantSound("covered")
	w.tamper(`UPDATE ops_actions SET reason = 'another' WHERE actor = 'wang'`)
	w.wantFound(seal.Inserted, "ops_actions", 0)
	// A contradiction that was looked into can be, when it is named; it is by what it says.
	w.tamper(fmt.Sprintf(`INSERT INTO attempts (operation_id, outcome, duration_ms, at) VALUES (%d, 'unknown', 1, now() + interval '1 hour')`, w.operation("SO-1")))
	r = w.wantFound(seal.TimesContradict, "operations", w.operation("SO-1"))
	w.cover(r)
	w.wantFound(seal.TimesContradict, "operations", w.operation("SO-1"))
	if _, err := seal.Cover(t.Context(), w.pool, "li", "the clock was set back", r.Coverable(seal.TimesContradict)); err != nil {
		t.Fatal(err)
	}
	w.wantSound("covered again")
	if r = w.verify(); len(r.Covered) != 2 {
		t.Errorf("covered: %+v", r.Covered)
	}
	// What was edited cannot be covered.
	w.tamper(`UPDATE postings SET attempts = 9`)
	r = w.verify()
	if _, err := seal.Cover(t.Context(), w.pool, "li", "looked into", r.Coverable(seal.Edited)); err != seal.ErrNothingToCover {
		t.Errorf("covered an edited row: %v", err)
	}
}

// What no event of the ledger does is taken for tampering.
func TestLifeOfALedgerVerifies(t *testing.T) {
	w := newWorld(t)
	w.everyKind()
	w.exec(`UPDATE outbox SET waits_for = NULL`)
	w.posted()
	w.refunded("SO-1", "R-3", 40000)
	w.event("order.cancelled", "C-1", `{"orderId":"SO-1","member":{"customerId":"383933091455959041"},"channel":"pos"}`)
	w.refunded("SO-2", "R-4", 12300)
	w.seal()
	w.wantSound("refunded and cancelled")
	// Without the head outside, and while it cannot be reached, sealing goes on.
	w.outside.err = context.DeadlineExceeded
	w.paid("SO-8", 100)
	if done := w.seal(); done.Outside == nil || done.Batches != 1 {
		t.Errorf("sealed %+v", done)
	}
	if r := w.verify(); !r.OK || r.Complete {
		t.Errorf("a head that cannot be read: ok %v, complete %v", r.OK, r.Complete)
	}
	w.outside.err = nil
	w.wantSound("the head outside is behind")
	w.paid("SO-9", 100)
	w.seal()
	if r := w.verify(); r.Outside != r.Head {
		t.Errorf("the head outside is %+v, the database's %+v", r.Outside, r.Head)
	}
}
