package ledger_test

import (
	"testing"

	"pointsledger/internal/testkit"
)

// Every statement fits the migrated schema.
func TestStatementsPrepare(t *testing.T) {
	t.Parallel()
	// One in a group, and one that is put together from several constants.
	testkit.StatementsPrepare(t, "sqlClaim", "sqlClaimFreshBulk", "sqlIsConfirmed", "sqlInsertOperations")
}
