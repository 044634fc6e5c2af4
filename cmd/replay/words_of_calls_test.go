package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// A parked row showed "0 操作成功", the envelope of a reading of its member's
// records, although the points call had never been answered: an invitation to
// settle points that never arrived. Words belong to the call they answered, also
// in rows from before the call was kept.
func TestWordsBelongToTheirCall(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	const attempt = `INSERT INTO attempts (operation_id, call, outcome, http_status, vendor_code, vendor_message, error, duration_ms)
		SELECT id, NULLIF($2, ''), $3, NULLIF($4, 0), NULLIF($5, ''), NULLIF($6, ''), NULLIF($7, ''), 5 FROM operations WHERE business_key = $1`
	const unread = "verification: the records could not be read: parse records: item_list is missing"
	for _, order := range []string{"SO-new", "SO-old"} {
		c.record(order)
		c.park("attempts_exhausted", time.Minute, true)
		call := map[string]string{"SO-new": "points", "SO-old": ""}[order]
		c.exec(attempt, order, call, "unknown", 0, "", "", "call vendor: connection reset by peer")
		call = map[string]string{"SO-new": "records", "SO-old": ""}[order]
		c.exec(attempt, order, call, "unknown", 200, "0", "操作成功", unread)
	}
	c.record("SO-refused")
	c.park("refused", time.Minute, true)
	c.exec(attempt, "SO-refused", "points", "refused", 200, "40301", "会员账号已冻结", "")
	c.exec(attempt, "SO-refused", "records", "refused", 200, "40401", "会员不存在", "verification: the records could not be read")
	c.record("SO-code")
	c.park("member_unresolved", 0, false)
	c.exec(attempt, "SO-code", "identity", "refused", 200, "40401", "查询的信息不存在", "")

	list := c.must(0, "list")
	contains(t, list, "(call vendor:", "40301 会员", "identity: 40")
	if strings.Contains(list, "操作成功") || strings.Contains(list, "会员不存在") {
		t.Errorf("list quotes the reading of records as the vendor's word about points:\n%s", list)
	}
	status := c.must(0, "status")
	contains(t, status, "(call vendor: connection", "40301", "identity: 查询的信息不存在")
	if strings.Contains(status, "操作成功") || strings.Contains(status, "会员不存在") {
		t.Errorf("status quotes the reading of records:\n%s", status)
	}
	var page struct {
		Operations []struct {
			Order   string `json:"business_key"`
			Call    string `json:"last_call"`
			Outcome string `json:"last_outcome"`
			Code    string `json:"vendor_code"`
			Words   string `json:"vendor_message"`
			Error   string `json:"error"`
		} `json:"operations"`
	}
	if err := json.Unmarshal([]byte(c.must(0, "list", "--json")), &page); err != nil {
		t.Fatal(err)
	}
	for _, o := range page.Operations[:2] {
		if o.Call != "points" || o.Outcome != "unknown" || o.Code != "" || o.Words != "" || !strings.Contains(o.Error, "reset") {
			t.Errorf("%+v", o)
		}
	}
	for _, order := range []string{"SO-new", "SO-old"} {
		contains(t, c.must(0, "show", order), "unknown; call vendor: connection reset by peer",
			"reading the member's records: unknown: HTTP 200, code 0, 操作成功; verification:")
	}
	contains(t, c.must(0, "show", "SO-code"), "asking who the member is: refused: HTTP 200, code 40401")
	// A filter by the vendor's code means the points call, too.
	contains(t, c.must(0, "list", "--code", "40301"), "SO-refused")
	contains(t, c.must(0, "list", "--code", "none"), "SO-new", "SO-old")
	if out := c.must(0, "list", "--code", "0"); strings.Contains(out, "SO-") {
		t.Errorf("--code 0 chooses by the reading of records:\n%s", out)
	}
}

// What a posting rests on is not called the vendor's word when it is ours.
func TestPostingsSayWhoseWordsTheyKeep(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	for order, evidence := range map[string]string{"SO-answered": "answered", "SO-verified": "verified", "SO-manual": "manual"} {
		c.record(order)
		c.exec(`WITH gone AS (DELETE FROM outbox WHERE operation_id = (SELECT id FROM operations WHERE business_key = $1) RETURNING operation_id)
			INSERT INTO postings (operation_id, kind, evidence, member_id, attempts, vendor_message)
			SELECT operation_id, 'posted', $2, '7', 1, 'words of ' || $2 FROM gone`, order, evidence)
	}
	contains(t, c.must(0, "show", "SO-answered"), "vendor said", "words of answered")
	for _, order := range []string{"SO-verified", "SO-manual"} {
		if out := c.must(0, "show", order); strings.Contains(out, "vendor said") || !strings.Contains(out, "rests on") {
			t.Errorf("%s:\n%s", order, out)
		}
	}
}
