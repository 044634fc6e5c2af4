package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pointsledger/internal/command"
	"pointsledger/internal/config"
	"pointsledger/ledger"
	"pointsledger/ledger/rulefiles"
	"pointsledger/rules"
	"pointsledger/vendorapi/sim"
)

// rejectsConsole is a console whose ledger has a worker with rules of its own,
// for a lottery whose terminals send ticketId, and later ticketNo.
type rejectsConsole struct {
	*console
	rules *rules.Rules
	// created and epoch are the stream's and the first event's.
	created, epoch time.Time
}

func newRejectsConsole(t *testing.T) *rejectsConsole {
	t.Helper()
	now := time.Now().Truncate(time.Microsecond)
	c := &rejectsConsole{console: newConsole(t), created: now.Add(-48 * time.Hour), epoch: now.Add(-2 * time.Hour)}
	c.work(lotteryRules(""))
	return c
}

const lotteryEntry = `
      - type: lottery.won
        fields:
          %[1]s: {type: string, required: true}
          prizePoints: {type: integer, required: true, min: 1, max: 10000}
        key: [%[1]s]
        operations:
          - vendor: zhimai
            call: points_add
            source_type: 7
            points: %[2]s
            reason: 抽奖{%[1]s}中奖积分
`

// lotteryRules is the default file with a lottery, and further rule sets.
func lotteryRules(further string) []byte {
	text := string(config.DefaultFile())
	text = strings.Replace(text, "\n      - type: review.posted\n", fmt.Sprintf(lotteryEntry, "ticketId", "{field: prizePoints}")+"\n      - type: review.posted\n", 1)
	text = strings.Replace(text, "\n# The vendor accounts.", further+"\n# The vendor accounts.", 1)
	return []byte(text)
}

// mendedRules has a further set for terminals that send ticketNo.
func (c *rejectsConsole) mendedRules(points string) []byte {
	return lotteryRules("\n  - from: " + c.epoch.Add(-time.Hour).Format(time.RFC3339) + "\n    events:" + fmt.Sprintf(lotteryEntry, "ticketNo", points))
}

// work has a worker register the rules and use them from now on.
func (c *rejectsConsole) work(text []byte) {
	c.t.Helper()
	environ := []string{"WORKER_CONFIG=rules", "ZHIMAI_OPEN_ID=" + sim.DefaultOpenID, "ZHIMAI_GRANT_CODE=" + sim.DefaultGrantCode,
		"ZHIMAI_OPEN_KEY=" + sim.DefaultOpenKey}
	cfg, err := config.Load(environ, func(string) ([]byte, error) { return text, nil })
	if err != nil {
		c.t.Fatal(err)
	}
	if err := rulefiles.New(c.pool).RegisterMapping(c.t.Context(), cfg.RulesVersion, string(text)); err != nil {
		c.t.Fatal(err)
	}
	c.rules = cfg.Rules
}

// file writes a rule file and returns its path.
func (c *rejectsConsole) file(text []byte) string {
	c.t.Helper()
	path := filepath.Join(c.t.TempDir(), "rules.yaml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		c.t.Fatal(err)
	}
	return path
}

func versionOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])[:12]
}

// lottery is an event as a terminal publishes it.
func lottery(field, ticket, points string) []byte {
	return []byte(fmt.Sprintf(`{"specversion":"1.0","id":"e-%[2]s","source":"pos","type":"lottery.won","data":{"%[1]s":"%[2]s",`+
		`"member":{"customerId":"383933091455959041"},"channel":"pos","shopCode":"S7","prizePoints":%[3]s}}`, field, ticket, points))
}

// deliver has the worker record messages as they come from the stream.
func (c *rejectsConsole) deliver(payloads ...[]byte) []ledger.Verdict {
	c.t.Helper()
	var entries []ledger.Entry
	for _, payload := range payloads {
		c.seq++
		subject := "points.events.order.paid"
		for _, typ := range []string{"lottery.won", "order.refunded", "order.cancelled"} {
			if bytes.Contains(payload, []byte(typ)) {
				subject = "points.events." + typ
			}
		}
		m := ledger.Message{Stream: "POINTS", StreamCreated: c.created, Seq: c.seq, Subject: subject,
			BrokerTime: c.epoch.Add(time.Duration(c.seq) * time.Millisecond), Payload: payload}
		entries = append(entries, c.decoded(m))
	}
	verdicts, err := c.store.Record(c.t.Context(), entries)
	if err != nil {
		c.t.Fatal(err)
	}
	return verdicts
}

func (c *rejectsConsole) decoded(m ledger.Message) ledger.Entry {
	d := c.rules.Decode(m, nil)
	if d.Redact {
		m.Payload = d.RedactedPayload
	}
	return ledger.Entry{Message: m, Event: d.Event, Rejection: d.Rejection, Source: d.Source, ID: d.ID, Type: d.Type}
}

// upgrade delivers lottery events of terminals whose field has changed, which
// are rejects.
func (c *rejectsConsole) upgrade(n int) {
	c.t.Helper()
	var payloads [][]byte
	for i := range n {
		payloads = append(payloads, lottery("ticketNo", fmt.Sprintf("T-%06d", i), "30"))
	}
	c.deliver(payloads...)
	if open := c.count(`SELECT count(*) FROM rejects WHERE resolved_at IS NULL AND reason_code = 'missing_field'`); open != n {
		c.t.Fatalf("%d rejects of %d", open, n)
	}
}

// planned finds the command that a preview prints and returns its arguments,
// with a reason.
func planned(t *testing.T, preview string) []string {
	t.Helper()
	_, line, found := strings.Cut(preview, "\n  replay rejects retry --plan ")
	if !found {
		t.Fatalf("no command in %s", preview)
	}
	line, _, _ = strings.Cut(line, "\n")
	var args []string
	for _, word := range strings.Fields("rejects retry --plan " + line) {
		args = append(args, strings.ReplaceAll(strings.Trim(word, "'"), command.ReasonToFill, "rules mended"))
	}
	return args
}
