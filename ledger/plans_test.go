package ledger_test

import (
	"fmt"
	"maps"
	"regexp"
	"strings"
	"testing"

	"pointsledger/internal/testkit"
	"pointsledger/ledger"
	"pointsledger/ledger/database"
)

// An outbox that was vacuumed while it was empty, and operations that were
// analyzed when there were few, have a row or two as far as the planner knows,
// and a plan is kept. No statement of the hot path may then read them from one
// end to the other: by the time it runs, there may be millions of rows.
func TestPlansHoldOnEmptyTables(t *testing.T) {
	t.Parallel()
	for name, rows := range map[string]int{"none": 0, "two": 2, "sixty": 60, "never analyzed": 60} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool, err := database.OpenWorkerPool(t.Context(), testkit.Postgres(t), 1)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(pool.Close)
			f := &fixture{Store: ledger.New(pool), t: t, pool: pool}
			for i := range rows {
				f.record(f.event(fmt.Sprintf("SO-%d", i)))
			}
			for _, row := range f.claim(1, max(rows, 1)) {
				if _, err := f.Confirm(t.Context(), []ledger.Confirmation{{ID: row.ID, Evidence: ledger.Answered, MemberID: row.MemberID}}); err != nil {
					t.Fatal(err)
				}
			}
			if name != "never analyzed" {
				f.exec(`VACUUM (ANALYZE) outbox, operations`)
			}
			checkPlans(f)
		})
	}
}

func checkPlans(f *fixture) {
	t := f.t
	found := testkit.Statements(t)
	maps.Copy(found, testkit.StatementsIn(t, "budgets"))
	maps.Copy(found, testkit.StatementsIn(t, "waiting"))
	parameter := regexp.MustCompile(`\$(\d+)`)
	for _, name := range []string{"sqlClaim", "sqlClaimBulk", "sqlClaimFresh", "sqlClaimFreshBulk", "sqlMarkBulk", "sqlRenew", "sqlRescue", "sqlParkForgotten", "sqlNextDue", "sqlConfirm", "sqlSettle",
		"sqlResolve", "sqlLookUp", "sqlLookUpOlder", "sqlHoldsOlder", "sqlInsertOperations", "sqlInsertNewOperations",
		"sqlHold", "sqlParkExcess", "sqlReadOrigins", "sqlLockUnsent", "sqlReleaseTakeBacks", "sqlTakeCode", "sqlKeepMember", "sqlPutCodeBack", "sqlFindJoinable", "sqlTakeWaiting", "sqlOriginCame", "sqlFindCorrected", "sqlBudgetSpent", "sqlParkRebuiltOrigins", "sqlLessen", "sqlReverse"} {
		sql, there := found[name]
		if !there {
			t.Fatalf("no statement %s", name)
		}
		most := 0
		for _, m := range parameter.FindAllStringSubmatch(sql, -1) {
			var n int
			if _, err := fmt.Sscan(m[1], &n); err != nil {
				t.Fatal(err)
			}
			most = max(most, n)
		}
		f.exec(`PREPARE ` + name + ` AS ` + sql)
		nulls := ""
		if most > 0 {
			nulls = "(" + strings.TrimSuffix(strings.Repeat("NULL,", most), ",") + ")"
		}
		rows, err := f.pool.Query(t.Context(), `EXPLAIN EXECUTE `+name+nulls)
		if err != nil {
			t.Fatal(err)
		}
		var plan []string
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				t.Fatal(err)
			}
			plan = append(plan, line)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		if whole := wholeScan(plan); whole != "" {
			t.Errorf("%s reads a whole table: %s\n%s", name, whole, strings.Join(plan, "\n"))
		}
	}
}

// findsOne tells whether the condition of a scan of operations finds one row,
// and not all of an account, say.
func findsOne(condition string) bool {
	return strings.Contains(condition, "biz_id ") || strings.Contains(condition, "fact_key ") || strings.Contains(condition, "(id ")
}

// wholeScan finds a scan of the outbox or of the operations without an index
// condition, or by one that finds more than the row.
func wholeScan(plan []string) string {
	for i, line := range plan {
		operations := strings.Contains(line, " on operations")
		if !strings.Contains(line, "Scan") || !operations && !strings.Contains(line, " on outbox") {
			continue
		}
		condition := ""
		if i+1 < len(plan) {
			condition = plan[i+1]
		}
		if !strings.Contains(condition, "Index Cond:") || operations && !findsOne(condition) {
			return strings.TrimSpace(line)
		}
	}
	return ""
}
