package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"pointsledger/desk"
	"pointsledger/internal/command"
	"pointsledger/internal/config"
	"pointsledger/internal/terminal"
	"pointsledger/internal/testkit"
	"pointsledger/ledger"
	"pointsledger/ledger/database"
)

func TestMain(m *testing.M) { os.Exit(testkit.Run(m)) }

// console runs replay on a ledger of its own, with nothing set but the
// database.
type console struct {
	t     *testing.T
	env   []string
	pool  *pgxpool.Pool
	store *ledger.Store
	desk  *desk.Desk
	seq   uint64
}

func newConsole(t *testing.T) *console {
	t.Helper()
	dsn := testkit.Postgres(t)
	pool, err := database.OpenWorkerPool(t.Context(), dsn, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	book := ledger.New(pool)
	return &console{t: t, env: []string{"DATABASE_URL=" + dsn, "ZHIMAI_RATE=0"}, pool: pool, store: book, desk: desk.New(pool, book)}
}

// resend makes the accounts ones that send doubtful rows again without looking
// them up, so that the vendor's memory of the key counts.
func (c *console) resend() {
	c.t.Helper()
	text := bytes.ReplaceAll(config.DefaultFile(), []byte("in_doubt: verify"), []byte("in_doubt: resend"))
	path := filepath.Join(c.t.TempDir(), "points.yaml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		c.t.Fatal(err)
	}
	c.env = append(c.env, "WORKER_CONFIG="+path)
}

// run runs a command and returns its exit code and what it wrote.
func (c *console) run(args ...string) (code int, out, errOut string) {
	c.t.Helper()
	var stdout, stderr bytes.Buffer
	root := newRoot(c.env)
	root.SetOut(&stdout)
	root.SetErr(&stderr)
	code = command.Execute(c.t.Context(), root, args)
	for line := range strings.Lines(stdout.String()) {
		forPeople := !slices.Contains(args, "--json") && !slices.Contains(args, "--csv")
		aCommand := strings.HasPrefix(strings.TrimSpace(line), "replay ") // to be copied, so not broken
		if w := terminal.Width(strings.TrimRight(line, "\n")); w > terminal.PageWidth && forPeople && !aCommand {
			c.t.Errorf("replay %s: a line has %d cells: %s", strings.Join(args, " "), w, line)
		}
	}
	return code, stdout.String(), stderr.String()
}

// must runs a command that has to end with the given code.
func (c *console) must(code int, args ...string) string {
	c.t.Helper()
	got, out, errOut := c.run(args...)
	if got != code {
		c.t.Fatalf("replay %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), got, code, out, errOut)
	}
	return out + errOut
}

// json runs a command with --json and decodes what it prints.
func (c *console) json(into any, args ...string) {
	c.t.Helper()
	code, out, errOut := c.run(append(args, "--json")...)
	if code != 0 {
		c.t.Fatalf("replay %s --json: exit code %d: %s", strings.Join(args, " "), code, errOut)
	}
	decoder := json.NewDecoder(strings.NewReader(out))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		c.t.Fatalf("replay %s --json: %v in %s", strings.Join(args, " "), err, out)
	}
}

const member = "383933091455959041"

// record accepts an order of 100 points at zhimai.
func (c *console) record(order string, edit ...func(*ledger.Operation)) ledger.Operation {
	c.t.Helper()
	c.seq++
	id := ledger.NewBizID("pa", "zhimai", "shop-sh", "order.paid", order, "pa")
	op := ledger.Operation{Account: "zhimai", Kind: ledger.PointsAdd, BizID: id, BusinessKey: order, MemberID: member,
		Points: 100, SourceType: 1, PointsChannel: 3, Reason: "订单" + order + " #" + ledger.ReferenceOf(id),
		Reference: ledger.ReferenceOf(id), BusinessDate: "2026-11-20", MappingVersion: "test"}
	for _, f := range edit {
		f(&op)
	}
	now := time.Now()
	verdicts, err := c.store.Record(c.t.Context(), []ledger.Entry{{
		Message: ledger.Message{Stream: "POINTS", StreamCreated: now, Seq: c.seq, Subject: "points.events.order.paid", BrokerTime: now},
		Event: &ledger.Event{Source: "shop-sh", ID: fmt.Sprintf("e%d", c.seq), Type: "order.paid", Time: now,
			Content: `{"orderId":"` + order + `"}`, FactKey: ledger.NewFactKey("shop-sh", "order.paid", order, op.Account), Operations: []ledger.Operation{op}},
	}})
	if err != nil || verdicts[0].Kind != ledger.Accepted {
		c.t.Fatalf("record %s: %v %v", order, verdicts, err)
	}
	return op
}

// park parks what waits; sentAgo 0 means never sent.
func (c *console) park(cause ledger.Cause, sentAgo time.Duration, inDoubt bool) {
	c.t.Helper()
	c.exec(`UPDATE outbox SET state = 'parked', cause = $1, attempts = 3, in_doubt = $3,
	               first_sent_at = CASE WHEN $2::bigint > 0 THEN now() - $2::bigint * interval '1 second' END
	         WHERE state = 'pending'`, cause, int64(sentAgo/time.Second), inDoubt)
}

func (c *console) exec(sql string, args ...any) {
	c.t.Helper()
	if _, err := c.pool.Exec(c.t.Context(), sql, args...); err != nil {
		c.t.Fatalf("%s: %v", sql, err)
	}
}

func (c *console) count(sql string, args ...any) (n int) {
	c.t.Helper()
	if err := c.pool.QueryRow(c.t.Context(), sql, args...).Scan(&n); err != nil {
		c.t.Fatalf("%s: %v", sql, err)
	}
	return n
}

// contains fails for each text that is missing, however the lines are broken.
func contains(t *testing.T, got string, texts ...string) {
	t.Helper()
	flat := strings.Join(strings.Fields(got), " ")
	for _, text := range texts {
		if !strings.Contains(flat, strings.Join(strings.Fields(text), " ")) {
			t.Errorf("%q is missing in\n%s", text, got)
		}
	}
}
