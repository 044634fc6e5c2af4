package main

import (
	"strings"
	"testing"
	"time"

	"pointsledger/vendorapi/sim"
)

// Settle looks first. What the vendor refused, or its records do not show, is
// settled only with --against-records, and the audit says so.
func TestSettleLooksFirst(t *testing.T) {
	t.Parallel()
	r := newReader(t, sim.Config{Zhimai: sim.ZhimaiConfig{Records: sim.RecordsConfig{EchoReason: true}}, Members: sim.MembersConfig{Frozen: []string{member}}})
	shown, missing, refused := r.record("SO-shown"), r.record("SO-missing"), r.record("SO-refused")
	for _, order := range []string{"SO-shown", "SO-missing", "SO-refused"} {
		r.set(order, "parked", "attempts_exhausted", time.Hour, true)
	}
	const attempt = `INSERT INTO attempts (operation_id, call, outcome, http_status, vendor_code, vendor_message, duration_ms)
		SELECT id, $2, $3, 200, $4, $5, 5 FROM operations WHERE business_key = $1`
	r.exec(attempt, "SO-refused", "points", "refused", "40301", "会员账号已冻结")
	r.exec(attempt, "SO-refused", "records", "unknown", "0", "操作成功")
	if err := r.vendor.InsertRow(member, int64(shown.Points), false, shown.Reason); err != nil {
		t.Fatal(err)
	}
	settle := func(code int, biz string, more ...string) string {
		t.Helper()
		return r.must(code, append([]string{"settle", biz, "--evidence", "their mail"}, more...)...)
	}
	yes := []string{"--reason", "asked", "--yes"}

	preview := settle(0, string(shown.BizID))
	contains(t, preview, "records a record shows it, with our reference and its points", "frozen")
	if strings.Contains(preview, "--against-records") {
		t.Errorf("what is shown wants --against-records:\n%s", preview)
	}
	settle(0, string(shown.BizID), yes...)

	contains(t, settle(0, string(missing.BizID)), "records it is not there", "careful", "--against-records")
	contains(t, settle(1, string(missing.BizID), yes...), "nothing was changed", "do not show it", "--against-records")
	contains(t, settle(0, string(refused.BizID)), "vendor said refused: HTTP 200, code 40301, 会员账号已冻结")
	contains(t, settle(1, string(refused.BizID), yes...), "the vendor refused it: HTTP 200, code 40301", "do not show it")
	if n := r.count(`SELECT count(*) FROM postings`); n != 1 {
		t.Fatalf("%d postings, want the one that is shown", n)
	}
	for _, biz := range []string{string(missing.BizID), string(refused.BizID)} {
		settle(0, biz, append(yes, "--against-records")...)
	}
	for sql, want := range map[string]int{
		`SELECT count(*) FROM ops_actions WHERE result LIKE 'posted by hand; records: shown; evidence: their mail'`:                                       1,
		`SELECT count(*) FROM ops_actions WHERE result LIKE 'posted by hand AGAINST what the vendor shows (%do not show it%evidence: their mail'`:         2,
		`SELECT count(*) FROM ops_actions WHERE result LIKE 'posted by hand AGAINST what the vendor shows (the vendor refused it: HTTP 200, code 40301%'`: 1,
	} {
		if n := r.count(sql); n != want {
			t.Errorf("%s: %d, want %d", sql, n, want)
		}
	}
}

// A vendor that is away speaks neither for a settlement nor against it; that
// nothing was read is kept.
func TestSettleWithoutRecords(t *testing.T) {
	t.Parallel()
	r := newReader(t, sim.Config{})
	op := r.record("SO-1")
	r.set("SO-1", "parked", "attempts_exhausted", time.Hour, true)
	r.stop()
	contains(t, r.must(0, "settle", string(op.BizID), "--evidence", "their mail"), "records not read: the vendor could not be reached")
	r.must(0, "settle", string(op.BizID), "--evidence", "their mail", "--reason", "asked", "--yes")
	if n := r.count(`SELECT count(*) FROM ops_actions WHERE result = 'posted by hand; records: unread; evidence: their mail'`); n != 1 {
		t.Error("the audit does not say that nothing was read")
	}
}
