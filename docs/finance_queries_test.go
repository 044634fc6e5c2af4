// Package docs_test holds what the documents promise.
package docs_test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"pointsledger/desk"
	"pointsledger/desk/workitems"
	"pointsledger/internal/testkit"
	"pointsledger/internal/testkit/orders"
	"pointsledger/ledger"
	"pointsledger/ledger/rulefiles"
	"pointsledger/ledger/waiting"
	"pointsledger/reconcile/periods"
)

func TestMain(m *testing.M) { os.Exit(testkit.Run(m)) }

var sqlBlock = regexp.MustCompile("(?s)```sql\n(.*?)\n```")

// queries are the SQL blocks of the page, in order.
func queries(t *testing.T) []string {
	t.Helper()
	page, err := os.ReadFile("finance-queries.md")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, block := range sqlBlock.FindAllSubmatch(page, -1) {
		found = append(found, string(block[1]))
	}
	if marks := strings.Count(string(page), "```sql"); marks != len(found) {
		t.Fatalf("%d SQL blocks begin, %d end", marks, len(found))
	}
	return found
}

const (
	member  = "383933091455959041"
	version = "0123456789ab"
)

// entryOf is an accepted order with one operation.
func entryOf(seq int, kind ledger.Kind, account, memberID string, points ledger.Points) ledger.Entry {
	day := time.Date(2026, 11, 20, 4, 0, 0, 0, time.UTC)
	order := fmt.Sprintf("SO-%d", seq)
	bizID := ledger.NewBizID("pa", account, order)
	op := ledger.Operation{Account: account, Kind: kind, BizID: bizID, BusinessKey: order, MemberID: memberID, Points: points,
		Reason: order, Reference: ledger.ReferenceOf(bizID), BusinessDate: "2026-11-20", MappingVersion: version}
	if kind == ledger.PointsAdd {
		op.SourceType, op.PointsChannel = 1, 3
	}
	return ledger.Entry{
		Message: ledger.Message{Stream: "POINTS", StreamCreated: day, Seq: uint64(seq), Subject: "points.events.order.paid", BrokerTime: day},
		Event: &ledger.Event{Source: "shop-sh", ID: fmt.Sprint("e", seq), Type: "order.paid", Time: day,
			Content: fmt.Sprintf(`{"orderId":%q}`, order), FactKey: ledger.NewFactKey("shop-sh", "order.paid", order), Operations: []ledger.Operation{op}},
	}
}

// fill makes a small ledger: two grants and a freeze posted, one grant parked
// in doubt, one waiting, one with nothing to send, two rejects, and at an account zz of
// another member two grants that were cancelled: one is to be taken back by hand, one was.
func fill(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	ctx := t.Context()
	store := ledger.New(pool)
	if err := rulefiles.New(pool).RegisterMapping(ctx, version, "rules: []"); err != nil {
		t.Fatal(err)
	}
	rejected := entryOf(7, ledger.PointsAdd, "zhimai", member, 1)
	rejected.Event, rejected.Rejection = nil, ledger.Rejectf(ledger.NoVendorCall, "order.refunded: no call")
	garbage := ledger.Entry{Message: rejected.Message, Rejection: ledger.Rejectf(ledger.NotJSON, "byte 1")}
	garbage.Message.Seq = 8
	_, err := store.Record(ctx, []ledger.Entry{
		entryOf(1, ledger.PointsAdd, "zhimai", member, 100), entryOf(2, ledger.PointsAdd, "zhimai", member, 20),
		entryOf(3, ledger.PointsAdd, "zhimai", "7", 5), entryOf(4, ledger.PointsAdd, "zhimai", member, 3),
		entryOf(5, ledger.PointsAdd, "zhimai", "", 0), entryOf(6, ledger.FreezePoint, "kylin", "K:1", 50), rejected, garbage,
		entryOf(9, ledger.PointsAdd, "zz", "8", 40), entryOf(10, ledger.PointsAdd, "zz", "8", 2),
		orders.Declared(11, "2026-11-20", "d1", 9, 100),
	})
	if err != nil {
		t.Fatal(err)
	}
	claim := func(account string, token ledger.LeaseToken) map[string]ledger.Claimed {
		rows, err := store.Claim(ctx, ledger.Claim{Account: account, Token: token, Limit: 10, Lease: time.Minute, KeyMemory: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		byKey := map[string]ledger.Claimed{}
		for _, row := range rows {
			byKey[row.BusinessKey] = row
		}
		return byKey
	}
	grants, freezes, others := claim("zhimai", 1), claim("kylin", 2), claim("zz", 3)
	var heard []ledger.Confirmation
	for _, row := range []ledger.Claimed{grants["SO-1"], grants["SO-2"], freezes["SO-6"], others["SO-9"], others["SO-10"]} {
		heard = append(heard, ledger.Confirmation{ID: row.ID, Evidence: ledger.Answered, MemberID: row.MemberID, HTTPStatus: 200})
	}
	done, err := store.Confirm(ctx, heard)
	if err != nil || done.Posted != len(heard) {
		t.Fatalf("confirm: %+v, %v", done, err)
	}
	compareOnce(t, pool)
	takeBack(t, pool, store)
	if _, err := periods.New(pool).Close(ctx, periods.Closing{Through: "2026-11-19", Actor: "anna", Zone: "Asia/Shanghai"}); err != nil {
		t.Fatal(err)
	}
	doubtful, unsent := grants["SO-3"], grants["SO-4"]
	changed, err := store.Settle(ctx, []ledger.Change{
		{ID: doubtful.ID, Token: 1, State: ledger.Parked, Cause: ledger.CauseAttemptsExhausted, Doubt: true, UseAttempt: true},
		{ID: unsent.ID, Token: 1, State: ledger.Pending, Unsent: true, Delay: time.Hour},
	})
	if err != nil || len(changed) != 2 {
		t.Fatalf("settle: %v, %v", changed, err)
	}
}

// takeBack cancels the orders of account zz, which has no call for it; one of them is
// settled.
func takeBack(t *testing.T, pool *pgxpool.Pool, store *ledger.Store) {
	t.Helper()
	for seq, order := range map[uint64]string{11: "SO-9", 12: "SO-10"} {
		if _, err := store.Record(t.Context(), []ledger.Entry{orders.Refunded(seq, order, order, nil)}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := waiting.New(pool, store).ReleaseTakeBacks(t.Context(), "zz", nil); err != nil {
		t.Fatal(err)
	}
	var key ledger.BizID
	if err := pool.QueryRow(t.Context(), `SELECT biz_id FROM work_items WHERE business_key = 'SO-10'`).Scan(&key); err != nil {
		t.Fatal(err)
	}
	done, err := workitems.New(pool).Settle(t.Context(), []workitems.Answer{{BizID: key, Result: workitems.Done}}, desk.Decision{Actor: "lin", Reason: "ticket 81"}, "work.csv")
	if err != nil || done.Operations != 1 {
		t.Fatalf("settle: %+v, %v", done, err)
	}
}

// financeConn is a connection of a login that is in points_ledger_finance and
// in nothing else.
func financeConn(t *testing.T, pool *pgxpool.Pool) *pgx.Conn {
	t.Helper()
	const role = "docs_test_finance"
	for _, sql := range []string{"CREATE ROLE " + role + " LOGIN PASSWORD 'read-only'", "GRANT points_ledger_finance TO " + role} {
		if _, err := pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	cfg := pool.Config().ConnConfig.Copy()
	cfg.User, cfg.Password = role, "read-only"
	conn, err := pgx.ConnectConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.Background()
		if err := conn.Close(ctx); err != nil {
			t.Error(err)
		}
		if _, err := pool.Exec(ctx, "DROP ROLE "+role); err != nil {
			t.Error(err)
		}
	})
	return conn
}

// run prepares and runs a query and returns its rows by column name.
func run(t *testing.T, conn *pgx.Conn, sql string) []map[string]any {
	t.Helper()
	if _, err := conn.Prepare(t.Context(), "", sql); err != nil {
		t.Fatalf("prepare: %v\n%s", err, sql)
	}
	rows, err := conn.Query(t.Context(), sql)
	if err != nil {
		t.Fatalf("run: %v\n%s", err, sql)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToMap)
	if err != nil {
		t.Fatalf("run: %v\n%s", err, sql)
	}
	return found
}

func TestFinanceQueries(t *testing.T) {
	pool := testkit.Pool(t)
	fill(t, pool)
	conn := financeConn(t, pool)
	all := queries(t)
	if len(all) < 5 {
		t.Fatalf("the page has %d queries, want at least 5", len(all))
	}
	results := make([][]map[string]any, len(all))
	for i, sql := range all {
		if results[i] = run(t, conn, sql); len(results[i]) == 0 {
			t.Errorf("query %d finds nothing in a ledger with all kinds of rows:\n%s", i+1, sql)
		}
	}
	if t.Failed() {
		return
	}
	// want compares columns of one row, as text.
	want := func(what string, row map[string]any, columns map[string]string) {
		t.Helper()
		for name, value := range columns {
			if got := text(row[name]); got != value {
				t.Errorf("%s: %s is %s, want %s (%v)", what, name, got, value, row)
			}
		}
	}
	zhimai := results[0][1]
	want("1", zhimai, map[string]string{"account": "zhimai", "source_type": "1", "operations": "5",
		"issued_points": "128", "posted_points": "120", "open_points": "8", "voided_points": "0"})
	balances := map[string]string{}
	for _, row := range results[1] {
		balances[text(row["account"])] = text(row["balance_points"])
	}
	for account, points := range map[string]string{"zhimai:issued:1": "-128", "zhimai:member:*:credited": "120",
		"zhimai:member:*:pending": "8", "kylin:member:*:frozen": "50", "kylin:member:*:vendor_balance": "-50",
		"kylin:member:*:pending": "0", "sum of all accounts": "0"} {
		if balances[account] != points {
			t.Errorf("2: %s is %q, want %s", account, balances[account], points)
		}
	}
	want("2, as of a day", results[2][len(results[2])-1], map[string]string{"account": "sum of all accounts", "balance_points": "0"})
	if open := results[3]; len(open) != 3 {
		t.Errorf("3: %d rows are open, want 3: %v", len(open), open)
	}
	for _, row := range results[3] {
		switch row["business_key"] {
		case "SO-3":
			want("3", row, map[string]string{"state": "parked in doubt", "in_doubt": "true", "points": "5"})
		case "SO-4":
			want("3", row, map[string]string{"state": "waiting", "in_doubt": "false", "first_sent_at": "<nil>"})
		case "SO-9":
			want("3", row, map[string]string{"state": "parked", "cause": "no_vendor_call", "points": "40"})
		default:
			t.Errorf("3: this is not open: %v", row)
		}
	}
	last := results[len(results)-1]
	want("17", last[0], map[string]string{"item": "1-1", "kind": "only_at_vendor", "vendor_points": "5"})
	want("16", results[len(results)-3][0], map[string]string{"declared_orders": "9", "accepted_orders": "8", "missing_orders": "1", "missing_fen": "100"})
	if history := results[4]; len(history) != 3 {
		t.Errorf("4: the member has %d rows, want 3: %v", len(history), history)
	} else {
		want("4", history[2], map[string]string{"posted_so_far": "120"})
	}
	for _, row := range results[5] {
		if row["account"] == "zhimai" {
			want("5", row, map[string]string{"issued_points": "128", "posted_points": "120", "open_points": "8"})
		}
	}
	if len(results[6]) != 2 {
		t.Errorf("6: %d groups of rejects, want 2: %v", len(results[6]), results[6])
	}
	want("7", results[7][0], map[string]string{"mapping_version": version, "evidence": "answered"})
	want("8", results[8][0], map[string]string{"account": "zz", "kind": "points_deduct", "operations": "1", "points_to_be_taken_back": "40", "members": "1", "perhaps_done": "0"})
	want("8, reported", results[9][0], map[string]string{"account": "zz", "result": "done", "operations": "1", "points": "2", "members": "1"})
	statement := results[10]
	want("9, opening", statement[0], map[string]string{"what": "opening balance", "balance": "0"})
	want("9, closing", statement[len(statement)-1], map[string]string{"balance": "120", "pending": "3", "frozen": "0"})
	for _, row := range results[11] {
		want("10", row, map[string]string{"sum_points": "0"})
	}
	why := map[string]string{}
	for _, row := range results[12] {
		why[text(row["why"])] = text(row["points"])
	}
	if fmt.Sprint(why) != "map[by_hand:40 in_doubt:5 on_its_way:3]" {
		t.Errorf("11: %v", why)
	}
	want("12", results[13][0], map[string]string{"account": "zz", "business_key": "SO-9", "points": "40", "why": "by_hand", "member_id": "8"})
	want("13", results[14][0], map[string]string{"settled_later": "false", "granted_points": "0"})
	want("14", results[15][0], map[string]string{"account": "kylin", "operations": "1", "points": "50"})
}

// What refunds took is counted once: from a grant that was not sent in the grant's row,
// and after it in the row of what takes back.
func TestFinanceQueriesCountWhatRefundsTook(t *testing.T) {
	pool := testkit.Pool(t)
	store := ledger.New(pool)
	sale := func(seq int, points ledger.Points) ledger.Entry {
		e := entryOf(seq, ledger.PointsAdd, "zhimai", member, points)
		amount := int64(10_000)
		e.Event.Operations[0].AmountFen = &amount
		return e
	}
	record := func(entries ...ledger.Entry) {
		t.Helper()
		verdicts, err := store.Record(t.Context(), entries)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range verdicts {
			if v.Kind != ledger.Accepted {
				t.Fatalf("%+v", v)
			}
		}
	}
	fen := func(n int64) *int64 { return &n }
	record(sale(1, 100), sale(2, 20))
	record(orders.Refunded(3, "SO-1", "RF-1", fen(6000)), orders.Refunded(4, "SO-2", "RF-2", nil))
	rows, err := store.Claim(t.Context(), ledger.Claim{Account: "zhimai", Token: 1, Limit: 10, Lease: time.Minute, KeyMemory: time.Hour})
	if err != nil || len(rows) != 1 {
		t.Fatalf("claimed %+v, %v", rows, err)
	}
	if _, err := store.Confirm(t.Context(), []ledger.Confirmation{{ID: rows[0].ID, Evidence: ledger.Answered, MemberID: member}}); err != nil {
		t.Fatal(err)
	}
	record(orders.Refunded(5, "SO-1", "RF-3", fen(1000)))
	conn := financeConn(t, pool)
	all := queries(t)
	for _, query := range []int{0, 5} {
		for _, row := range run(t, conn, all[query]) {
			want := map[string]string{"issued_points": "120", "posted_points": "40", "voided_points": "0", "netted_points": "80", "open_points": "0"}
			if row["kind"] == "points_deduct" {
				want = map[string]string{"issued_points": "10", "posted_points": "0", "voided_points": "0", "netted_points": "0", "open_points": "10"}
			}
			for name, value := range want {
				if got := text(row[name]); got != value {
					t.Errorf("query %d: %s of %s is %s, want %s (%v)", query+1, name, row["kind"], got, value, row)
				}
			}
		}
	}
	history := run(t, conn, all[4])
	if last := history[len(history)-1]; text(last["kind"]) != "points_deduct" || last["posted_so_far"] != nil {
		t.Errorf("the member's history ends with %v", last)
	}
}

// text writes a value as psql would; numeric has no other simple form.
func text(v any) string {
	if n, ok := v.(interface{ MarshalJSON() ([]byte, error) }); ok {
		if out, err := n.MarshalJSON(); err == nil {
			return string(out)
		}
	}
	return fmt.Sprint(v)
}
