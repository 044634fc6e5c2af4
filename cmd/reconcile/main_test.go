package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"pointsledger/internal/command"
	"pointsledger/internal/terminal"
	"pointsledger/internal/testkit"
	"pointsledger/internal/testkit/orders"
	"pointsledger/ledger"
	"pointsledger/ledger/database"
	"pointsledger/ledger/waiting"
	"pointsledger/reconcile/books"
)

func TestMain(m *testing.M) { os.Exit(testkit.Run(m)) }

const (
	member = "383933091455959041"
	// mobile is a member whose id is a mobile number.
	mobile = "13812345678"
)

// console runs reconcile as a login that is in the finance role and in nothing else.
type console struct {
	t    *testing.T
	env  []string
	pool *pgxpool.Pool
	book *ledger.Store
	seq  uint64
}

func newConsole(t *testing.T, role string) *console {
	t.Helper()
	dsn := testkit.Postgres(t)
	pool, err := database.OpenWorkerPool(t.Context(), dsn, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	c := &console{t: t, pool: pool, book: ledger.New(pool)}
	c.exec("CREATE ROLE " + role + " LOGIN PASSWORD 'read-only'")
	c.exec("GRANT points_ledger_finance TO " + role)
	c.exec("ALTER ROLE " + role + " SET default_transaction_read_only = on")
	t.Cleanup(func() {
		if _, err := pool.Exec(context.Background(), "DROP ROLE "+role); err != nil {
			t.Error(err)
		}
	})
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(role, "read-only")
	c.env = []string{"DATABASE_URL=" + u.String()}
	return c
}

func (c *console) exec(sql string) {
	c.t.Helper()
	if _, err := c.pool.Exec(c.t.Context(), sql); err != nil {
		c.t.Fatalf("%s: %v", sql, err)
	}
}

// must runs a command that has to end with the given code, and returns all it wrote.
func (c *console) must(code int, args ...string) string {
	c.t.Helper()
	var stdout, stderr bytes.Buffer
	root := newRoot(c.env)
	root.SetOut(&stdout)
	root.SetErr(&stderr)
	if got := command.Execute(c.t.Context(), root, args); got != code {
		c.t.Fatalf("reconcile %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), got, code, &stdout, &stderr)
	}
	for line := range strings.Lines(stdout.String()) {
		if w := terminal.Width(strings.TrimRight(line, "\n")); w > terminal.PageWidth && !strings.HasPrefix(line, "{") {
			c.t.Errorf("reconcile %s: a line has %d cells: %s", strings.Join(args, " "), w, line)
		}
	}
	return stdout.String() + stderr.String()
}

// json runs a command with --json and decodes its one line.
func (c *console) json(into any, args ...string) {
	c.t.Helper()
	out := c.must(0, append(args, "--json")...)
	if strings.Count(out, "\n") != 1 {
		c.t.Errorf("reconcile %s --json: more than one line: %s", strings.Join(args, " "), out)
	}
	decoder := json.NewDecoder(strings.NewReader(out))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		c.t.Fatalf("%v in %s", err, out)
	}
}

// record records one entry; edit may change its first operation.
func (c *console) record(e ledger.Entry) {
	c.t.Helper()
	verdicts, err := c.book.Record(c.t.Context(), []ledger.Entry{e})
	if err != nil || verdicts[0].Kind != ledger.Accepted {
		c.t.Fatalf("record: %+v, %v", verdicts, err)
	}
}

// sale is an order of 100 fen for each of 100 points, with a freeze of 50 if asked for.
func (c *console) sale(order, customer string, freeze bool) ledger.Entry {
	c.seq++
	e := orders.Paid(c.seq, order)
	amount := int64(10_000)
	op := &e.Event.Operations[0]
	op.MemberID, op.ShopCode, op.AmountFen = customer, "SH-01", &amount
	if freeze {
		e.Event.Operations = append(e.Event.Operations, orders.Operation("kylin", order, 50))
		op = &e.Event.Operations[1]
		op.MemberID, op.ShopCode, op.AmountFen, op.SourceType, op.PointsChannel = "K:1", "SH-01", &amount, 0, 0
	}
	e.Event.Content = fmt.Sprintf(`{"amountFen":10000,"channel":3,"member":{"customerId":%q,"memberId":"K:1","userCode":null},"orderId":%q}`, customer, order)
	return e
}

func (c *console) refund(order, id string, fen int64) {
	c.t.Helper()
	c.seq++
	c.record(orders.Refunded(c.seq, order, id, &fen))
}

// post has the vendor apply all that is due at an account.
func (c *console) post(account string) {
	c.t.Helper()
	rows, err := c.book.Claim(c.t.Context(), ledger.Claim{Account: account, Token: 5, Limit: 100, Lease: time.Minute, KeyMemory: time.Hour})
	if err != nil {
		c.t.Fatal(err)
	}
	var heard []ledger.Confirmation
	for _, row := range rows {
		heard = append(heard, ledger.Confirmation{ID: row.ID, Evidence: ledger.Answered, MemberID: row.MemberID})
	}
	if _, err := c.book.Confirm(c.t.Context(), heard); err != nil {
		c.t.Fatal(err)
	}
}

// fill makes a day: a grant that a refund lessened before it was sent, one that was
// refunded after it and is to be taken back by hand, a freeze, one that is held, and one
// of a member whose id is a mobile number.
func (c *console) fill() {
	c.t.Helper()
	c.record(c.sale("SO-1", member, true))
	c.refund("SO-1", "RF-1", 3000)
	c.record(c.sale("SO-2", member, false))
	c.record(c.sale("13812345678/1", mobile, false))
	c.post("zhimai")
	c.post("kylin")
	c.refund("SO-2", "RF-2", 2500)
	if _, err := waiting.New(c.pool, c.book).ReleaseTakeBacks(c.t.Context(), "zhimai", nil); err != nil {
		c.t.Fatal(err)
	}
	held := c.sale("SO-3", member, false)
	held.Event.Operations[0].HeldUntil = time.Now().Add(time.Hour)
	c.record(held)
}

// The finance role runs every command, and what they print is what happened.
func TestReconcileReadsTheBooks(t *testing.T) {
	c := newConsole(t, "reconcile_test_reads")
	c.fill()
	balance := c.must(0, "balance")
	oneBlank := strings.Join(strings.Fields(balance), " ")
	for _, line := range []string{"zhimai:issued:1 -370 5", "zhimai:member:*:credited 245 4", "zhimai:member:*:pending 125 9", "kylin:member:*:frozen 50 1",
		"sum of all accounts 0", "grant held until it is due 1 100", "take back to be done by hand at the vendor 1 25"} {
		if !strings.Contains(oneBlank, line) {
			t.Errorf("balance lacks %q:\n%s", line, balance)
		}
	}
	statement := c.must(0, "statement", member)
	for _, line := range []string{"also known as K:1", "take back: netted", "closing balance"} {
		if !strings.Contains(statement, line) {
			t.Errorf("statement lacks %q:\n%s", line, statement)
		}
	}
	trial := c.must(0, "trial", "--by", "source_type,channel,shop,day")
	t.Logf("\n%s\n%s\n%s", balance, statement, trial)
	var s books.Statement
	c.json(&s, "statement", "K:1")
	if s.Closing != (books.Sums{Balance: 70 + 75 - 50, Pending: 125, Frozen: 50}) || len(s.Lines) != 9 || s.Members[1] != member {
		t.Errorf("statement of K:1: %+v", s)
	}
	var tr books.Trial
	c.json(&tr, "trial", "--date", "2026-11-20")
	if tr.SumPoints != 0 || tr.Total.Credited != 245 || tr.Total.Issued != -370 || tr.Total.Frozen != 50 || tr.Date != "2026-11-20" {
		t.Errorf("trial: %+v", tr)
	}
	var b books.Balance
	c.json(&b, "balance", "--as-of", "1h")
	if len(b.Accounts) != 0 || b.TotalPoints != 0 || b.Open != nil {
		t.Errorf("an hour ago there was nothing: %+v", b)
	}
}

// A mobile number is shown to whom it was granted alone.
func TestReconcileMasksMembers(t *testing.T) {
	c := newConsole(t, "reconcile_test_masks")
	c.fill()
	for _, args := range [][]string{{"balance", "--members"}, {"statement", mobile}, {"statement", mobile, "--json"}} {
		if out := c.must(0, args...); strings.Contains(out, mobile) || !strings.Contains(out, "138****5678") {
			t.Errorf("%v: %s", args, out)
		}
	}
	// Its events name K:1 as well; the freeze of K:1 names somebody else.
	var s books.Statement
	c.json(&s, "statement", mobile)
	if s.Closing != (books.Sums{Balance: 100}) || len(s.Lines) != 2 || s.Lines[0].BusinessKey != "138****5678/1" {
		t.Errorf("statement: %+v", s)
	}
	if out := c.must(2, "statement", mobile, "--unmasked"); !strings.Contains(out, books.MembersRole) {
		t.Error(out)
	}
	c.exec("CREATE ROLE " + books.MembersRole + " NOLOGIN")
	t.Cleanup(func() { _, _ = c.pool.Exec(context.Background(), "DROP ROLE "+books.MembersRole) })
	if out := c.must(2, "statement", mobile, "--unmasked"); strings.Contains(out, mobile) {
		t.Error(out)
	}
	c.exec("GRANT " + books.MembersRole + " TO reconcile_test_masks")
	if out := c.must(0, "statement", mobile, "--unmasked"); !strings.Contains(out, mobile) {
		t.Error(out)
	}
}

func TestReconcileUsage(t *testing.T) {
	c := newConsole(t, "reconcile_test_usage")
	for _, u := range []struct {
		args []string
		want string
	}{
		{[]string{"balance", "--as-of", "1h", "--date", "2026-11-20"}, "leave one of the two out"},
		{[]string{"balance", "--date", "20.11.2026"}, `--date: want a date such as 2026-11-20, got "20.11.2026"`},
		{[]string{"balance", "--as-of", "2999-01-01T00:00:00Z"}, "is not over yet"},
		{[]string{"balance", "--account", ""}, "--account is empty"},
		{[]string{"balance", "--account", "zhmai"}, "account zhmai: the ledger has no operation of this account"},
		{[]string{"trial", "--account", "zhmai"}, "account zhmai: the ledger has no operation of this account"},
		{[]string{"balance", "--limit", "0"}, "--limit: want 1 to"},
		{[]string{"trial", "--by", "month"}, `source_type, channel, shop, day, with commas between, got "month"`},
		{[]string{"statement"}, "want a member's id"},
		{[]string{"statement", "1", "--since", "1d", "--date", "2026-11-20"}, "--from goes with --date"},
		{[]string{"statement", "1", "--from", "2026-11-20", "--as-of", "1d"}, "--since goes with --as-of"},
		{[]string{"statement", "1", "--from", "x"}, "--from: want a date"},
	} {
		if out := c.must(2, u.args...); !strings.Contains(out, u.want) {
			t.Errorf("%v: %s", u.args, out)
		}
	}
	if out := c.must(1, "statement", "13800000000"); !strings.Contains(out, "member 138****0000: ") || !strings.Contains(out, books.ErrNobody.Error()) {
		t.Error(out)
	}
	c.env = nil
	if out := c.must(2, "trial"); !strings.Contains(out, "DATABASE_URL is not set") {
		t.Error(out)
	}
}
