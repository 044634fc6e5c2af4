package runs_test

import (
	"testing"

	"pointsledger/internal/testkit"
)

// Every statement fits the migrated schema.
func TestStatementsPrepare(t *testing.T) {
	t.Parallel()
	testkit.StatementsPrepare(t, "sqlMembersChanged", "sqlPostings", "sqlStrays", "sqlMatched", "sqlWindow", "sqlItems", "sqlCarry", "sqlReachBack")
}
