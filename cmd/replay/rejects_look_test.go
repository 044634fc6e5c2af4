package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"pointsledger/desk/rejects"
	"pointsledger/internal/command"
	"pointsledger/internal/terminal"
	"pointsledger/internal/testkit"
	"pointsledger/ledger"
)

func TestRejectsListFilters(t *testing.T) {
	t.Parallel()
	c := newRejectsConsole(t)
	contains(t, c.must(0, "rejects", "list"), "No open reject fits")
	c.upgrade(4) // 1 to 4
	c.deliver([]byte("{"), []byte(strings.ReplaceAll(string(lottery("ticketNo", "T-x", "30")), `"S7"`, `"门店 1"`)),
		[]byte(`{"specversion":"1.0","id":"x","source":"shop-sh","type":"order.paid","data":{"orderId":"SO-1","member":null,"channel":"13800001111"}}`))
	c.must(0, "rejects", "dismiss", "2", "--reason", "a test, says 13900002222", "--yes")
	ids := func(args ...string) string {
		t.Helper()
		var l rejects.Listing
		c.json(&l, append([]string{"rejects", "list"}, args...)...)
		var texts []string
		for _, r := range l.Rejects {
			texts = append(texts, idText(r.ID))
		}
		return strings.Join(texts, " ")
	}
	second := c.epoch.Add(2 * time.Millisecond).Format(time.RFC3339Nano)
	for want, args := range map[string][]string{
		"1 3 4 5 6 7":   {},
		"1 2 3 4 5 6 7": {"--all"},
		"2":             {"--resolved"},
		"5":             {"--code", "not_json"},
		"7":             {"--type", "order.paid"},
		"1 3 4 6":       {"--source", "pos"},
		"1 3 4":         {"--shop", "S7"},
		"6":             {"--shop", "门店 1"},
		"3":             {"--seq", "3"},
		"2 3 4 5 6 7":   {"--all", "--since", second},
		"1":             {"--until", second},
		"1 4":           {"4", "1", "2", "99", "4"},
		"":              {"--code", "clock"},
	} {
		if got := ids(args...); got != want {
			t.Errorf("%v: got %q, want %q", args, got, want)
		}
	}
	out := c.must(0, "rejects", "list", "--limit", "2", "--all")
	contains(t, out, "dismissed: a test, says…", "this page has 2 of 7", "--after 2")
	contains(t, c.must(0, "rejects", "list", "--limit", "5", "--all", "--after", "2"), "7 rejects in all", "unknown_channel")
	contains(t, c.must(0, "rejects", "list", "--after", "7"), "No further open reject fits; 6 did before")
	_, out, errOut := c.run("rejects", "list", "--csv", "--limit", "3")
	contains(t, errOut, "this page has 3 of 6")
	records, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil || len(records) != 4 || len(records[1]) != 14 || records[1][9] != "missing_field" {
		t.Errorf("%v %v", records, err)
	}
	for _, args := range [][]string{{}, {"--json"}, {"--csv"}} {
		_, out, _ := c.run(append([]string{"rejects", "list", "--all"}, args...)...)
		if strings.Contains(out, "13800001111") || strings.Contains(out, "13900002222") {
			t.Errorf("%v: a mobile number is shown: %s", args, out)
		}
	}
	for _, args := range [][]string{{"--limit", "0"}, {"--after", "-1"}, {"--json", "--csv"}, {"--all", "--resolved"}, {"--code", ""},
		{"--since", "1h", "--until", "2h"}, {"0"}} {
		c.must(2, append([]string{"rejects", "list"}, args...)...)
	}
}

func TestRejectsShow(t *testing.T) {
	t.Parallel()
	c := newRejectsConsole(t)
	payload := strings.Replace(string(lottery("ticketNo", "T-1", "30")), `"channel":"pos"`,
		`"channel":"pos","phone":"13800001111","cardNo":"6222020200112233","cardPassword":"hunter2","会员卡号":"A1234567"`, 1)
	c.deliver([]byte(payload))
	m := ledger.Message{Stream: "POINTS", StreamCreated: c.created, Seq: 90, Subject: "points.events.order.paid", BrokerTime: c.epoch,
		Header: []byte("Authorization: Bearer abc\r\nX-Phone: 13800001111\r\n"), Payload: []byte("\x1b[2J\xff\xfe " + strings.Repeat("长", 9000))}
	if _, err := c.store.Record(t.Context(), []ledger.Entry{{Message: m, Rejection: ledger.Rejectf(ledger.NotUTF8, "bytes 4")}}); err != nil {
		t.Fatal(err)
	}
	out := c.must(0, "rejects", "show", "1")
	contains(t, out, "Reject 1: bad_type", "type lottery.won, id e-T-1, from pos", "stream POINTS, sequence 1", `"phone": "138****1111"`,
		`"cardNo": "***2233"`, `"cardPassword": "***"`, `"会员卡号": "***4567"`, `"customerId": "383933091455959041"`, "and no passwords",
		"still fails: bad_type: data.cardPassword", "further rule set", "replay rejects retry 1", "replay rejects dismiss 1")
	for _, secret := range []string{"13800001111", "62220202", "hunter2", "A1234567"} {
		if strings.Contains(out, secret) {
			t.Errorf("%s is shown", secret)
		}
	}
	out = c.must(0, "rejects", "show", "2")
	contains(t, out, "Authorization: ***", "X-Phone: 138****1111", "(not readable)", "Encode the event in UTF-8", "more; replay rejects export")
	if strings.ContainsRune(out, 27) || strings.Contains(out, "Bearer") {
		t.Errorf("shown raw: %q", out)
	}
	c.work(c.mendedRules("{field: prizePoints}"))
	c.record("SO-1")
	c.must(0, "rejects", "dismiss", "2", "--reason", "noise", "--operator", "lin", "--yes")
	contains(t, c.must(0, "rejects", "show", "2"), "by lin: dismissed: noise")
	contains(t, c.must(1, "rejects", "show", "99"), "there is no reject 99")
	c.must(2, "rejects", "show", "SO-1")
	c.must(2, "rejects", "show")
	var shown rejects.Shown
	c.json(&shown, "rejects", "show", "1")
	// The password keeps it a reject, whatever the rules are.
	if shown.Now == nil || shown.Now.Outcome != "failing" || shown.Now.Code != ledger.BadType || len(shown.Next) == 0 {
		t.Errorf("now %+v, next %v", shown.Now, shown.Next)
	}
}

func TestRejectsDismiss(t *testing.T) {
	t.Parallel()
	c := newRejectsConsole(t)
	c.upgrade(101)
	c.deliver([]byte("{"))
	contains(t, c.must(0, "rejects", "dismiss", "--code", "missing_field", "--operator", "lin"), "101 open rejects", "nothing has been changed",
		"replay rejects dismiss --code missing_field --expect 101 --operator lin --reason '…' --yes")
	contains(t, c.must(2, "rejects", "dismiss", "--yes", "--reason", "x"), "wants the numbers of rejects, a filter, or --expect")
	contains(t, c.must(2, "rejects", "dismiss", "--yes", "--code", "missing_field"), "--yes needs --reason")
	contains(t, c.must(2, "rejects", "dismiss", "--yes", "--code", "missing_field", "--reason", "x"), "101 open rejects found, more than 100")
	contains(t, c.must(1, "rejects", "dismiss", "--yes", "--code", "missing_field", "--reason", "x", "--expect", "100"), "not the 100 expected: nothing was changed")
	contains(t, c.must(1, "rejects", "dismiss", "--expect", "9"), "102 open rejects found, not the 9 expected")
	if n := c.count(`SELECT count(*) FROM rejects WHERE resolved_at IS NOT NULL`) + c.count(`SELECT count(*) FROM ops_actions`); n != 0 {
		t.Fatal("something was changed")
	}
	contains(t, c.must(0, "rejects", "dismiss", "102", "--yes", "--reason", "noise", "--operator", "lin"), "Dismissed 1 of 1 reject", "action 1")
	contains(t, c.must(3, "rejects", "dismiss", "102", "101", "--yes", "--reason", "noise"), "Dismissed 1 of 1 reject", "1 reject dismissed; the others")
	contains(t, c.must(0, "rejects", "dismiss", "--code", "missing_field", "--expect", "100", "--yes", "--reason", "old", "--operator", "lin"), "Dismissed 100 of 100 rejects")
	contains(t, c.must(0, "rejects", "dismiss", "--type", "lottery.won", "--yes", "--reason", "old"), "nothing was dismissed, nothing recorded")
	contains(t, c.must(0, "rejects", "dismiss"), "nothing to dismiss")
	for sql, want := range map[string]int{
		`SELECT count(*) FROM rejects WHERE resolution = 'dismissed: noise' AND resolved_by = 'lin' AND id = 102`: 1,
		`SELECT count(*) FROM ops_actions WHERE action = 'rejects_dismiss' AND filter = '--code missing_field' AND set_size = 100
		    AND result LIKE 'dismissed 100 of 100 %'`: 1,
		`SELECT count(*) FROM ops_actions`: 3, `SELECT count(*) FROM operations`: 0,
	} {
		if got := c.count(sql); got != want {
			t.Errorf("%s: got %d, want %d", sql, got, want)
		}
	}
	// What was dismissed cannot be retried.
	c.work(c.mendedRules("{field: prizePoints}"))
	contains(t, c.must(0, "rejects", "retry", "1"), "nothing to retry")
}

// What is exported, worker publish takes back, and the stream then has the same
// events.
func TestRejectsExportIsPublished(t *testing.T) {
	t.Parallel()
	c := newRejectsConsole(t)
	c.upgrade(3)
	c.deliver([]byte("{"), []byte("\xff"), []byte("[]"), []byte("{ \"specversion\":\r\n\"1.0\"}"))
	binary := ledger.Message{Stream: "POINTS", StreamCreated: c.created, Seq: 90, Subject: "points.events.lottery.won", BrokerTime: c.epoch,
		Header:  []byte("ce-specversion: 1.0\r\nce-id: b1\r\nce-source: pos\r\nce-type: lottery.won\r\n"),
		Payload: []byte("{\"ticketNo\":\n\"T-b\"}")}
	if _, err := c.store.Record(t.Context(), []ledger.Entry{{Message: binary, Rejection: ledger.Rejectf(ledger.MissingField, "member")}}); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "rejects.jsonl")
	out := c.must(3, "rejects", "export", "--output", file)
	contains(t, out, "Exported 5 rejects to "+file, "unmasked", "left out 3 rejects", "1 not JSON", "1 not UTF-8", "1 not a JSON object", "replay rejects show 4")
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	contains(t, c.must(2, "rejects", "export", "--output", file), "is there already")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var piped bytes.Buffer
	root := newRoot(c.env)
	root.SetOut(&piped)
	root.SetErr(io.Discard)
	code := command.Execute(t.Context(), root, []string{"rejects", "export", "--code", "missing_field"})
	if code != 0 || strings.Count(piped.String(), "\n") != 5 || !strings.Contains(piped.String(), `"customerId":"383933091455959041"`) {
		t.Errorf("exit code %d: %s", code, piped.String())
	}

	worker := filepath.Join(t.TempDir(), "worker")
	if out, err := exec.Command("go", "build", "-o", worker, "../worker").CombinedOutput(); err != nil {
		t.Fatalf("build worker: %v\n%s", err, out)
	}
	url := testkit.NATS(t)
	publish := exec.Command(worker, "publish", "--create-stream", file)
	publish.Env = append(os.Environ(), "NATS_URL="+url)
	if out, err := publish.CombinedOutput(); err != nil || !strings.Contains(string(out), "published 5 messages") {
		t.Fatalf("publish: %v\n%s", err, out)
	}
	published := streamLines(t, url, 5)
	if got := strings.Join(published, "\n") + "\n"; got != string(text) {
		t.Errorf("published %s\nexported %s", got, text)
	}
	var last struct {
		Type, Source string
		Data         struct{ TicketNo string }
	}
	if err := json.Unmarshal([]byte(published[4]), &last); err != nil || last.Type != "lottery.won" || last.Data.TicketNo != "T-b" {
		t.Errorf("the binary event came as %s", published[4])
	}
}

// streamLines reads the payloads of the first n messages of the stream.
func streamLines(t *testing.T, url string, n uint64) (lines []string) {
	t.Helper()
	conn, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), "POINTS")
	if err != nil {
		t.Fatal(err)
	}
	for seq := range n {
		m, err := stream.GetMsg(t.Context(), seq+1)
		if err != nil {
			t.Fatal(fmt.Errorf("message %d: %w", seq+1, err))
		}
		lines = append(lines, string(m.Data))
	}
	return lines
}

func TestRejectsHelpFitsThePage(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	for _, args := range [][]string{{}, {"list"}, {"show"}, {"export"}, {"retry"}, {"dismiss"}} {
		for line := range strings.Lines(c.must(0, append(append([]string{"rejects"}, args...), "--help")...)) {
			if w := terminal.Width(strings.TrimRight(line, "\n")); w > terminal.PageWidth {
				t.Errorf("help of %v: a line has %d cells: %s", args, w, line)
			}
		}
	}
}
