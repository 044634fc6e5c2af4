package report

import (
	"os"
	"testing"

	"pointsledger/internal/testkit"
)

func TestMain(m *testing.M) { os.Exit(testkit.Run(m)) }

// Every statement fits the migrated schema.
func TestStatementsPrepare(t *testing.T) {
	t.Parallel()
	testkit.StatementsPrepare(t, "sqlMoment", "sqlItemSums", "sqlItems", "sqlPairs", "sqlPairSums", "sqlDaySums", "sqlHeld", "sqlOwed", "sqlHelds", "sqlOweds", "sqlWithout", "sqlWithoutSums", "sqlNotRead")
}
