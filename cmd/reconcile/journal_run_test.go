package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"pointsledger/reconcile/money"
)

// compared writes a comparison of November as it is kept, and returns its number.
func (c *journalConsole) compared(source, members, state string, failed int) (run int64) {
	c.t.Helper()
	if err := c.pool.QueryRow(c.t.Context(), `
INSERT INTO reconcile_runs (account, from_date, to_date, zone, from_at, until_at, source, members_asked, state, ended_at, members_failed, made_by)
VALUES ('zhimai', '2026-11-01', '2026-11-30', 'Asia/Shanghai', '2026-10-31T16:00:00Z', '2026-11-30T16:00:00Z', $1, $2, $3, CASE WHEN $3 = 'done' THEN now() END, $4, 'lin')
RETURNING id`, source, members, state, failed).Scan(&run); err != nil {
		c.t.Fatal(err)
	}
	return run
}

// shown gives a comparison a record, as it was made; how is what it found the record to be.
func (c *journalConsole) shown(run int64, points int, text, at, how string) {
	c.t.Helper()
	if err := pgx.BeginFunc(c.t.Context(), c.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(c.t.Context(), "SET LOCAL session_replication_role = replica"); err != nil {
			return err // an ended comparison takes no record
		}
		_, err := tx.Exec(c.t.Context(), `
WITH shown AS (
    INSERT INTO reconcile_records (run_id, account, member_id, points, text, at) VALUES ($1, 'zhimai', $2, $3, $4, NULLIF($5, '')::timestamptz) RETURNING id
)
INSERT INTO reconcile_matches (run_id, record_id, how) SELECT $1, id, $6 FROM shown`, run, member, points, text, at, how)
		return err
	}); err != nil {
		c.t.Fatal(err)
	}
}

// The records of a comparison tell what was redeemed, as far as the comparison read all of them.
func TestJournalFromAComparison(t *testing.T) {
	c := newJournalConsole(t, "reconcile_test_journal_run")
	path := c.file("values.yaml", values)
	c.sold("SO-1", member, "SH-01", "2026-11-20", 1000)
	run := c.compared("vendor", "all", "done", 0)
	c.shown(run, 1000, "订单SO-1", "2026-11-20T04:00:00Z", "reference")
	c.shown(run, -300, "兑换", "2026-11-24T16:30:00Z", "not_ours") // the 25th in Shanghai
	c.shown(run, -200, "退单", "2026-11-25T04:00:00Z", "proposed")
	c.shown(run, -50, "积分过期", "2026-11-26T04:00:00Z", "outside")
	c.shown(run, -9, "兑换", "2026-10-25T04:00:00Z", "outside") // before the comparison's days
	c.shown(run, 5, "手工赠送", "2026-11-25T04:00:00Z", "not_ours")
	_, made := c.journal("csv", "--values", path, "--run", fmt.Sprint(run), "--settlement", c.next())
	pool := made.Pools[0]
	if pool.RedeemedPoints != 300 || pool.ExpiredPoints != 50 || pool.Paid.Recognised != 275 || made.AccrualOnly || made.Records.Ours != 2 || made.Records.Given != 1 || made.Records.Ignored != 1 {
		t.Errorf("%+v, %+v", pool, made.Records)
	}
	if s := made.Settlement; len(s.Cells) != 1 || s.Cells[0] != (money.SettlementCell{Granted: "SH-01", Points: 300, Fen: 300}) || s.UnknownShop != 300 {
		t.Errorf("%+v", made.Settlement)
	}
	timeless := c.compared("file", "changed", "done", 0)
	c.shown(timeless, -300, "兑换", "", "not_ours")
	for _, u := range []struct {
		run  int64
		want string
	}{
		{c.compared("vendor", "changed", "done", 0), "it read some members only"},
		{c.compared("file", "list", "done", 0), "it read some members only"},
		{c.compared("none", "all", "done", 0), "it read no records"},
		{c.compared("vendor", "all", "reading", 0), "it has not ended"},
		{c.compared("vendor", "all", "done", 3), "the records of 3 members could not be read"},
		{timeless, "the vendor's records have no times"},
		{99, "comparison 99: there is no such comparison"},
	} {
		if out := c.must(2, "journal", "--format", "hledger", "--from", "2026-11-01", "--to", "2026-11-30", "--run", fmt.Sprint(u.run)); !strings.Contains(out, u.want) {
			t.Errorf("run %d: %s, want %s", u.run, out, u.want)
		}
	}
	if out := c.must(2, "journal", "--format", "hledger", "--from", "2026-11-01", "--to", "2026-12-01", "--run", fmt.Sprint(run)); !strings.Contains(out, "is of 2026-11-01 to 2026-11-30") {
		t.Error(out)
	}
}
