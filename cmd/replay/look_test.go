package main

import (
	"encoding/csv"
	"fmt"
	"strings"
	"testing"
	"time"

	"pointsledger/desk/overview"
	"pointsledger/internal/terminal"
	"pointsledger/ledger"
)

func TestStatus(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	contains(t, c.must(0, "status"), "zhimai", "kylin", "Nothing is parked and nothing is late")

	c.record("SO-1")
	c.park("refused", time.Minute, true)
	c.exec(`INSERT INTO attempts (operation_id, outcome, vendor_code, vendor_message, duration_ms)
	        SELECT id, 'refused', '40301', '会员 13812345678 已冻结' || chr(27) || '[2J', 1 FROM operations`)
	c.record("SO-2")
	c.exec(`UPDATE outbox SET next_attempt_at = now() - interval '2 minutes' WHERE state = 'pending'`)
	c.exec(`INSERT INTO rejects (stream, stream_created, stream_seq, subject, broker_time, headers, payload, reason_code, reason)
	        SELECT 'POINTS', now(), i, 's', now(), '', '', 'bad_type', 'r' FROM generate_series(1, 1234) AS i`)
	out := c.must(0, "status")
	contains(t, out, "refused 40301 1 1 0s 会员 138****5678 已冻结", "bad_type   1,234", "1 operation due for more than a minute",
		"replay list --account zhimai --cause refused", "replay rejects list", "DRAINS IN", "kylin has never confirmed a call")
	if strings.ContainsRune(out, 27) || strings.Contains(out, "13812345678") {
		t.Errorf("the vendor's words are shown raw: %q", out)
	}
	var report overview.Report
	c.json(&report, "status")
	zhimai := report.Accounts[0]
	if zhimai.Account != "zhimai" || zhimai.Parked != 1 || zhimai.Waiting != 1 || zhimai.InDoubt != 1 || zhimai.Late != 1 ||
		len(zhimai.Causes) != 1 || zhimai.OldestAt == nil || len(report.Accounts) != 2 || report.Rejects[0].Count != 1234 {
		t.Errorf("report %+v", report)
	}
}

// A list never stops silently: following the cursor shows every operation once.
func TestListPages(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	for i := range 5 {
		c.record(fmt.Sprintf("SO-%d", i))
	}
	c.park("refused", 0, false)
	var page overview.Listing
	var orders []string
	after := "0"
	for range 3 {
		page = overview.Listing{}
		c.json(&page, "list", "--limit", "2", "--after", after)
		for _, o := range page.Operations {
			orders = append(orders, o.BusinessKey)
		}
		after = page.After
		if page.Total != 5 {
			t.Errorf("total %d", page.Total)
		}
	}
	if got := strings.Join(orders, " "); got != "SO-0 SO-1 SO-2 SO-3 SO-4" || page.More || page.After != "" {
		t.Errorf("pages: %s, more %v, after %q", got, page.More, page.After)
	}
	contains(t, c.must(0, "list", "--limit", "2"), "this page has 2 of 5", "--after ")
	contains(t, c.must(0, "list"), "5 operations in all")
	contains(t, c.must(0, "list", "--after", "99"), "No further parked operation fits; 5 did before")
	contains(t, c.must(0, "list", "--cause", "throttled"), "No parked operation fits")
	contains(t, c.must(0, "list", "--state", "all", "--member", member), "parked refused")
	_, out, errOut := c.run("list", "--csv", "--limit", "2")
	contains(t, errOut, "this page has 2 of 5")
	if strings.Contains(out, "this page") {
		t.Errorf("the CSV holds a sentence: %s", out)
	}
	for _, args := range [][]string{{"--limit", "0"}, {"--limit", "10001"}, {"--after", "-1"}, {"--state", "posted"}, {"--state", ""}, {"--json", "--csv"}, {"--until", "-3h"}} {
		c.must(2, append([]string{"list"}, args...)...)
	}
}

func TestListHidesMobilesAndFormulas(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.record("13800001111/2026-11-20", func(o *ledger.Operation) { o.MemberID = "13800001111" })
	c.record(`=HYPERLINK("x")`, func(o *ledger.Operation) { o.MemberID, o.MemberCode = "", "13900002222" })
	c.record("13700003333") // an order number: it stays
	c.park("refused", 0, false)
	for _, format := range []string{"--json", "--csv", "--in-doubt=false"} {
		_, out, _ := c.run("list", format)
		contains(t, out, "138****1111", "139****2222", "13700003333")
		if strings.Contains(out, "13800001111") || strings.Contains(out, "13900002222") {
			t.Errorf("%s shows a mobile number: %s", format, out)
		}
		if format == "--csv" {
			records, err := csv.NewReader(strings.NewReader(out)).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			if got := records[2][10]; got != `'=HYPERLINK("x")` {
				t.Errorf("cell %q", got)
			}
		}
	}
}

func TestShow(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.resend()
	op := c.record("SO-1", func(o *ledger.Operation) { o.Points, o.ShopCode = 1290, "S7" })
	c.record("SO-1", func(o *ledger.Operation) {
		o.Account, o.Kind, o.SourceType, o.PointsChannel = "kylin", ledger.FreezePoint, 0, 0
	})
	for text, words := range map[string][]string{
		"SO-1":                              {"Operation 1: grant 1,290 points", "Operation 2: freeze 100 points", "freeze_point at account kylin"},
		"1":                                 {"Operation 1"},
		string(op.BizID):                    {"points_add at account zhimai", op.Reason, "sourceType 1, pointsChannel 3"},
		"#" + strings.ToLower(op.Reference): {"waiting, due now, after 0 attempts", "a worker sends it by itself"},
		" " + op.Reference + "\t":           {"order.paid, id e1, from shop-sh", `{"orderId":"SO-1"}`},
	} {
		contains(t, c.must(0, "show", text), words...)
	}
	contains(t, c.must(1, "show", "SO-9"), "no operation has")
	contains(t, c.must(1, "show", op.Reference[:12]+"U"), "typing error")
	c.must(2, "show")
	c.must(2, "show", " # ")

	c.park("key_memory_over", 48*time.Hour, true)
	contains(t, c.must(0, "show", "1"), "in doubt", "It stays parked", "Ask the vendor whether it has applied the key "+string(op.BizID))
	c.exec(`INSERT INTO attempts (operation_id, outcome, http_status, error, duration_ms) SELECT 1, 'unknown', 500, 'try ' || i, 5 FROM generate_series(1, 103) AS i`)
	out := c.must(0, "show", "1")
	contains(t, out, "3 earlier attempts not shown", "HTTP 500; try 4 (5 ms)", "try 103")
	if strings.Contains(out, "try 3 ") {
		t.Error("more attempts are shown than said")
	}
	c.exec(`WITH gone AS (DELETE FROM outbox WHERE operation_id = 1)
	        INSERT INTO postings (operation_id, kind, evidence, member_id, attempts) VALUES (1, 'posted', 'already_applied', $1, 2)`, member)
	contains(t, c.must(0, "show", "1"), "posted, after 2 attempts", "had applied this key before", "Nothing: the vendor has applied it")
	var shown overview.Found
	c.json(&shown, "show", "SO-1")
	if len(shown.Operations) != 2 || shown.Operations[0].Posting == nil || shown.Operations[1].Open == nil || shown.More {
		t.Errorf("shown %+v", shown)
	}
}

// What somebody did before is part of the story.
func TestShowTellsEarlierReplays(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.record("SO-1")
	c.park("refused", 0, false)
	c.answered(1, 1, "refused", 200, "40301", "frozen")
	if out := c.must(0, "show", "SO-1"); strings.Contains(out, "put back ") || strings.Contains(out, "in all") {
		t.Errorf("a replay is shown that nobody made: %s", out)
	}
	contains(t, c.must(0, "run", "--order", "SO-1", "--operator", "lin", "--reason", "member unfrozen, says 13812345678", "--yes"),
		`recorded as action 1 in ops_actions: lin, "member unfrozen, says 138****5678" (replay log); its end as action 2`)
	contains(t, c.must(0, "show", "SO-1"), "waiting, due now, after 0 attempts since the last replay, 1 in all")
	c.exec(`UPDATE outbox SET state = 'parked', cause = 'refused', attempts = 1`)
	c.answered(1, 1, "refused", 200, "40302", "still frozen")
	out := c.must(0, "show", "SO-1")
	contains(t, out, "parked after 1 attempt since the last replay, 2 in all",
		`put back by lin: "member unfrozen, says 138****5678" (action 1)`)
	first, put, second := strings.Index(out, "40301"), strings.Index(out, "put back by"), strings.Index(out, "40302")
	if first > put || put > second {
		t.Errorf("not in order of time: %s", out)
	}
	var shown overview.Found
	c.json(&shown, "show", "SO-1")
	if actions := shown.Operations[0].Acts; len(actions) != 1 || actions[0].ID != 1 || actions[0].Actor != "lin" {
		t.Errorf("actions %+v", actions)
	}
}

// A number may be an order's and the id of another operation.
func TestShowTellsOrderFromID(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	for _, order := range []string{"SO-1", "SO-2", "SO-3", "2"} {
		c.record(order)
	}
	c.record("2", func(o *ledger.Operation) {
		o.Account, o.Kind, o.SourceType, o.PointsChannel = "kylin", ledger.FreezePoint, 0, 0
	})
	out := c.must(0, "show", "2")
	if !strings.HasPrefix(out, "2 is the order number of 2 operations, and the id of another.\n") {
		t.Errorf("no head line: %s", out)
	}
	four, five, two := strings.Index(out, "Operation 4:"), strings.Index(out, "Operation 5:"), strings.Index(out, "Operation 2:")
	if four < 0 || five < four || two < five {
		t.Errorf("order numbers do not come first: %s", out)
	}
	if out := c.must(0, "show", "3"); !strings.HasPrefix(out, "Operation 3:") {
		t.Errorf("one meaning needs no head line: %s", out)
	}
}

func TestHelpFitsThePage(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	for _, args := range [][]string{{}, {"status"}, {"list"}, {"show"}, {"run"}, {"void"}, {"settle"}, {"resolve"}, {"pause"}, {"resume"}, {"log"}} {
		for line := range strings.Lines(c.must(0, append(args, "--help")...)) {
			if w := terminal.Width(strings.TrimRight(line, "\n")); w > terminal.PageWidth {
				t.Errorf("help of %v: a line has %d cells: %s", args, w, line)
			}
		}
	}
	contains(t, c.must(0, "--version"), "replay version ")
}
