package seal_test

import (
	"fmt"
	"testing"

	"pointsledger/reconcile/seal"
)

// A ledger that nobody has touched verifies, before anything is sealed and after.
func TestSoundLedger(t *testing.T) {
	w := newWorld(t)
	w.wantSound("empty")
	w.paid("SO-1", 59300)
	w.wantSound("not sealed")
	if done := w.seal(); done.Batches != 1 || done.Rows != 1 {
		t.Fatalf("sealed %+v", done)
	}
	w.posted()
	w.paid("SO-2", 100)
	if done := w.seal(); done.Rows != 2 || done.Head.Number != 2 {
		t.Fatalf("sealed %+v", done)
	}
	if done := w.seal(); done.Batches != 0 {
		t.Fatalf("sealed the same again: %+v", done)
	}
	w.wantSound("sealed")
	if r := w.verify(); r.Head.Number != 2 || r.Outside != r.Head || r.Unsealed != 0 || r.LedgerID == "" {
		t.Fatalf("got %+v", r)
	}
	// A sealer that ended between its batch and the head outside is made good by the next.
	w.paid("SO-3", 100)
	if _, err := seal.NewSealer(w.pool, nil, 0).Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r := w.verify(); r.Outside.Number != 2 || r.Head.Number != 3 || !r.OK {
		t.Fatalf("got %+v", r)
	}
	if done := w.seal(); done.Batches != 0 {
		t.Fatalf("sealed %+v", done)
	}
	if r := w.verify(); r.Outside != r.Head {
		t.Fatalf("got %+v", r)
	}
}

// Each attack is made on a ledger of three orders, sealed in three batches.
func (w *world) threeOrders() {
	w.t.Helper()
	for i := 1; i <= 3; i++ {
		w.paid(fmt.Sprintf("SO-%d", i), 59300)
		w.posted()
		w.seal()
	}
	w.wantSound("before")
}

// A grant that is raised from 593 to 5,930 is named, in the middle of the chain and at
// its end, and also when its open row is raised with it.
func TestRaisedGrantIsNamed(t *testing.T) {
	w := newWorld(t)
	w.threeOrders()
	first, last := w.operation("SO-1"), w.operation("SO-3")
	w.tamper(fmt.Sprintf(`UPDATE operations SET points = 5930 WHERE id IN (%d, %d)`, first, last))
	w.wantFound(seal.Edited, "operations", first)
	w.wantFound(seal.Edited, "operations", last)
	w.tamper(`UPDATE operations SET points = 593`)
	w.wantSound("put right")
	w.paid("SO-4", 59300)
	w.seal()
	open := w.operation("SO-4")
	w.tamper(fmt.Sprintf(`UPDATE operations SET points = 5930 WHERE id = %d`, open), fmt.Sprintf(`UPDATE outbox SET points = 5930 WHERE operation_id = %d`, open))
	w.wantFound(seal.Edited, "operations", open)
}

// A posting that is moved to another month, and one whose row goes with its order.
func TestBackDatedAndDeletedAreNamed(t *testing.T) {
	w := newWorld(t)
	w.threeOrders()
	second := w.operation("SO-2")
	w.tamper(fmt.Sprintf(`UPDATE postings SET posted_at = posted_at - interval '30 days' WHERE operation_id = %d`, second))
	w.wantFound(seal.Edited, "postings", second)
	w.tamper(fmt.Sprintf(`DELETE FROM postings WHERE operation_id = %d`, second), fmt.Sprintf(`DELETE FROM operations WHERE id = %d`, second))
	w.wantFound(seal.Removed, "operations", second)
	w.wantFound(seal.Removed, "postings", second)
}

// A row that is inserted by hand and says that it is older than what is sealed.
func TestInsertedByHandIsNamed(t *testing.T) {
	w := newWorld(t)
	w.threeOrders()
	w.tamper(`INSERT INTO operations OVERRIDING SYSTEM VALUE
SELECT (r).* FROM (SELECT json_populate_record(o, json_build_object('id', 900, 'biz_id', repeat('x', 28), 'fact_key', gen_random_uuid(), 'recorded_at', now() - interval '1 day')) AS r FROM operations o LIMIT 1) AS s`,
		`INSERT INTO postings (operation_id, kind, evidence, member_id, attempts, posted_at) VALUES (900, 'posted', 'answered', '1', 1, now() - interval '1 day')`)
	w.wantFound(seal.Inserted, "operations", 900)
	w.wantFound(seal.Inserted, "postings", 900)
	w.seal()
	w.wantFound(seal.Inserted, "operations", 900) // sealing does not make it good
}

// forge writes the seal anew for the rows as they are now, as somebody who knows how it
// is made would.
func (w *world) forge() {
	w.t.Helper()
	conn := w.auditor()
	for _, sql := range []string{
		`SET session_replication_role = replica`,
		`UPDATE seal_lists l SET digests = s.digests FROM (SELECT number, table_name, string_agg(now_is, '' ORDER BY id) AS digests FROM seal_rows_again GROUP BY 1, 2) s
		  WHERE s.number = l.number AND s.table_name = l.table_name`,
		`DO $$ DECLARE n bigint; BEGIN FOR n IN SELECT number FROM seal_batches ORDER BY number LOOP
			UPDATE seal_batches b SET previous = COALESCE((SELECT hash FROM seal_batches p WHERE p.number = n - 1), b.previous) WHERE number = n;
			UPDATE seal_batches b SET hash = a.hash FROM seal_batches_again a WHERE a.number = n AND b.number = n;
		END LOOP; END $$`,
		`RESET session_replication_role`,
	} {
		if _, err := conn.Exec(w.t.Context(), sql); err != nil {
			w.t.Fatalf("%s: %v", sql, err)
		}
	}
}

// Who edits a row and writes the seal anew from there on is caught by the head outside,
// and by nothing else in the seal.
func TestForgedSealDiffersFromTheHeadOutside(t *testing.T) {
	w := newWorld(t)
	w.threeOrders()
	w.tamper(fmt.Sprintf(`UPDATE operations SET reason = 'forged #' || reference WHERE id = %d`, w.operation("SO-2")))
	w.forge()
	r := w.wantFound(seal.HeadDiffers, "", 0)
	if len(r.Findings) != 1 {
		t.Errorf("the forgery is not whole, this test proves nothing: %+v", r.Findings)
	}
	// The next batch does not cover it up.
	w.paid("SO-4", 100)
	if done := w.seal(); done.Lost == nil || done.Lost.Number != 3 {
		t.Errorf("sealed %+v", done)
	}
	w.wantFound(seal.LostCommits, "", 0)
	// Without the head outside it is not seen, and that is said.
	v := seal.Verifier{Pool: w.pool, NoOutside: "no broker"}
	if r, err := v.Quick(t.Context()); err != nil || r.Complete {
		t.Errorf("got %+v, %v", r, err)
	}
}

// Who takes away the last batch, or edits one, is caught.
func TestSealItselfIsHeld(t *testing.T) {
	w := newWorld(t)
	w.threeOrders()
	for what, attack := range map[string][]string{
		"edited":          {`UPDATE seal_lists SET digests = overlay(digests PLACING '\x00'::bytea FROM 1) WHERE number = 2`},
		"time":            {`UPDATE seal_batches SET sealed_at = sealed_at - interval '1 second' WHERE number = 2`},
		"renumbered":      {`UPDATE seal_batches SET number = 7 WHERE number = 3`, `UPDATE seal_lists SET number = 7 WHERE number = 3`},
		"middle removed":  {`DELETE FROM seal_lists WHERE number = 2`, `DELETE FROM seal_batches WHERE number = 2`},
		"first removed":   {`DELETE FROM seal_lists WHERE number = 1`, `DELETE FROM seal_batches WHERE number = 1`},
		"a list is short": {`UPDATE seal_lists SET digests = '' WHERE number = 2`},
	} {
		w.exec(`CREATE TABLE kept_batches AS TABLE seal_batches`)
		w.exec(`CREATE TABLE kept_lists AS TABLE seal_lists`)
		w.tamper(attack...)
		t.Log(what)
		w.wantFound(seal.ChainBroken, "", 0)
		w.tamper(`DELETE FROM seal_lists`, `DELETE FROM seal_batches`, `INSERT INTO seal_batches TABLE kept_batches`, `INSERT INTO seal_lists TABLE kept_lists`)
		w.exec(`DROP TABLE kept_batches, kept_lists`)
		w.wantSound(what + ", put right")
	}
	w.tamper(`DELETE FROM seal_lists WHERE number = 3`, `DELETE FROM seal_batches WHERE number = 3`)
	w.wantFound(seal.LostCommits, "", 0)
}
