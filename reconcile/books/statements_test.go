package books_test

import (
	"testing"

	"pointsledger/internal/testkit"
)

// Every statement fits the migrated schema.
func TestStatementsPrepare(t *testing.T) {
	t.Parallel()
	testkit.StatementsPrepare(t, "sqlHasAccount", "sqlBalances", "sqlMemberBalances", "sqlAges", "sqlOpen", "sqlTrial", "sqlPersonIDs", "sqlPersonOperations", "sqlLines")
}
