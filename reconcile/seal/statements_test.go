package seal_test

import (
	"testing"

	"pointsledger/internal/testkit"
)

// Every statement fits the migrated schema.
func TestStatementsPrepare(t *testing.T) {
	t.Parallel()
	testkit.StatementsPrepare(t, "sqlOperationsIn", "sqlPostingsIn", "sqlPostingsSince", "sqlCorrectionsIn", "sqlCorrectionsSince", "sqlActsIn",
		"sqlPlan", "sqlChain", "sqlListed", "sqlCovers")
}
