package seal_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
)

// auditor is a session that works the seal out by the statements of testdata alone.
func (w *world) auditor() *pgxpool.Conn {
	w.t.Helper()
	conn, err := w.pool.Acquire(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(conn.Release)
	text, err := os.ReadFile("testdata/recompute.sql")
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := conn.Exec(w.t.Context(), string(text)); err != nil {
		w.t.Fatal(err)
	}
	return conn
}

func count(t *testing.T, conn *pgxpool.Conn, sql string) (n int) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), sql).Scan(&n); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return n
}

// everyKind records, posts, refunds, voids, corrects and acts.
func (w *world) everyKind() {
	w.t.Helper()
	w.paid("SO-1", 59300)
	w.refunded("SO-1", "R-1", 9300) // before it was sent: netted
	w.seal()
	w.posted()
	w.refunded("SO-1", "R-2", 10000)
	w.paid("SO-2", 12300)
	w.event("order.paid", "anonymous", `{"orderId":"SO-3","member":null,"channel":"pos","amountFen":100}`)
	w.event("member.checked_in", "in", `{"member":{"customerId":"42"},"channel":"wechat","date":"`+today()+`"}`)
	w.event("review.posted", "review", `{"reviewId":"RV-\"1\"","member":{"customerId":"42"},"channel":"pos","hasPhoto":true,"shopCode":"分店"}`)
	w.exec(`INSERT INTO ops_actions (actor, action, filter, reason, set_size, result) VALUES ('li', 'void', '--key SO-2', 'twice', 1, 'done')`)
	w.exec(`WITH gone AS (DELETE FROM outbox WHERE operation_id = $1 RETURNING operation_id)
INSERT INTO postings (operation_id, kind, evidence, attempts) SELECT operation_id, 'voided', 'manual', 0 FROM gone`, w.operation("SO-2"))
	w.exec(`INSERT INTO corrections (operation_id, kind, evidence, member_id) VALUES ($1, 'applied_after_void', 'verified', '383933091455959041')`, w.operation("SO-2"))
	w.seal()
	w.wantSound("every kind")
}

// Postgres alone, by statements that share no code with the sealer, comes to the same
// digests and hashes, whatever the session's zone and style of dates are.
func TestSQLComesToTheSameSeal(t *testing.T) {
	w := newWorld(t)
	w.everyKind()
	conn := w.auditor()
	for _, setting := range []string{`SET timezone = 'America/St_Johns'`, `SET datestyle = 'German'`, `SET extra_float_digits = -15`, `SET bytea_output = 'escape'`} {
		if _, err := conn.Exec(t.Context(), setting); err != nil {
			t.Fatal(err)
		}
	}
	if n := count(t, conn, `SELECT count(*) FROM seal_batches_again WHERE hash_agrees AND follows`); n != 2 {
		t.Errorf("%d of 2 batches agree", n)
	}
	if n := count(t, conn, `SELECT count(*) FROM seal_rows_again WHERE now_is IS DISTINCT FROM sealed_as`); n != 0 {
		t.Errorf("%d rows do not agree", n)
	}
	if n := count(t, conn, `SELECT count(DISTINCT table_name) FROM seal_rows_again`); n != 4 {
		t.Errorf("%d of 4 tables are covered", n)
	}
	w.tamper(fmt.Sprintf(`UPDATE reversals SET kept_after = kept_after + 1 WHERE origin_id = %d AND netted`, w.operation("SO-1")))
	if n := count(t, conn, `SELECT count(*) FROM seal_rows_again WHERE now_is IS DISTINCT FROM sealed_as`); n != 1 {
		t.Errorf("%d rows differ after one was edited", n)
	}
	w.wantFound("edited", "operations", 0)
}
