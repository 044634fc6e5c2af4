package docs_test

import (
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"pointsledger/internal/testkit"
)

// insufficientPrivilege is SQLSTATE 42501.
const insufficientPrivilege = "42501"

// financeWrites are finance's own tables, and what it may do to them.
var financeWrites = map[string]string{"period_acts": "INSERT", "point_values": "INSERT", "journal_vouchers": "INSERT", "redemption_days": "INSERT"}

func TestFinanceRoleChangesNothing(t *testing.T) {
	pool := testkit.Pool(t)
	conn := financeConn(t, pool)
	rows, err := pool.Query(t.Context(), "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()")
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	if len(tables) < 8 {
		t.Fatalf("only tables %v are there", tables)
	}
	for _, table := range tables {
		name := pgx.Identifier{table}.Sanitize()
		if strings.HasPrefix(table, "reconcile_") { // finance's own; see TestFinanceKeepsWhatHasEnded
			wantRefused(t, conn, "TRUNCATE "+name+" CASCADE")
			continue
		}
		for _, sql := range []string{
			"INSERT INTO " + name + " DEFAULT VALUES", "DELETE FROM " + name, "TRUNCATE " + name + " CASCADE",
		} {
			if verb, _, _ := strings.Cut(sql, " "); !strings.Contains(financeWrites[table], verb) {
				wantRefused(t, conn, sql)
			}
		}
	}
	wantRefused(t, conn, "UPDATE outbox SET state = 'pending'")
	wantRefused(t, conn, "UPDATE rejects SET resolved_at = now(), resolved_by = 'me', resolution = 'done'")
	wantRefused(t, conn, "SET ROLE points")
}

// What an administrator is told to grant, where the migration could not, is what it grants.
func TestFinanceGrantsStandOnThePage(t *testing.T) {
	pool := testkit.Pool(t)
	rows, err := pool.Query(t.Context(), `SELECT table_name::text FROM information_schema.role_table_grants WHERE grantee = 'points_ledger_finance' AND table_schema = current_schema() AND privilege_type = 'SELECT' ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	granted, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("finance-queries.md")
	if err != nil {
		t.Fatal(err)
	}
	list := regexp.MustCompile(`(?s)GRANT SELECT ON (.*?)\s+TO points_ledger_finance`).FindSubmatch(page)
	if list == nil {
		t.Fatal("the page grants nothing")
	}
	told := regexp.MustCompile(`[a-z_]+`).FindAllString(string(list[1]), -1)
	slices.Sort(told)
	if !slices.Equal(granted, told) {
		t.Errorf("the migrations grant\n%v\nthe page tells\n%v", granted, told)
	}
}

// compareOnce keeps a comparison that found a record which nobody issued.
func compareOnce(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	for _, sql := range []string{
		`INSERT INTO reconcile_runs (account, from_date, to_date, zone, from_at, until_at, source, members_asked, made_by) VALUES ('zhimai', '2026-11-01', '2026-11-30', 'UTC', '2026-11-01', '2026-12-01', 'file', 'all', 'lin')`,
		`INSERT INTO reconcile_items (run_id, no, kind, account, member_id, ledger_points, vendor_points, evidence, step, operations, records, item_key) VALUES (1, 1, 'only_at_vendor', 'zhimai', '7', 0, 5, '', 'show', '{}', '{1}', 'k')`,
		`UPDATE reconcile_runs SET state = 'done', ended_at = now()`,
	} {
		if _, err := pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
}

// What finance may write is its own comparisons, and of one that has ended only what is
// said of its items.
func TestFinanceKeepsWhatHasEnded(t *testing.T) {
	pool := testkit.Pool(t)
	conn := financeConn(t, pool)
	for _, sql := range []string{
		`INSERT INTO reconcile_runs (account, from_date, to_date, zone, from_at, until_at, source, members_asked, made_by) VALUES ('zhimai', '2026-11-01', '2026-11-30', 'UTC', '2026-11-01', '2026-12-01', 'file', 'all', 'lin')`,
		`INSERT INTO reconcile_records (run_id, account, member_id, points, text) VALUES (1, 'zhimai', '7', 5, '')`,
		`INSERT INTO reconcile_items (run_id, no, kind, account, member_id, ledger_points, vendor_points, evidence, step, operations, records, item_key) VALUES (1, 1, 'only_at_vendor', 'zhimai', '7', 0, 5, '', 'show', '{}', '{1}', 'k')`,
		`UPDATE reconcile_runs SET state = 'done', ended_at = now()`,
		`UPDATE reconcile_items SET owner = 'lin'`,
	} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Errorf("%s: %v", sql, err)
		}
	}
	wantRefused(t, conn, `UPDATE reconcile_items SET vendor_points = 0`)
	wantRefused(t, conn, `DELETE FROM reconcile_runs`)
	wantRefused(t, conn, `DELETE FROM reconcile_remarks`)
	for _, sql := range []string{
		`UPDATE reconcile_runs SET vendor_points = 0`, `DELETE FROM reconcile_items`, `DELETE FROM reconcile_records`,
		`INSERT INTO reconcile_items (run_id, no, kind, account, member_id, ledger_points, vendor_points, evidence, step, operations, records, item_key) VALUES (1, 2, 'only_at_vendor', 'zhimai', '7', 5, 0, '', 'show', '{}', '{}', 'k')`,
	} {
		if _, err := pool.Exec(t.Context(), sql); err == nil {
			t.Errorf("%s: a run that has ended was changed", sql)
		}
	}
}

func wantRefused(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	_, err := conn.Exec(t.Context(), sql)
	var refused *pgconn.PgError
	if !errors.As(err, &refused) || refused.Code != insufficientPrivilege {
		t.Errorf("%s: got %v, want SQLSTATE %s", sql, err, insufficientPrivilege)
	}
}
