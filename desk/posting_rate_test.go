package desk_test

import (
	"fmt"
	"strings"
	"testing"

	"pointsledger/internal/testkit"
	"pointsledger/ledger"
)

// The rate is that of the last minute, by account, and what a person posted is
// not in it.
func TestPostingRates(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	rates := func() map[string]float64 {
		t.Helper()
		r, err := f.PostingRates(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	want(t, "nothing posted", len(rates()), 0)
	var many []ledger.Entry
	for i := range 400 {
		many = append(many, f.event(fmt.Sprintf("SO-%d", i)))
	}
	f.record(many...)
	post := func(from, to int, secondsAgo int, evidence string) {
		f.exec(`WITH gone AS (DELETE FROM outbox WHERE operation_id BETWEEN $1::integer AND $2::integer)
		        INSERT INTO postings (operation_id, kind, evidence, member_id, attempts, posted_at)
		        SELECT i, 'posted', $4, '42', 1, now() - $3::integer * interval '1 second' FROM generate_series($1::integer, $2::integer) AS i`,
			from, to, secondsAgo, evidence)
	}
	post(1, 100, 3600, "answered")
	want(t, "long ago", len(rates()), 0)
	post(101, 220, 30, "answered")
	post(221, 300, 20, "manual")
	if r := rates(); len(r) != 1 || r["zhimai"] != 2 {
		t.Errorf("120 in the last minute: %v", r)
	}
	// Only the end of the table is read.
	tx, err := f.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(t.Context())
	var plan string
	rows, err := tx.Query(t.Context(), `EXPLAIN `+testkit.Statements(t)["sqlPostingRates"], 512)
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		plan += line + "\n"
	}
	if !strings.Contains(plan, "Tid Range Scan on postings") {
		t.Errorf("the whole table is read:\n%s", plan)
	}
}
