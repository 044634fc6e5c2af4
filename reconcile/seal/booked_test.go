package seal_test

import (
	"strings"
	"testing"
)

// Rows that nothing lists decide who is sent what, and on which day it is booked: an edit of
// one is named, and what came late for a closed day is not.
func TestEditedBesideTheSealIsNamed(t *testing.T) {
	w := newWorld(t)
	w.threeOrders()
	w.paid("SO-4", 59300)
	w.tamper(`UPDATE operations SET business_date = business_date - 1, recorded_at = recorded_at - interval '1 hour'`)
	act := func(what string) {
		t.Helper()
		w.exec(`INSERT INTO period_acts (id, act, through, at, actor, reason, zone, db_user, action_id)
			SELECT 0, $1, (now() AT TIME ZONE 'Asia/Shanghai')::date - 1, now(), 'li', 'month end', 'Asia/Shanghai', '', 0`, what)
	}
	act("lock")
	act("close")
	w.exec(`CREATE TABLE copied AS SELECT * FROM operations WHERE business_key = 'SO-1'`)
	w.exec(`UPDATE copied SET id = 900, biz_id = repeat('x', 28), fact_key = gen_random_uuid(), recorded_at = now() + interval '1 hour'`)
	w.exec(`INSERT INTO operations OVERRIDING SYSTEM VALUE SELECT * FROM copied`) // late for a closed day
	misbooked := func() (said []string) {
		t.Helper()
		for _, f := range w.verify().Findings {
			if f.Check == "booked" || strings.Contains(f.What, "outbox would") {
				said = append(said, f.What)
			}
		}
		return said
	}
	if said := misbooked(); len(said) != 0 || one[int](w, `SELECT count(*) FROM late_entries`) != 1 {
		t.Fatalf("what came late: %q", said)
	}
	w.exec(`CREATE TABLE kinds AS SELECT * FROM operation_kinds`)
	w.exec(`CREATE TABLE entries_then AS SELECT * FROM late_entries`)
	back := []string{`UPDATE outbox SET resolved_member_id = NULL, target = 'zhimai'`, `DELETE FROM late_entries`, `INSERT INTO late_entries SELECT * FROM entries_then`,
		`UPDATE operation_kinds k SET leaves = o.leaves, enters = o.enters FROM kinds o WHERE o.kind = k.kind`}
	for says, attack := range map[string]string{
		"another member":              `UPDATE outbox SET resolved_member_id = '999'`,
		"to account kylin":            `UPDATE outbox SET target = 'kylin'`,
		"and no lock says so":         `INSERT INTO late_entries SELECT id, 'accepted', business_date, business_date + 40 FROM operations WHERE business_key = 'SO-2'`,
		"is booked later":             `DELETE FROM late_entries`,
		"from issued to frozen":       `UPDATE operation_kinds SET enters = 'frozen' WHERE kind = 'points_add'`,
		"on no day is booked on 2026": `INSERT INTO late_entries VALUES (77, 'ended', '2026-01-01', '2026-01-02')`,
	} {
		w.tamper(attack)
		if said := misbooked(); len(said) != 1 || !strings.Contains(said[0], says) {
			t.Errorf("%s: %q", says, said)
		}
		w.tamper(back...)
	}
	if said := misbooked(); len(said) != 0 {
		t.Errorf("put back: %q", said)
	}
}
