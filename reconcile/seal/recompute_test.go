package seal_test

import (
	"fmt"
	"strings"
	"testing"

	"pointsledger/reconcile/seal"
)

// What is edited before it is sealed is caught by recomputation: with nothing sealed at
// all, each of these is named.
func TestRecomputeWithoutASeal(t *testing.T) {
	w := newWorld(t)
	w.paid("SO-1", 59300)
	w.posted()
	w.refunded("SO-1", "R-1", 9300)
	w.posted()
	w.paid("SO-2", 59300) // open
	w.event("order.paid", "both", `{"orderId":"SO-4","member":{"customerId":"42","memberId":"7"},"channel":"pos","amountFen":5000,"pointsUsed":30}`)
	w.wantSound("before")
	first, open, both := w.operation("SO-1"), w.operation("SO-2"), w.operation("SO-4")
	refund := one[int64](w, `SELECT operation_id FROM reversals`)
	for _, c := range []struct {
		what, table string
		id          int64
		kind        string
		attack      []string
	}{
		{"a grant is raised with its open row", "operations", open, seal.Recomputed, []string{`UPDATE operations SET points = 5930 WHERE id = %d`, `UPDATE outbox SET points = 5930 WHERE operation_id = %d`}},
		{"its amount and data too", "operations", open, seal.Recomputed, []string{`UPDATE operations SET points = 5930, amount_fen = 593000, data = replace(data, '59300', '593000') , business_key = 'SO-9' WHERE id = %d`}},
		{"only the open row is raised", "operations", open, seal.NotTold, []string{`UPDATE outbox SET points = 5930 WHERE operation_id = %d`}},
		{"another member", "operations", first, seal.Recomputed, []string{`UPDATE operations SET member_id = '666' WHERE id = %d`}},
		{"another member's posting", "operations", first, seal.NotTold, []string{`UPDATE postings SET member_id = '666' WHERE operation_id = %d`}},
		{"a posting of more", "operations", first, seal.NotTold, []string{`UPDATE postings SET points = 5930 WHERE operation_id = %d`}},
		{"a posting before its grant", "operations", first, seal.TimesContradict, []string{`UPDATE postings SET posted_at = posted_at - interval '1 day', first_sent_at = NULL WHERE operation_id = %d`}},
		{"a posting before its call", "operations", first, seal.TimesContradict, []string{`UPDATE postings SET first_sent_at = first_sent_at + interval '1 hour' WHERE operation_id = %d`}},
		{"a posting before an attempt", "operations", first, seal.TimesContradict, []string{`INSERT INTO attempts (operation_id, outcome, duration_ms, at) VALUES (%d, 'unknown', 1, now() + interval '1 hour')`}},
		{"recorded before it was published", "operations", open, seal.TimesContradict, []string{`UPDATE operations SET recorded_at = recorded_at - interval '1 day' WHERE id = %d`}},
		{"another day", "operations", first, seal.Recomputed, []string{`UPDATE operations SET business_date = business_date - 1 WHERE id = %d`}},
		{"another shop", "operations", first, seal.Recomputed, []string{`UPDATE operations SET shop_code = 'S-9' WHERE id = %d`}},
		{"another key", "operations", first, seal.Recomputed, []string{`UPDATE operations SET biz_id = 'pa' || repeat('a', 26) WHERE id = %d`}},
		{"another reference", "operations", first, seal.Recomputed, []string{`UPDATE operations SET reference = '0000000000000' WHERE id = %d`}},
		{"another source type", "operations", first, seal.Recomputed, []string{`UPDATE operations SET source_type = 7 WHERE id = %d`}},
		{"less is taken back", "operations", refund, seal.Recomputed, []string{`UPDATE operations SET points = 1 WHERE id = %d`}},
		{"less is taken back, twice over", "reversals", refund, seal.Recomputed, []string{`UPDATE operations SET points = 1 WHERE id = %d`, `UPDATE reversals SET kept_after = kept_before - 1 WHERE operation_id = %d`}},
		{"a posting is gone", "operations", first, seal.NotTold, []string{`DELETE FROM postings WHERE operation_id = %d`}},
		{"an operation is gone", "postings", first, seal.NotTold, []string{`DELETE FROM operations WHERE id = %d`}},
		{"one of an event's two is gone", "operations", both, seal.Recomputed, []string{`DELETE FROM outbox WHERE operation_id = %d + 1`, `DELETE FROM operations WHERE id = %[1]d + 1`}},
		{"its rules are edited", "operations", first, seal.RulesMissing, []string{`UPDATE mappings SET text = replace(text, 'per: 100', 'per: 10') WHERE %d > 0`}},
	} {
		w.exec(`CREATE TABLE kept_operations AS TABLE operations`)
		for _, name := range []string{"postings", "outbox", "reversals", "mappings", "attempts"} {
			w.exec(fmt.Sprintf(`CREATE TABLE kept_%[1]s AS TABLE %[1]s`, name))
		}
		var attack []string
		for _, sql := range c.attack {
			attack = append(attack, fmt.Sprintf(sql, c.id))
		}
		w.tamper(attack...)
		t.Log(c.what)
		w.wantFound(c.kind, c.table, c.id)
		w.tamper(`DELETE FROM operations`, `INSERT INTO operations OVERRIDING SYSTEM VALUE TABLE kept_operations`, `DROP TABLE kept_operations`)
		for _, name := range []string{"postings", "outbox", "reversals", "mappings", "attempts"} {
			w.tamper(fmt.Sprintf(`DELETE FROM %s`, name), strings.ReplaceAll(`INSERT INTO X OVERRIDING SYSTEM VALUE TABLE kept_X`, "X", name), fmt.Sprintf(`DROP TABLE kept_%s`, name))
		}
	}
	w.wantSound("all put right")
	w.tamper(fmt.Sprintf(`UPDATE operations SET member_id = '13812345678' WHERE id = %d`, first))
	if r := w.wantFound(seal.Recomputed, "operations", first); strings.Contains(fmt.Sprintf("%+v", r.Findings), "13812345678") {
		t.Errorf("a mobile number is shown: %+v", r.Findings)
	}
}
